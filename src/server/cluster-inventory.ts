import { formatKeyId } from '../base/key-id.ts';
import { parseGuid } from '../base/guid.ts';
import type { Guid } from '../base/guid.ts';
import type { HostName } from '../base/names.ts';
import type { Clock } from '../clock/clock.ts';
import { instant, toIso } from '../clock/clock.ts';
import { ChannelClosedError } from '../cluster/messages/channel.ts';
import type { DatabaseInventory, ExtentReply, InventoryCall } from '../cluster/messages/inventory.ts';
import type { ClusterProcess } from '../cluster/supervisor/cluster-process.ts';
import type { ExportRecord } from '../cluster/supervisor/export-records.ts';
import { exportsOf } from '../cluster/supervisor/export-records.ts';
import type { ServedCluster, ServedClusters } from '../cluster/supervisor/served-clusters.ts';
import type { ClusterKeyRecord } from '../encryption/cluster-key-state.ts';
import { clusterKeyTable } from '../encryption/cluster-key-state.ts';
import { databaseKeyPrefix, databaseKeyTable } from '../encryption/database-keys.ts';
import { listIntact } from '../state/list-all.ts';
import type { State } from '../state/state.ts';

/** A key of a cluster or database. Times are ISO on the Kustody clock. */
interface KeyDescription {
  /** The key version that wraps it, in full. */
  readonly kid: string;
  /** That key is in a vault outside of this Kustody. */
  readonly outsideVault: boolean;
  /** It takes each new version of its key by itself. */
  readonly followsLatest: boolean;
  /** From 1; all DEKs are wrapped under this one. */
  readonly generation: number;
  /** When the vault last unwrapped it. */
  readonly unwrappedOn?: string;
  readonly suspension?: { readonly since: string; readonly reason: string };
  readonly warning?: string;
}

/** The own key of a database: without it the database is out of use, and the others of its cluster go on. */
export interface DatabaseKeyDescription extends KeyDescription {
  readonly databaseId: Guid;
  readonly name: string;
}

/** One cluster with the key that everything of it hangs on, and what it holds. */
export interface ClusterDescription extends KeyDescription {
  readonly clusterId: Guid;
  readonly resourceId: string;
  readonly name: string;
  /** Where it is asked; missing while it is being deleted. */
  readonly host?: HostName;
  /** Names of its databases, followed ones included; known without its key. */
  readonly databaseNames: readonly string[];
  /** As the resource manager shows it: `Running`, `Stopped`, `Unavailable` … */
  readonly state: string;
  readonly custody: 'microsoftManaged' | 'customer';
  /** Of databases that have one; missing where none has. */
  readonly databaseKeys?: readonly DatabaseKeyDescription[];
  readonly databases?: readonly DatabaseInventory[];
  /** Containers of the user's storage that rows were written to: what is there is not taken away with the key. Missing where there is none. */
  readonly exports?: readonly ExportRecord[];
  /** Why `databases` is missing: what a cluster holds is known only with its key. */
  readonly notListed?: string;
}

export interface ClusterInventoryParts {
  readonly state: State;
  readonly clock: Clock;
  readonly clusters: ServedClusters;
  readonly isOutside: (vault: HostName) => boolean;
  readonly resourceId: (clusterId: Guid) => Promise<string | undefined>;
  readonly processServing: (cluster: ServedCluster) => Promise<ClusterProcess | undefined>;
}

/** What all clusters of this instance hold, and under which keys. */
export interface ClusterInventory {
  /** @param contents also what each holds, which opens only with its key */
  list(contents: boolean): Promise<readonly ClusterDescription[]>;
  /** @param cluster id or name */
  findExtent(cluster: string, extentId: Guid): Promise<FoundExtent>;
}

export type FoundExtent =
  | (Extract<ExtentReply, { outcome: 'found' }> & { readonly clusterId: Guid })
  | Exclude<ExtentReply, { outcome: 'found' }>
  | { readonly outcome: 'noCluster' };

export function createClusterInventory(parts: ClusterInventoryParts): ClusterInventory {
  const { state, clusters } = parts;
  return {
    async list(contents) {
      const served = await clusters.list();
      const records = await listIntact(state, clusterKeyTable);
      const described = await Promise.all(
        records.map(async ({ value }): Promise<ClusterDescription> => {
          const { clusterId, custody } = value;
          const cluster = served.find((candidate) => candidate.clusterId === clusterId);
          return {
            clusterId,
            resourceId: (await parts.resourceId(clusterId)) ?? '',
            name: cluster?.name ?? clusterId,
            ...(cluster === undefined ? {} : { host: cluster.hosts[0] }),
            databaseNames: databaseNamesOf(cluster),
            state: cluster?.state ?? 'Deleting',
            custody: custody.kind,
            ...keyOf(parts, value),
            ...(await databaseKeysOf(parts, clusterId, cluster)),
            ...(contents ? await contentsOf(parts, cluster) : {}),
            ...(await exportedBy(state, clusterId)),
          };
        }),
      );
      return described.sort((left, right) => (left.name < right.name ? -1 : 1));
    },

    async findExtent(name, extentId) {
      const cluster = (await clusters.list()).find(
        (candidate) => candidate.clusterId === parseGuid(name) || candidate.name === name.toLowerCase(),
      );
      if (cluster === undefined) return { outcome: 'noCluster' };
      const call = { ...callFor(parts, cluster), extentId };
      const reply = await asked(parts, cluster, (process) => process.call('findExtent', call));
      if (reply?.outcome !== 'found') return reply ?? { outcome: 'unavailable' };
      return { ...reply, clusterId: cluster.clusterId };
    },
  };
}

const databaseNamesOf = (cluster: ServedCluster | undefined): readonly string[] =>
  [...(cluster?.databases ?? []), ...(cluster?.followed ?? [])].map(({ name }) => name).sort();

function keyOf(
  { isOutside }: ClusterInventoryParts,
  { custody, kid, generation, suspension, warning, lease }: ClusterKeyRecord,
): KeyDescription {
  return {
    kid: formatKeyId(kid),
    outsideVault: isOutside(kid.vaultHost),
    followsLatest: custody.kind === 'customer' && custody.key.keyVersion === undefined,
    generation,
    ...(lease === undefined ? {} : { unwrappedOn: toIso(instant(lease.unwrapped.kustody)) }),
    ...(suspension === undefined ? {} : { suspension: { since: suspension.since, reason: suspension.reason } }),
    ...(warning === undefined ? {} : { warning }),
  };
}

async function exportedBy(state: State, clusterId: Guid): Promise<Pick<ClusterDescription, 'exports'>> {
  const exports = await exportsOf(state, clusterId);
  return exports.length === 0 ? {} : { exports };
}

async function databaseKeysOf(
  parts: ClusterInventoryParts,
  clusterId: Guid,
  cluster: ServedCluster | undefined,
): Promise<Pick<ClusterDescription, 'databaseKeys'>> {
  const records = await listIntact(parts.state, databaseKeyTable, databaseKeyPrefix(clusterId));
  if (records.length === 0) return {};
  const databaseKeys = records.map(({ value }): DatabaseKeyDescription => {
    const databaseId = value.clusterId; // the record of a key names whose it is
    const name = cluster?.databases.find((one) => one.databaseId === databaseId)?.name ?? databaseId;
    return { databaseId, name, ...keyOf(parts, value) };
  });
  return { databaseKeys: databaseKeys.sort((left, right) => (left.name < right.name ? -1 : 1)) };
}

async function contentsOf(
  parts: ClusterInventoryParts,
  cluster: ServedCluster | undefined,
): Promise<Pick<ClusterDescription, 'databases' | 'notListed'>> {
  if (cluster === undefined) return { notListed: 'The cluster is being deleted.' };
  const reply = await asked(parts, cluster, (process) => process.call('inventory', callFor(parts, cluster)));
  if (reply?.outcome === 'listed') return { databases: reply.databases };
  const { suspension, state } = cluster;
  if (suspension !== undefined)
    return { notListed: 'The cluster is suspended: what it holds opens only with its key.' };
  return { notListed: `The cluster does not serve now (state ${state}): what it holds is known only while it runs.` };
}

/** @returns undefined when the cluster may not use its key, or its process ended on the way */
async function asked<T>(
  parts: ClusterInventoryParts,
  cluster: ServedCluster,
  ask: (process: ClusterProcess) => Promise<T>,
): Promise<T | undefined> {
  try {
    const process = await parts.processServing(cluster);
    return process === undefined ? undefined : await ask(process);
  } catch (error) {
    if (error instanceof ChannelClosedError) return undefined;
    throw error;
  }
}

const callFor = ({ clock }: ClusterInventoryParts, { databases }: ServedCluster): InventoryCall => ({
  databases,
  now: clock.now(),
});
