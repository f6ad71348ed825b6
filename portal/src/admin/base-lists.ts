import type { JsonObject } from '../../../src/base/json.ts';
import { textMember } from '../../../src/base/json.ts';
import type { WrittenType } from '../../../src/cli/export/resource-rows.ts';
import type { Listed } from '../api/arm.ts';
import { listArm } from '../api/arm.ts';
import type { BaseLists, Problem } from './resources.ts';
import { groupsVersion, versionOf } from './resources.ts';

const subscriptionsVersion = '2022-12-01';

export async function listBase(signal: AbortSignal): Promise<BaseLists> {
  const { items } = await listArm('/subscriptions', subscriptionsVersion, signal);
  const subscriptions = items.map((one) => ({
    id: textMember(one, 'subscriptionId'),
    name: textMember(one, 'displayName'),
    tenantId: textMember(one, 'tenantId'),
  }));
  const problems: Problem[] = [];
  const inAll = async (what: string, below: string, version: string): Promise<readonly JsonObject[]> =>
    (
      await Promise.all(
        subscriptions.map(({ id, name }) =>
          noting(problems, `${what} of ${name}`, () => listArm(`/subscriptions/${id}/${below}`, version, signal)),
        ),
      )
    ).flat();
  const ofType = (what: string, type: WrittenType): Promise<readonly JsonObject[]> =>
    inAll(what, `providers/${type}`, versionOf(type));
  const [groups, clusters, vaults, identities] = await Promise.all([
    inAll('Resource groups', 'resourcegroups', groupsVersion),
    ofType('Clusters', 'Microsoft.Kusto/clusters'),
    ofType('Vaults', 'Microsoft.KeyVault/vaults'),
    ofType('Identities', 'Microsoft.ManagedIdentity/userAssignedIdentities'),
  ]);
  return { subscriptions, groups, clusters, vaults, identities, roles: [], problems };
}

/** What is refused is told, and hides nothing of the rest. */
export async function noting(
  problems: Problem[],
  what: string,
  list: () => Promise<Listed>,
): Promise<readonly JsonObject[]> {
  try {
    const { items, isCut } = await list();
    if (isCut) problems.push({ what, failure: new Error(`The first ${items.length} are shown; there are more.`) });
    return items;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    problems.push({ what, failure: error instanceof Error ? error : new Error(String(error)) });
    return [];
  }
}
