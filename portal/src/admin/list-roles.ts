import type { Json, JsonObject } from '../../../src/base/json.ts';
import { isJsonObject, textMember } from '../../../src/base/json.ts';
import { callPlaneJson } from '../api/planes.ts';
import { noting } from './base-lists.ts';
import { listArm } from '../api/arm.ts';
import type { BaseLists, Problem } from './resources.ts';
import { idOf, nameOf, partOf, propertiesOf, versionOf } from './resources.ts';
import type { ListedThings } from './thing-kind.ts';

/** Three ways to give somebody a right: roles of the resource manager, roles of Data Explorer, access policies of vaults. */
export async function listRoles(base: BaseLists, signal: AbortSignal): Promise<ListedThings> {
  const problems: Problem[] = [];
  const [{ given: ofAzure, roles }, ofKusto] = await Promise.all([
    listAzureRoles(base, problems, signal),
    listKustoRoles(base, problems, signal),
  ]);
  const found = [...ofAzure, ...ofKusto, ...base.vaults.flatMap(policiesOf)];
  const names = await principalNames(
    found.map(({ principalId }) => principalId),
    problems,
    signal,
  );
  const things = found.map(({ id, principalId, principalName, role, scope, by, resource }) => ({
    ...{ id, resource },
    name: principalName ?? names.get(principalId.toLowerCase()) ?? principalId,
    cells: [role, shortScope(scope), by],
  }));
  return { things, problems, roles };
}

interface Given {
  readonly id: string;
  readonly principalId: string;
  readonly principalName?: string;
  readonly role: string;
  readonly scope: string;
  readonly by: string;
  readonly resource: JsonObject;
}

const assignments = 'Microsoft.Authorization/roleAssignments';
const definitionsVersion = '2022-04-01';

async function listAzureRoles(
  { subscriptions }: BaseLists,
  problems: Problem[],
  signal: AbortSignal,
): Promise<{ readonly given: readonly Given[]; readonly roles: readonly JsonObject[] }> {
  const lists = await Promise.all(
    subscriptions.map(async ({ id, name }) => {
      const at = `/subscriptions/${id}/providers`;
      const [given, definitions] = await Promise.all([
        noting(problems, `Role assignments of ${name}`, () =>
          listArm(`${at}/${assignments}`, versionOf(assignments), signal),
        ),
        noting(problems, `Roles of ${name}`, () =>
          listArm(`${at}/Microsoft.Authorization/roleDefinitions`, definitionsVersion, signal),
        ),
      ]);
      const names = new Map(definitions.map((one) => [nameOf(one), textMember(propertiesOf(one), 'roleName')]));
      const described = given.map((resource): Given => {
        const properties = propertiesOf(resource);
        const roleId = textMember(properties, 'roleDefinitionId').split('/').at(-1) ?? '';
        return {
          ...{ id: idOf(resource), principalId: textMember(properties, 'principalId'), resource },
          ...{ role: names.get(roleId) ?? roleId, scope: textMember(properties, 'scope'), by: 'resource manager' },
        };
      });
      return { given: described, roles: definitions };
    }),
  );
  const byName = new Map(lists.flatMap(({ roles }) => roles).map((role) => [nameOf(role), role]));
  // What is assigned at `/` is in the list of every subscription.
  const given = new Map(lists.flatMap((list) => list.given).map((one) => [one.id, one]));
  return { given: [...given.values()], roles: [...byName.values()].toSorted(byRoleName) };
}

async function listKustoRoles(
  { clusters }: BaseLists,
  problems: Problem[],
  signal: AbortSignal,
): Promise<readonly Given[]> {
  const version = versionOf('Microsoft.Kusto/clusters');
  const at = async (what: string, scope: string): Promise<readonly Given[]> => {
    const given = await noting(problems, `Principals of ${what}`, () =>
      listArm(`${scope}/principalAssignments`, version, signal),
    );
    return given.map((resource) => {
      const properties = propertiesOf(resource);
      const principalName = textMember(properties, 'principalName');
      return {
        ...{ id: idOf(resource), principalId: textMember(properties, 'principalId'), resource },
        ...(principalName === '' ? {} : { principalName }),
        ...{ role: textMember(properties, 'role'), scope, by: 'Data Explorer' },
      };
    });
  };
  const lists = await Promise.all(
    clusters.map(async (cluster) => {
      const databases = await noting(problems, `Databases of ${nameOf(cluster)}`, () =>
        listArm(`${idOf(cluster)}/databases`, version, signal),
      );
      const scopes = [cluster, ...databases.filter((one) => textMember(one, 'kind') === 'ReadWrite')];
      return (await Promise.all(scopes.map((one) => at(textMember(one, 'name'), idOf(one))))).flat();
    }),
  );
  return lists.flat();
}

function policiesOf(vault: JsonObject): readonly Given[] {
  const { accessPolicies, enableRbacAuthorization } = propertiesOf(vault);
  if (enableRbacAuthorization === true || !Array.isArray(accessPolicies)) return [];
  return accessPolicies.filter(isJsonObject).map((policy: JsonObject) => {
    const principalId = textMember(policy, 'objectId');
    return {
      ...{ id: `${idOf(vault)}/accessPolicies/${principalId}`, principalId, resource: { ...policy, vault } },
      ...{ role: permissionsText(policy['permissions']), scope: idOf(vault), by: 'access policy' },
    };
  });
}

/** `keys: get, list; secrets: all` */
function permissionsText(permissions: Json | undefined): string {
  const all = isJsonObject(permissions) ? Object.entries(permissions) : [];
  return all
    .flatMap(([of, names]) => (Array.isArray(names) && names.length > 0 ? [`${of}: ${names.join(', ')}`] : []))
    .join('; ');
}

const byRoleName = (left: JsonObject, right: JsonObject): number =>
  textMember(propertiesOf(left), 'roleName').localeCompare(textMember(propertiesOf(right), 'roleName'));

/** As Graph takes them. */
const idsMax = 1000;

async function principalNames(
  ids: readonly string[],
  problems: Problem[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const wanted = [...new Set(ids.map((id) => id.toLowerCase()))].filter((id) => /^[0-9a-f-]{36}$/.test(id));
  if (wanted.length === 0) return new Map();
  const found = await noting(problems, 'Names of principals', async () => {
    const path = '/v1.0/directoryObjects/getByIds';
    const call = { method: 'POST', json: { ids: wanted.slice(0, idsMax) }, signal } as const;
    const { value } = await callPlaneJson<{ readonly value: readonly JsonObject[] }>('graph.microsoft.com', path, call);
    return { items: value, isCut: wanted.length > idsMax };
  });
  return new Map(
    found.map((one) => [
      textMember(one, 'id').toLowerCase(),
      textMember(one, 'displayName') || textMember(one, 'userPrincipalName'),
    ]),
  );
}

/** Without what every scope begins with. */
function shortScope(scope: string): string {
  const group = partOf(scope, 'resourceGroups');
  const below = scope.split('/providers/').at(1)?.split('/').slice(1).join('/');
  if (group === '') return `subscription ${partOf(scope, 'subscriptions')}`;
  return below === undefined ? `group ${group}` : `${below} in ${group}`;
}
