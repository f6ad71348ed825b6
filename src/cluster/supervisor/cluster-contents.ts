import { findBy } from '../../base/find-by.ts';
import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import { isJsonObject } from '../../base/json.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import { listIntact } from '../../state/list-all.ts';
import type { State, StateWrite, Table, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { AskAccess } from '../../storage/placed-blobs.ts';
import { BlobsUnavailableError } from '../../storage/blob-store.ts';
import type { BlobPlace } from '../../storage/places/blob-place.ts';
import { blobsAt } from '../../storage/places/blob-place.ts';
import { timeoutMsMax } from '../data-plane/requests/request-options.ts';
import { clearSide, clusterCatalogTable, keptSide } from '../process/remote-catalog-store.ts';
import type { InventoryCall } from '../messages/inventory.ts';
import type { Rested } from '../messages/rest.ts';
import type { UpkeepProblems } from '../messages/upkeep.ts';
import type { SupervisedClusterKeys } from './cluster-keys.ts';
import { clusterExports } from './export-records.ts';
import type { KeyLog } from './ports.ts';

/** Something that was deleted by the resource manager. */
interface Removal {
  readonly format: 1;
  /** The contents are gone, and are looked for once more then, on the Kustody clock: a process that was paused, or a request on its way,
   * may bring a blob after that. Absent: they are still to go. */
  readonly sweepAt?: number;
}

const parse = (value: unknown): Removal => {
  invariant(isJsonObject(value) && value.format === 1, 'a removal has a format that this Kustody knows');
  return { format: 1, ...(typeof value.sweepAt === 'number' && { sweepAt: value.sweepAt }) };
};
/** Ids: cluster ids. */
export const removedClusters: Table<Removal> = { name: 'removed-clusters', parse };
/** Ids: `{cluster id}/{database id}`. */
export const removedDatabases: Table<Removal> = { name: 'removed-databases', parse };

const upkeepMs = 30_000;
/** Whatever makes blobs has ended by then: no request may take longer, and far sooner than that is one to a container given up. */
export const sweptAgainMs = timeoutMsMax;

type DuePorts = Pick<ClusterContentsPorts, 'clock' | 'destructionHeld'>;

const isDue = ({ sweepAt }: Removal, { clock, destructionHeld = () => false }: DuePorts): boolean =>
  sweepAt === undefined || (!destructionHeld() && clock.now() >= sweepAt);

/** What becomes of a removal whose contents are gone. */
const next = ({ sweepAt }: Removal, { clock }: DuePorts): Removal | null =>
  sweepAt === undefined ? { format: 1, sweepAt: clock.now() + sweptAgainMs } : null;
const recordsPerCommit = 1_000;
/** More of them wait for the next turn. */
const databasesPerCall = 1_000;

export interface ClusterContentsPorts {
  readonly state: State;
  readonly keys: SupervisedClusterKeys;
  /** Each cluster has its part. */
  readonly blobs: BlobPlace;
  readonly containerAccess?: AskAccess | undefined;
  readonly clock: { now(): number; every(milliseconds: number, run: () => Promise<void>): () => void };
  readonly log: KeyLog;
  /** While true nothing goes for its age: the clock is doubtful. */
  readonly destructionHeld?: () => boolean;
  /** Whether pages of extents may be written: all who serve the state, or may, know of them. */
  readonly packsExtents?: () => boolean;
}

/** How the upkeep of a cluster stands, as its process last told. */
export interface ClusterUpkeep {
  readonly clusterId: Guid;
  readonly problems: UpkeepProblems;
}

/** What clusters hold, as the resource manager deals with it: sealed records, sealed bytes, and nothing that opens them. */
export interface ClusterContentsService {
  removeDatabase(clusterId: Guid, databaseId: Guid): Promise<readonly StateWrite[]>;
  removeCluster(clusterId: Guid): Promise<readonly StateWrite[]>;
  databaseBytes(clusterId: Guid, databaseId: Guid): Promise<number | undefined>;
  /** Begins the periodic upkeep; the first one at once. */
  start(): void;
  /** Removes what was deleted, and lets running clusters merge and expire their data. */
  upkeep(): Promise<void>;
  /** Of one cluster that runs; its data is opened for it. @param databases what the resource manager knows */
  upkeepOf(clusterId: Guid, databases: InventoryCall['databases']): Promise<void>;
  /** Whether something of a database that was deleted is still to go, or to be looked for once more now. */
  hasDropped(clusterId: Guid): Promise<boolean>;
  /** Sizes of the databases of a cluster whose process ends, for as long as it has none. */
  remember(clusterId: Guid, sizes: Rested['databaseBytes']): void;
  /** Of clusters whose data is open. Names nothing that clients named. */
  upkeepReports(): readonly ClusterUpkeep[];
  close(): void;
}

const sizeOf = findBy(({ databaseId }: Rested['databaseBytes'][number]) => databaseId);

export function createClusterContents(ports: ClusterContentsPorts): ClusterContentsService {
  const { state, keys, clock, log } = ports;
  let stop = (): void => undefined;

  const reports = new Map<Guid, ClusterUpkeep>();
  const sizes = new Map<Guid, Rested['databaseBytes']>();

  /** What fails for one cluster does not keep the others from it. @returns what failed */
  const attempt = async (name: string, clusterId: string, work: () => Promise<void>): Promise<unknown> => {
    try {
      await work();
      return undefined;
    } catch (error) {
      log.failure(name, error, { clusterId });
      return error;
    }
  };
  const removals = async (): Promise<void> => {
    for (const { id, value } of await listIntact(state, removedClusters)) {
      if (!isDue(value, ports)) continue;
      const failure = await attempt('removal-failed', id, () => removeContents(ports, id));
      if (failure instanceof BlobsUnavailableError) return; // the others would wait as long, and in vain
    }
  };
  const upkeep = async (): Promise<void> => {
    try {
      const clusterIds = (await listIntact(state, clusterKeyTable)).map(({ value }) => value.clusterId);
      for (const clusterId of clusterIds)
        await attempt('upkeep-failed', clusterId, async () => {
          const problems = await upkeepOf(ports, clusterId);
          if (problems === undefined) reports.delete(clusterId);
          else reports.set(clusterId, { clusterId, problems });
        });
      for (const clusterId of sizes.keys()) if (!clusterIds.includes(clusterId)) sizes.delete(clusterId);
      for (const clusterId of reports.keys()) if (!clusterIds.includes(clusterId)) reports.delete(clusterId);
      await removals();
    } catch (error) {
      log.failure('upkeep-failed', error);
    }
  };

  return {
    /** The cluster's own process removes them: nobody else can tell which records they are. */
    removeDatabase: (clusterId, databaseId) =>
      Promise.resolve([writeRecord(removedDatabases, `${clusterId}/${databaseId}`, null, { format: 1 })]),
    removeCluster: (clusterId) => Promise.resolve([writeRecord(removedClusters, clusterId, null, { format: 1 })]),
    async databaseBytes(clusterId, databaseId) {
      const admission = await keys.admitted(clusterId);
      const process = keys.processOf(clusterId);
      if (process === undefined && admission.outcome === 'notReady')
        return sizeOf(sizes.get(clusterId) ?? [], databaseId)?.bytes;
      if (admission.outcome !== 'admitted' || process === undefined) return undefined;
      const reply = await process.call('databaseBytes', { databaseId }).catch(() => undefined);
      return reply?.outcome === 'known' ? reply.bytes : undefined;
    },
    start() {
      stop = clock.every(upkeepMs, upkeep);
      void upkeep();
    },
    upkeep,
    upkeepOf: async (clusterId, databases) => {
      await upkeepOf(ports, clusterId, databases);
    },
    hasDropped: async (clusterId) => (await dueDatabases(ports, clusterId)).length > 0,
    remember: (clusterId, told) => {
      sizes.set(clusterId, told);
    },
    upkeepReports: () => [...reports.values()],
    close: () => stop(),
  };
}

const dueDatabases = async (ports: ClusterContentsPorts, clusterId: Guid): Promise<readonly Versioned<Removal>[]> =>
  (await ports.state.list(removedDatabases, { prefix: `${clusterId}/` })).filter(({ value }) => isDue(value, ports));

/** A database that was deleted has no place of its own: what comes late of it is found among the garbage of the cluster, for which its data
 * is open then.
 * @returns undefined while the cluster does not serve, or nobody has needed its data yet */
async function upkeepOf(
  ports: ClusterContentsPorts,
  clusterId: Guid,
  open?: InventoryCall['databases'],
): Promise<UpkeepProblems | undefined> {
  const { state, keys, clock, destructionHeld = () => false, packsExtents = () => false } = ports;
  const process = keys.processOf(clusterId);
  if (process === undefined || (await keys.admitted(clusterId)).outcome !== 'admitted') return undefined;
  const dropped = (await dueDatabases(ports, clusterId)).slice(0, databasesPerCall);
  const databaseIds = dropped.flatMap(({ id }) => parseGuid(id.slice(clusterId.length + 1)) ?? []);
  const call = {
    ...{ now: clock.now(), dropped: databaseIds, destructionHeld: destructionHeld(), packsExtents: packsExtents() },
    ...(open && { open }),
  };
  const reply = await process.call('upkeep', call).catch(() => undefined);
  if (reply?.outcome !== 'done') return undefined;
  const gone = dropped.filter(({ id }) => reply.removed.some((databaseId) => id.endsWith(`/${databaseId}`)));
  if (gone.length > 0)
    await state.commit({
      write: gone.map(({ id, version, value }) => writeRecord(removedDatabases, id, version, next(value, ports))),
    });
  return reply.problems;
}

/** Order: the cluster's key is gone with the commit that made the removal → records → blobs → the removal says when all of that is done once
 * more, after which it goes itself. */
async function removeContents(ports: ClusterContentsPorts, clusterId: string): Promise<void> {
  const { state, keys, blobs, containerAccess, log } = ports;
  const id = parseGuid(clusterId);
  invariant(id !== undefined, 'a removal names a cluster');
  if ((await state.get(clusterKeyTable, id)) !== undefined) return;
  await keys.processOf(id)?.end();
  try {
    const commit = (write: readonly StateWrite[]): Promise<void> => state.commit({ write });
    for (const side of ['', '~/', keptSide] as const) await clearSide(state, id, side, commit);
    for (const table of [clusterCatalogTable, clusterExports, removedDatabases] as readonly Table<unknown>[]) {
      for (;;) {
        const found = await state.list(table, { prefix: `${id}/`, limit: recordsPerCommit });
        if (found.length === 0) break;
        await state.commit({
          write: found.map((record) => writeRecord(table, record.id, record.version, null)),
        });
      }
    }
    await blobsAt(blobsAt(blobs).partOf(id), containerAccess).removeAll();
    const removal = await state.get(removedClusters, id);
    if (removal === undefined) return;
    await state.commit({ write: [writeRecord(removedClusters, id, removal.version, next(removal.value, ports))] });
  } catch (error) {
    if (!(error instanceof StateConflictError)) throw error;
    log.warning('removal-postponed', { clusterId: id }); // the next upkeep tries again
  }
}
