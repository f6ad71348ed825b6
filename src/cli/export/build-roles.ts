import type { JsonObject } from '../../base/json.ts';
import { textMember } from '../../base/json.ts';
import type { Building } from './building.ts';
import { memberOf } from './building.ts';
import { compare } from './arm-reader.ts';
import { writtenProperties, writtenRows } from './resource-rows.ts';
import type { Value } from './value.ts';
import { Expression, groupId, idOf } from './value.ts';

const type = 'Microsoft.Authorization/roleAssignments';

/** Role assignments of the group and of what lies in it. Their names follow from scope, principal and role. */
export function buildRoleAssignments(building: Building, assignments: readonly JsonObject[]): void {
  for (const one of assignments.toSorted(byMeaning)) {
    const properties = memberOf(one, 'properties');
    const scope = textMember(properties, 'scope');
    const onGroup = scope.toLowerCase() === building.groupId;
    const symbolOfScope = building.symbolOfId.get(scope.toLowerCase());
    if (!onGroup && symbolOfScope === undefined) {
      building.notes.push(`role assignment on ${scope.split('/').slice(5).join('/')}: its scope is not exported`);
      continue;
    }
    const roleId = textMember(properties, 'roleDefinitionId').split('/').at(-1) ?? '';
    const role = new Expression({ kind: 'role', id: roleId });
    const principal = building.principals.find(textMember(properties, 'principalId'));
    if (/:PrincipalId\]/i.test(textMember(properties, 'condition')))
      building.notes.push(
        `role assignment on ${scope.split('/').slice(5).join('/')}: its condition names principals by their ids`,
      );
    const { principalType, ...rest } = writtenProperties(type, properties);
    const scopeId: Value = symbolOfScope === undefined ? groupId : idOf(symbolOfScope);
    building.resources.push({
      symbol: building.symbols.symbolOf(
        'role',
        ...(symbolOfScope === undefined ? ['group'] : symbolOfScope.split('_')),
      ),
      ...{ type, apiVersion: writtenRows[type].apiVersion, after: [] },
      names: [new Expression({ kind: 'guid', of: [scopeId, principal.seed, role] })],
      ...(symbolOfScope === undefined ? {} : { scope: symbolOfScope }),
      body: {
        properties: {
          roleDefinitionId: role,
          principalId: principal.value,
          // Whoever deploys may be of another kind.
          ...(principal.isDeployer === true || principalType === undefined ? {} : { principalType }),
          ...rest,
        },
      },
    });
  }
}

/** Ids are drawn at random, so that they say nothing of an order. */
function byMeaning(left: JsonObject, right: JsonObject): number {
  const sortKey = (one: JsonObject): string => {
    const properties = memberOf(one, 'properties');
    const role = textMember(properties, 'roleDefinitionId').split('/').at(-1) ?? '';
    return [textMember(properties, 'scope'), role, textMember(properties, 'principalType')].join('|').toLowerCase();
  };
  return compare(sortKey(left), sortKey(right));
}
