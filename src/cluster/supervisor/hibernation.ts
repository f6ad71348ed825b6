import type { Guid } from '../../base/guid.ts';
import type { MonotonicClock } from '../../clock/monotonic-clock.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import { listAll } from '../../state/list-all.ts';
import type { State } from '../../state/state.ts';
import type { ClusterContentsService } from './cluster-contents.ts';
import type { Rested } from '../messages/rest.ts';
import type { SupervisedClusterKeys } from './cluster-keys.ts';
import type { ClusterProcess } from './cluster-process.ts';
import type { KeyLog } from './ports.ts';
import type { ServedCluster, ServedClusters } from './served-clusters.ts';

export interface HibernationPorts {
  readonly state: State;
  readonly keys: Pick<SupervisedClusterKeys, 'processOf' | 'rest'>;
  readonly contents: Pick<ClusterContentsService, 'upkeepOf' | 'hasDropped' | 'remember'>;
  readonly clusters: Pick<ServedClusters, 'byId'>;
  readonly processServing: (cluster: ServedCluster) => Promise<ClusterProcess | undefined>;
  /** The Kustody clock: upkeep is due by it. */
  readonly clock: { now(): number; every(milliseconds: number, run: () => Promise<void>): () => void };
  readonly monotonic: MonotonicClock;
  /** A cluster that nobody has used for so long gives its process back. */
  readonly idleMs: number;
  readonly log: KeyLog;
}

export interface Hibernation {
  start(): void;
  /** Ends the processes of clusters that nobody uses, and wakes those whose upkeep is due. */
  look(): Promise<void>;
  close(): void;
}

const lookMs = { most: 30_000, least: 100 } as const;
/** Clusters that are awake only for their upkeep, at one time: each takes the memory of a process. */
const wokenMax = 2;
/** So long after its upkeep began a cluster that nobody else needs may rest again. */
const wokenMs = 5_000;
/** What upkeep could not do is not tried again before. */
const retryMs = 3_600_000;

/** Gives processes of clusters back that have nothing to do: the next connection starts one again, which opens its key before it
 * answers. Keys of clusters that rest are checked on visits (see key-visits.ts). */
export function createHibernation(ports: HibernationPorts): Hibernation {
  const { state, keys, contents, clock, monotonic, idleMs, log } = ports;
  /** By cluster, on the Kustody clock; of others nobody knows, so theirs is due. */
  const dueAt = new Map<Guid, number>();
  const woken = new Set<Guid>();
  const stops: (() => void)[] = [];
  let looking: Promise<void> | undefined;

  const rest = async (clusterId: Guid, process: ClusterProcess): Promise<void> => {
    if (process.wasConnected) woken.delete(clusterId); // somebody has come meanwhile
    const rested = await keys.rest(clusterId, woken.has(clusterId) ? Math.min(wokenMs, idleMs) : idleMs);
    if (rested === undefined) return;
    woken.delete(clusterId);
    dueAt.set(clusterId, nextUpkeep(rested, clock.now()));
    contents.remember(clusterId, rested.databaseBytes);
    log.event('cluster-process-rests', { clusterId });
  };

  const wake = async (clusterId: Guid): Promise<void> => {
    const isDue = (dueAt.get(clusterId) ?? 0) <= clock.now() || (await contents.hasDropped(clusterId));
    if (!isDue || woken.size >= wokenMax) return;
    const cluster = await ports.clusters.byId(clusterId);
    if (cluster?.serves !== true || (await ports.processServing(cluster)) === undefined) return;
    woken.add(clusterId);
    await contents.upkeepOf(clusterId, cluster.databases);
  };

  const lookNow = async (): Promise<void> => {
    const clusterIds = (await listAll(state, clusterKeyTable)).map(({ value }) => value.clusterId);
    for (const known of [...dueAt.keys(), ...woken])
      if (!clusterIds.includes(known) || (woken.has(known) && keys.processOf(known) === undefined)) woken.delete(known);
    for (const known of dueAt.keys()) if (!clusterIds.includes(known)) dueAt.delete(known);
    for (const clusterId of clusterIds) {
      try {
        const process = keys.processOf(clusterId);
        if (process === undefined) await wake(clusterId);
        else if (!process.ended) await rest(clusterId, process);
      } catch (error) {
        log.failure('rest-failed', error, { clusterId });
      }
    }
  };

  const look = async (): Promise<void> => {
    looking ??= lookNow().finally(() => (looking = undefined));
    await looking;
  };

  return {
    start() {
      const everyMs = Math.min(lookMs.most, Math.max(lookMs.least, idleMs / 4));
      stops.push(monotonic.every(everyMs, look), clock.every(lookMs.most, look));
    },
    look,
    close() {
      for (const stop of stops.splice(0)) stop();
    },
  };
}

function nextUpkeep({ upkeep }: Rested, now: number): number {
  if (upkeep === 'unknown') return now;
  const dueAt = upkeep.dueAt ?? Infinity;
  return dueAt > now ? dueAt : now + retryMs;
}
