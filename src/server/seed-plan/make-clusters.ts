import type { JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import { skuRows } from '../../providers/kusto/skus.ts';
import { streamingCommand } from '../seed.ts';
import { hasOwnIdentity } from './references.ts';
import type { ClusterEntry, PlanPath } from './schema.ts';
import { presets } from './schema.ts';
import type { Seeding } from './seeding.ts';
import { clusterId, identityId, locationOf, propertiesOf, settled, step, tellKept, versions } from './seeding.ts';

/** A cluster of the file, as it is. */
export interface SeededCluster {
  readonly name: string;
  readonly uri: string;
  /** Object id of its system-assigned identity. */
  readonly principalId?: string;
  readonly databases: readonly SeededDatabase[];
}

export interface SeededDatabase {
  readonly name: string;
  /** It was made now, so there is nothing in it. */
  readonly isNew: boolean;
}

/** All clusters, under Microsoft-managed keys at first, then their databases. What is there already stays as it is.
 * @param isUnfinished an earlier seed did not come to its end: databases count as new */
export async function makeClusters(seeding: Seeding, isUnfinished: boolean): Promise<readonly SeededCluster[]> {
  const { clusters = [] } = seeding.plan.document;
  const made: SeededCluster[] = [];
  for (const [index, cluster] of clusters.entries()) {
    const resource = await step(seeding, ['clusters', index], () => makeCluster(seeding, cluster, ['clusters', index]));
    const identity = isJsonObject(resource['identity']) ? textMember(resource['identity'], 'principalId') : '';
    const uri = textMember(propertiesOf(resource), 'uri');
    made.push({ name: cluster.name, uri, databases: [], ...(identity === '' ? {} : { principalId: identity }) });
  }
  const complete: SeededCluster[] = [];
  for (const [index, cluster] of made.entries())
    complete.push(await withDatabases(seeding, cluster, index, isUnfinished));
  return complete;
}

async function makeCluster(seeding: Seeding, cluster: ClusterEntry, path: PlanPath): Promise<JsonObject> {
  const { calls, environment, begin } = seeding;
  const id = clusterId(seeding, cluster.name);
  const found = await calls.arm('GET', id, versions.kusto, undefined, [404]);
  if (found !== undefined) {
    const { name: sku, capacity } = isJsonObject(found['sku']) ? found['sku'] : {};
    const { enableStreamingIngest } = propertiesOf(found);
    tellKept(seeding, path, cluster, { sku, capacity, enableStreamingIngest });
  } else {
    begin(`making cluster ${cluster.name}`);
    const size = cluster.sku ?? presets.sku;
    const { tier = 'Standard', minimum = 2 } = skuRows.find(({ name }) => name === size) ?? {};
    await calls.arm('PUT', id, versions.kusto, {
      location: locationOf(seeding, cluster),
      sku: { name: size, tier, capacity: cluster.capacity ?? minimum },
      identity: identityOf(seeding, cluster),
      properties: { enableStreamingIngest: cluster.enableStreamingIngest ?? true },
    });
  }
  const made = await settled(seeding, id);
  await calls.arm('PUT', `${id}/principalAssignments/owner`, versions.kusto, {
    properties: { principalId: environment.clientId, principalType: 'App', role: 'AllDatabasesAdmin' },
  });
  return made;
}

function identityOf(seeding: Seeding, cluster: ClusterEntry): JsonObject {
  const { managedIdentities = [] } = cluster;
  const types = [
    ...(hasOwnIdentity(cluster) ? ['SystemAssigned'] : []),
    ...(managedIdentities.length > 0 ? ['UserAssigned'] : []),
  ];
  if (types.length === 0) return { type: 'None' };
  const assigned = Object.fromEntries(managedIdentities.map((name) => [identityId(seeding, name), {}]));
  return { type: types.join(', '), ...(managedIdentities.length > 0 ? { userAssignedIdentities: assigned } : {}) };
}

async function withDatabases(
  seeding: Seeding,
  cluster: SeededCluster,
  index: number,
  isUnfinished: boolean,
): Promise<SeededCluster> {
  const { calls, plan, begin } = seeding;
  const entry = plan.document.clusters?.[index];
  const databases: SeededDatabase[] = [];
  for (const [at, { name, softDeletePeriod, hotCachePeriod }] of (entry?.databases ?? []).entries())
    await step(seeding, ['clusters', index, 'databases', at], async () => {
      const path: PlanPath = ['clusters', index, 'databases', at];
      const id = `${clusterId(seeding, cluster.name)}/databases/${encodeURIComponent(name)}`;
      const found = await calls.arm('GET', id, versions.kusto, undefined, [404]);
      const isNew = isUnfinished || found === undefined;
      databases.push({ name, isNew });
      if (!isNew) {
        const held = propertiesOf(found);
        const periods = { softDeletePeriod: held['softDeletePeriod'], hotCachePeriod: held['hotCachePeriod'] };
        tellKept(seeding, path, { softDeletePeriod, hotCachePeriod }, periods);
        return;
      }
      begin(`making database ${name} of ${cluster.name}`);
      await calls.arm('PUT', id, versions.kusto, {
        location: locationOf(seeding, entry ?? {}),
        kind: 'ReadWrite',
        properties: {
          ...(softDeletePeriod === undefined ? {} : { softDeletePeriod }),
          ...(hotCachePeriod === undefined ? {} : { hotCachePeriod }),
        },
      });
      await settled(seeding, id);
      // The cluster takes streaming ingestion; each database asks for it, too.
      if (entry?.enableStreamingIngest ?? true) await calls.command(cluster.uri, name, streamingCommand(name));
    });
  return { ...cluster, databases };
}

/** Puts clusters under their keys, when nothing else is left to do. One that has a customer-managed key keeps it. */
export async function putUnderKeys(seeding: Seeding): Promise<void> {
  const { clusters = [] } = seeding.plan.document;
  for (const [index, cluster] of clusters.entries()) {
    if (cluster.key === undefined) continue;
    await step(seeding, ['clusters', index, 'key'], () => putUnderKey(seeding, cluster, ['clusters', index, 'key']));
  }
}

async function putUnderKey(seeding: Seeding, { name, key }: ClusterEntry, path: PlanPath): Promise<void> {
  const { calls, begin } = seeding;
  const id = clusterId(seeding, name);
  const held = propertiesOf(await settled(seeding, id))['keyVaultProperties'];
  if (key === undefined) return;
  if (isJsonObject(held)) {
    const vault = new URL(textMember(held, 'keyVaultUri')).hostname.split('.', 1)[0];
    tellKept(seeding, path, key, { vault, name: held['keyName'] });
    return;
  }
  begin(`putting cluster ${name} under key ${key.name}`);
  const { managedIdentity } = key;
  await calls.arm('PATCH', id, versions.kusto, {
    properties: {
      keyVaultProperties: {
        keyName: key.name,
        keyVaultUri: `https://${key.vault}.vault.azure.net/`,
        keyVersion: (key.followLatest ?? true) ? '' : await currentVersion(seeding, key),
        ...(managedIdentity === undefined ? {} : { userIdentity: identityId(seeding, managedIdentity) }),
      },
    },
  });
  await settled(seeding, id);
}

async function currentVersion(
  { calls }: Seeding,
  { vault, name }: { readonly vault: string; readonly name: string },
): Promise<string> {
  const found = await calls.vault(vault)('GET', `/keys/${encodeURIComponent(name)}?api-version=${versions.keys}`);
  const kid = isJsonObject(found?.['key']) ? textMember(found['key'], 'kid') : '';
  return kid.split('/').at(-1) ?? '';
}
