import type { JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import { azureCalls } from '../../server/azure-calls.ts';
import type { InstanceEnvironment } from '../../server/instance-environment.ts';
import { UserError } from '../user-error.ts';
import type { ArmReader } from './arm-reader.ts';
import { createArmReader } from './arm-reader.ts';
import { buildGroup } from './build-group.ts';
import { memberOf } from './building.ts';
import type { Gathered } from './gather.ts';
import { gather } from './gather.ts';
import type { ExportedGroup } from './model.ts';

/** Reads a resource group of a running instance.
 * @param name without it, the only group
 * @throws UserError for a group that there is not, or when a read is refused */
export async function readGroup(environment: InstanceEnvironment, name: string | undefined): Promise<ExportedGroup> {
  const reader = await createArmReader(environment);
  const id = await groupIdOf(reader, environment.subscriptionId, name);
  const gathered = await gather(reader, id);
  const names = await namesOf(environment, principalIdsIn(gathered));
  return buildGroup(gathered, { tenantId: environment.tenantId, objectId: environment.objectId, names });
}

async function groupIdOf(reader: ArmReader, subscriptionId: string, name: string | undefined): Promise<string> {
  const groups = await reader.list(`/subscriptions/${subscriptionId}/resourcegroups`, '2021-04-01');
  const names = groups.map((group) => textMember(group, 'name'));
  const found = groups.filter(
    (group) => name === undefined || textMember(group, 'name').toLowerCase() === name.toLowerCase(),
  );
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return textMember(only, 'id');
  if (names.length === 0)
    throw new UserError('There is no resource group.', "Make one, for example with 'kustody run --seed'.");
  if (name === undefined)
    throw new UserError('There are several resource groups.', `Name one with --resource-group: ${names.join(', ')}`);
  throw new UserError(`There is no resource group '${name}'.`, `There are: ${names.join(', ')}`);
}

/** Everybody whom a grant of the group is for. */
function principalIdsIn({ vaults, clusters, roleAssignments }: Gathered): readonly string[] {
  const policies = vaults.flatMap(({ resource }) => {
    const { accessPolicies } = memberOf(resource, 'properties');
    return Array.isArray(accessPolicies) ? (accessPolicies as readonly JsonObject[]) : [];
  });
  const assignments = clusters.flatMap((cluster) => [
    ...cluster.assignments,
    ...cluster.children.flatMap((database) => database.assignments),
  ]);
  const ids = [
    ...policies.map((policy) => textMember(policy, 'objectId')),
    ...assignments.map((one) => textMember(memberOf(one, 'properties'), 'aadObjectId')),
    ...roleAssignments.map((one) => textMember(memberOf(one, 'properties'), 'principalId')),
  ];
  return [...new Set(ids.filter((id) => id !== '').map((id) => id.toLowerCase()))];
}

/** As many as the directory tells of in one answer. */
const idsAtOnce = 1000;

async function namesOf(environment: InstanceEnvironment, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { graph } = azureCalls(environment);
  const names = new Map<string, string>();
  for (let from = 0; from < ids.length; from += idsAtOnce) {
    const body = { ids: ids.slice(from, from + idsAtOnce) };
    const answer = await graph('POST', '/v1.0/directoryObjects/getByIds', body);
    for (const one of Array.isArray(answer?.['value']) ? (answer['value'] as readonly unknown[]) : []) {
      if (isJsonObject(one)) names.set(textMember(one, 'id').toLowerCase(), textMember(one, 'displayName'));
    }
  }
  return names;
}
