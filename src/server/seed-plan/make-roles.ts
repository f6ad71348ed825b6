import { builtInRole } from '../../authz/role-definitions.ts';
import type { JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { SeededPrincipal } from '../instance-environment.ts';
import type { KnownPrincipals } from './make-principals.ts';
import type { RoleEntry } from './schema.ts';
import { isKustoRole } from './schema.ts';
import { parseScope } from './references.ts';
import type { Scope } from './references.ts';
import type { Seeding } from './seeding.ts';
import {
  clusterId,
  groupId,
  guidOf,
  identityId,
  propertiesOf,
  settled,
  step,
  subscriptionId,
  vaultId,
  versions,
} from './seeding.ts';

/** Access policies of vaults, then role assignments. What is missing is made; nothing is taken away. */
export async function makeRoles(seeding: Seeding, known: KnownPrincipals): Promise<void> {
  const { vaults = [], roles = [] } = seeding.plan.document;
  for (const [index, vault] of vaults.entries())
    for (const [at, { principal, keys }] of (vault.accessPolicies ?? []).entries())
      await step(seeding, ['vaults', index, 'accessPolicies', at], () =>
        addAccessPolicy(seeding, vaultId(seeding, vault.name), known(principal), keys),
      );
  for (const [index, role] of roles.entries())
    await step(seeding, ['roles', index], () => makeRole(seeding, role, known(role.principal)));
}

async function addAccessPolicy(
  { calls, environment }: Seeding,
  vault: string,
  { objectId }: SeededPrincipal,
  keys: readonly string[],
): Promise<void> {
  const held = propertiesOf(await calls.arm('GET', vault, versions.vaults))['accessPolicies'];
  const isThere = Array.isArray(held) && held.some((one) => isJsonObject(one) && one['objectId'] === objectId);
  if (isThere) return;
  const policy = { tenantId: environment.tenantId, objectId, permissions: { keys } };
  await calls.arm('PUT', `${vault}/accessPolicies/add`, versions.vaults, { properties: { accessPolicies: [policy] } });
}

function makeRole(seeding: Seeding, { role, scope: text }: RoleEntry, principal: SeededPrincipal): Promise<void> {
  const scope = parseScope(text);
  if (scope === undefined) throw new Error(`'${text}' is no scope.`);
  const id = scopeId(seeding, scope);
  return isKustoRole(role) ? assignKustoRole(seeding, id, role, principal) : assignRole(seeding, id, role, principal);
}

function scopeId(seeding: Seeding, scope: Scope): string {
  switch (scope.kind) {
    case 'subscription':
      return subscriptionId(seeding);
    case 'resourceGroup':
      return groupId(seeding);
    case 'managedIdentity':
      return identityId(seeding, scope.name);
    case 'vault':
      return `${vaultId(seeding, scope.vault)}${scope.key === undefined ? '' : `/keys/${scope.key}`}`;
    case 'cluster':
      return `${clusterId(seeding, scope.cluster)}${scope.database === undefined ? '' : `/databases/${encodeURIComponent(scope.database)}`}`;
  }
}

/** A role of Azure. Repeating it changes nothing. */
export async function assignRole(
  seeding: Seeding,
  scope: string,
  role: string,
  { objectId, type }: Pick<SeededPrincipal, 'objectId' | 'type'>,
): Promise<void> {
  const { roleDefinitionId } = builtInRole(role);
  const name = guidOf(scope, roleDefinitionId, objectId);
  const definition = `${subscriptionId(seeding)}/providers/Microsoft.Authorization/roleDefinitions/${roleDefinitionId}`;
  const properties = { roleDefinitionId: definition, principalId: objectId, principalType: type };
  const path = `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`;
  // Somebody may have given the same role by another name: then it is there already.
  await seeding.calls.arm('PUT', path, versions.authorization, { properties }, [409]);
}

/** A role of Data Explorer. @param scope id of a cluster or database */
async function assignKustoRole(
  seeding: Seeding,
  scope: string,
  role: string,
  { objectId, type }: SeededPrincipal,
): Promise<void> {
  const { calls } = seeding;
  const list = await calls.arm('GET', `${scope}/principalAssignments`, versions.kusto);
  const held = Array.isArray(list?.['value']) ? (list['value'] as readonly JsonObject[]).map(propertiesOf) : [];
  const isSame = (one: JsonObject): boolean =>
    textMember(one, 'aadObjectId').toLowerCase() === objectId && textMember(one, 'role') === role;
  if (held.some(isSame)) return;
  const path = `${scope}/principalAssignments/${guidOf(scope, role, objectId)}`;
  const principalType = type === 'ServicePrincipal' ? 'App' : type;
  await calls.arm('PUT', path, versions.kusto, { properties: { principalId: objectId, principalType, role } });
  await settled(seeding, path);
}
