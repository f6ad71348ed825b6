import type { Cluster, DatabaseUnion } from '@azure/arm-kusto';
import { textMember } from '../../base/json.ts';
import { azureErrorLine, isForbidden, isNotFound } from '../azure-error.ts';
import type { CmkClients } from '../clients.ts';
import type { ClusterFacts, ClusterKey } from '../facts.ts';
import { listArm } from '../gather-arm.ts';
import { clusterFacts, clusterKey, gather, gatherKey } from '../gather.ts';
import { resolveTarget } from '../resolve-target.ts';
import type { ResourceId } from '../resource-id.ts';
import { parseResourceId, sameVaultUri } from '../resource-id.ts';
import type { CmkTarget } from '../target.ts';
import type { DatabaseFacts, Fleet, FleetCluster, FleetKey, FollowerFacts, KeyView, Reading } from './fleet-facts.ts';
import { gatherRotation } from './gather-rotation.ts';

/** More at once would meet the resource manager's limits, fewer would make a large fleet wait. */
const clustersAtOnce = 4;

export interface FleetRequest {
  readonly subscriptions: readonly string[];
  /** Each cluster, once it has been looked at. */
  readonly looked: (done: number, all: number) => void;
}

/** Every subscription that the caller sees. */
export async function gatherSubscriptions(clients: CmkClients): Promise<readonly string[]> {
  const found = await listArm(clients, '/subscriptions', { 'api-version': '2022-12-01' });
  return found.map((one) => textMember(one, 'subscriptionId')).toSorted();
}

/** Reads every cluster of the subscriptions; changes nothing. What the caller may not read of one is said there.
 * @throws what an SDK throws for a subscription that cannot be listed */
export async function gatherFleet(clients: CmkClients, { subscriptions, looked }: FleetRequest): Promise<Fleet> {
  const found: { cluster: Cluster; id: ResourceId }[] = [];
  const vaults: VaultPlace[] = [];
  for (const subscriptionId of subscriptions) {
    for await (const cluster of clients.kusto(subscriptionId).clusters.list()) {
      const id = parseResourceId(cluster.id ?? '', 'Microsoft.Kusto/clusters');
      if (id !== undefined) found.push({ cluster, id });
    }
    vaults.push(...(await listVaults(clients, subscriptionId)));
  }
  const clusters: FleetCluster[] = [];
  const waiting = found.entries();
  let done = 0;
  const work = async (): Promise<void> => {
    for (const [index, { cluster, id }] of waiting) {
      clusters[index] = await gatherOne(clients, cluster, id, vaults);
      done += 1;
      looked(done, found.length);
    }
  };
  await Promise.all(Array.from({ length: clustersAtOnce }, work));
  return { subscriptions, clusters };
}

interface VaultPlace {
  readonly uri: string;
  readonly id: ResourceId;
}

/** A vault of another subscription is only found by its address: all are listed once. */
async function listVaults(clients: CmkClients, subscriptionId: string): Promise<readonly VaultPlace[]> {
  const found: VaultPlace[] = [];
  for await (const { id: text, properties } of clients.vaults(subscriptionId).vaults.listBySubscription()) {
    const id = parseResourceId(text ?? '', 'Microsoft.KeyVault/vaults');
    if (id !== undefined) found.push({ uri: properties.vaultUri ?? '', id });
  }
  return found;
}

async function gatherOne(
  clients: CmkClients,
  found: Cluster,
  id: ResourceId,
  vaults: readonly VaultPlace[],
): Promise<FleetCluster> {
  const cluster = clusterFacts(found, id);
  const databases = await reading(() => listDatabases(clients, id));
  const keyed = databases.outcome === 'read' ? databases.value : [];
  const keys: FleetKey[] = [];
  if (cluster.key !== undefined) keys.push(await gatherKeyOf(clients, cluster, id, vaults, cluster.key));
  for (const { name, key } of keyed)
    if (key !== undefined)
      keys.push({ database: name, ...(await gatherKeyOf(clients, { ...cluster, key }, id, vaults, key)) });
  return {
    cluster,
    diskEncryption: found.enableDiskEncryption === true,
    doubleEncryption: found.enableDoubleEncryption === true,
    keys,
    databases,
    followers: await reading(() => listFollowers(clients, id)),
    diagnosticSettings: await listDiagnosticSettings(clients, cluster.id),
  };
}

async function gatherKeyOf(
  clients: CmkClients,
  cluster: ClusterFacts,
  id: ResourceId,
  vaults: readonly VaultPlace[],
  key: ClusterKey,
): Promise<FleetKey> {
  const resolved = resolveTarget({ cluster: id }, cluster);
  if ('problem' in resolved) return { key, problem: resolved.problem };
  const place = vaults.find(({ uri }) => sameVaultUri(uri, key.keyVaultUri));
  const target: CmkTarget =
    place === undefined
      ? resolved.value
      : { ...resolved.value, vault: { by: 'id', name: place.id.name, id: place.id } };
  try {
    return { key, view: await gatherView(clients, cluster, target) };
  } catch (error) {
    if (isForbidden(error)) return { key, problem: azureErrorLine(error) };
    throw error;
  }
}

async function gatherView(clients: CmkClients, cluster: ClusterFacts, target: CmkTarget): Promise<KeyView> {
  const facts = { ...(await gather(clients, target)), cluster };
  const { vault } = facts;
  if (vault === undefined) {
    const notThere = { outcome: 'refused', message: 'There is no such vault.' } as const;
    const newest = { outcome: 'notAsked' } as const;
    return { target, facts, newest, rotation: notThere, vaultDiagnosticSettings: notThere };
  }
  return {
    target,
    facts,
    newest:
      target.keyVersion === undefined ? facts.key : await gatherKey(clients, vault.uri, target.keyName, undefined),
    rotation: await reading(() => gatherRotation(clients, vault.uri, target.keyName)),
    vaultDiagnosticSettings: await listDiagnosticSettings(clients, vault.id),
  };
}

async function listDatabases(clients: CmkClients, id: ResourceId): Promise<readonly DatabaseFacts[]> {
  const found: DatabaseFacts[] = [];
  const { databases } = clients.kusto(id.subscriptionId);
  for await (const database of databases.listByCluster(id.resourceGroup, id.name)) found.push(databaseFacts(database));
  return found;
}

function databaseFacts(database: DatabaseUnion): DatabaseFacts {
  const key = database.kind === 'ReadWrite' && 'keyVaultProperties' in database ? clusterKey(database) : undefined;
  const name = database.name?.split('/').at(-1) ?? '';
  return { name, ...(key === undefined ? {} : { key }) };
}

async function listFollowers(clients: CmkClients, id: ResourceId): Promise<readonly FollowerFacts[]> {
  const found: FollowerFacts[] = [];
  const { clusters } = clients.kusto(id.subscriptionId);
  for await (const { clusterResourceId, databaseName } of clusters.listFollowerDatabases(id.resourceGroup, id.name))
    found.push({ clusterId: clusterResourceId, database: databaseName ?? '*' });
  return found;
}

const listDiagnosticSettings = (clients: CmkClients, resourceId: string): Promise<Reading<readonly string[]>> =>
  reading(async () => {
    const path = `${resourceId}/providers/Microsoft.Insights/diagnosticSettings`;
    return (await listArm(clients, path, { 'api-version': '2021-05-01-preview' })).map((one) =>
      textMember(one, 'name'),
    );
  });

/** What may not be read, or is gone meanwhile, is a finding and no end. */
async function reading<T>(ask: () => Promise<T>): Promise<Reading<T>> {
  try {
    return { outcome: 'read', value: await ask() };
  } catch (error) {
    if (isForbidden(error) || isNotFound(error)) return { outcome: 'refused', message: azureErrorLine(error) };
    throw error;
  }
}
