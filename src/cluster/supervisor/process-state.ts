import type { Guid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import { clusterKeyTable, withoutReplacing } from '../../encryption/cluster-key-state.ts';
import { databaseKeyId, databaseKeyTable } from '../../encryption/database-keys.ts';
import { longAgo } from '../../clock/monotonic-clock.ts';
import { leaseHeld } from '../../encryption/lease.ts';
import { SealedRecordError } from '../../state/record-seal.ts';
import type { StateExpectation, StateWrite, Table, Versioned } from '../../state/state.ts';
import { expectRecord, writeRecord } from '../../state/state.ts';
import { StorageFullError } from '../../base/storage-full.ts';
import { StateConflictError } from '../../state/state-store.ts';
import { isBesideHead, otherSide, sideInUse } from '../process/remote-catalog-store.ts';
import type { CommitReply, StageReply, StateCalls, StateReplies } from '../messages/state-calls.ts';
import { readStateCall } from '../messages/state-calls.ts';
import type { ClusterKeysOptions } from './ports.ts';
import { bothClocks } from './ports.ts';

type Ports = Pick<ClusterKeysOptions, 'state' | 'clock' | 'monotonic' | 'settings' | 'clusterTables' | 'log'>;

/** A change of custody takes seconds; one that takes longer is dead and gives way. */
export const replacingMsMax = 60_000;
/** So often the record of the key may change (leases) while one commit is made. */
const attemptsMax = 20;

export const isStateCall = (operation: string): operation is keyof StateCalls =>
  Object.hasOwn(readStateCall, operation);

/** Serves the state to the process of one cluster: only tables that belong to clusters, only ids of this cluster, and commits
 * only while the cluster holds its lease on the key of the generation that the values are sealed under. That is checked in the
 * commit itself: it expects the key's record unchanged.
 * @throws ProtocolError; Error for what a process has no business with */
export async function serveState(
  ports: Ports,
  clusterId: Guid,
  operation: keyof StateCalls,
  body: unknown,
  { databases = new Map(), committed }: HeldByProcess = {},
): Promise<StateReplies[keyof StateCalls]> {
  try {
    return await served(ports, { clusterId, databases, committed }, operation, body);
  } catch (error) {
    if (!(error instanceof SealedRecordError)) throw error;
    const { table, id, damage } = error;
    return { outcome: 'damaged', table, id, damage };
  }
}

/** Databases with a key of their own, and whether the process holds it. */
export type HeldDatabases = ReadonlyMap<Guid, 'open' | 'locked'>;

export interface HeldByProcess {
  readonly databases?: HeldDatabases;
  /** Told of each commit when it is durable, before whoever made it. */
  readonly committed?: ((write: readonly StateWrite[]) => void) | undefined;
}

interface Asking extends HeldByProcess {
  readonly clusterId: Guid;
  readonly databases: HeldDatabases;
}

async function served(
  ports: Ports,
  asking: Asking,
  operation: keyof StateCalls,
  body: unknown,
): Promise<StateReplies[keyof StateCalls]> {
  const { clusterId } = asking;
  switch (operation) {
    case 'stateGet': {
      const { table, id } = readStateCall.stateGet(body);
      return ports.state.get(ownTable(ports, clusterId, table, id), id);
    }
    case 'stateList': {
      const { table, prefix, ...options } = readStateCall.stateList(body);
      return ports.state.list(ownTable(ports, clusterId, table, prefix), { prefix, ...options });
    }
    case 'stateStage':
      return stage(ports, clusterId, readStateCall.stateStage(body));
    default:
      return commit(ports, asking, readStateCall.stateCommit(body));
  }
}

async function commit(
  ports: Ports,
  { clusterId, databases, committed }: Asking,
  call: StateCalls['stateCommit'],
): Promise<CommitReply> {
  const expect = call.expect.map(({ table, id, expect: version }): StateExpectation => {
    return { table: ownTable(ports, clusterId, table, id) as Table<never>, id, expect: version };
  });
  const write = call.write.map(({ table, id, expect: version, put }): StateWrite => {
    return { table: ownTable(ports, clusterId, table, id) as Table<never>, id, expect: version, put };
  });
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const key = await ports.state.get(clusterKeyTable, clusterId);
    if (key === undefined || !serves(ports, key.value, call.generation)) return { outcome: 'notServed' };
    if (key.value.replacing !== undefined && !(await endDeadChange(ports, key))) return { outcome: 'changing' };
    if (key.value.replacing !== undefined) continue;
    const own = await heldKeys(ports, clusterId, databases);
    if (own === undefined) return { outcome: 'notServed' };
    try {
      const all = [...expect, expectRecord(clusterKeyTable, clusterId, key.version), ...own];
      await ports.state.commit({ expect: all, write, adds: !takesAway(call) });
      committed?.(write);
      return { outcome: 'committed' };
    } catch (error) {
      if (error instanceof StorageFullError) return { outcome: 'full' };
      if (!(error instanceof StateConflictError)) throw error;
      if (error.table !== clusterKeyTable.name && error.table !== databaseKeyTable.name)
        return { outcome: 'conflict', table: error.table, id: error.id };
    }
  }
  return { outcome: 'changing' };
}

/** The records of the keys of databases that the process holds, as a commit expects them. One that is deleted meanwhile does no harm.
 * @returns undefined when it may not use one of them any more */
async function heldKeys(
  ports: Ports,
  clusterId: Guid,
  databases: HeldDatabases,
): Promise<readonly StateExpectation[] | undefined> {
  const expectations: StateExpectation[] = [];
  for (const [databaseId, held] of databases) {
    if (held !== 'open') continue;
    const id = databaseKeyId(clusterId, databaseId);
    const found = await ports.state.get(databaseKeyTable, id);
    if (found === undefined) continue;
    const { suspension, lease } = found.value;
    if (suspension !== undefined || !leaseHeld(lease, bothClocks(ports), ports.settings)) return undefined;
    expectations.push(expectRecord(databaseKeyTable, id, found.version));
  }
  return expectations;
}

/** Beside the catalog in use, and for the change of custody alone that the key's record names: another one may have begun. The head is not
 * among it, it goes with the commit of the change. A change that goes on so long says that it is alive.
 * @throws Error for what a process has no business with; StateConflictError when somebody else has written there */
async function stage(ports: Ports, clusterId: Guid, { change, write }: StateCalls['stateStage']): Promise<StageReply> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const key = await ports.state.get(clusterKeyTable, clusterId);
    const mark = key?.value.replacing;
    if (key === undefined || mark?.change !== change) return { outcome: 'ended' };
    const side = otherSide(await sideInUse(ports.state, clusterId));
    const own = write.map(({ table, id, expect, put }): StateWrite => {
      const allowed = ownTable(ports, clusterId, table, isBesideHead(clusterId, side, id) ? id : '');
      return { table: allowed as Table<never>, id, expect, put };
    });
    const isOld = (ports.monotonic.since(mark.since) ?? Infinity) > replacingMsMax / 4;
    if (!isOld && own.length === 0) return { outcome: 'staged' };
    const alive = { ...key.value, replacing: { ...mark, since: ports.monotonic.moment() } };
    try {
      // The key first: what another change does there is no conflict, but the end of this one.
      await ports.state.commit({
        ...(isOld ? {} : { expect: [expectRecord(clusterKeyTable, clusterId, key.version)] }),
        write: [...(isOld ? [writeRecord(clusterKeyTable, clusterId, key.version, alive)] : []), ...own],
        adds: true,
      });
      return { outcome: 'staged' };
    } catch (error) {
      if (error instanceof StorageFullError) return { outcome: 'full' };
      if (!(error instanceof StateConflictError) || error.table !== clusterKeyTable.name) throw error;
    }
  }
  return { outcome: 'ended' };
}

/** Whoever says so removes something at least; what only removes need not say it. */
function takesAway(call: StateCalls['stateCommit']): boolean {
  const removed = call.write.filter(({ put }) => put === null).length;
  return removed > 0 && (call.takesAway === true || removed === call.write.length);
}

function serves(ports: Ports, record: ClusterKeyRecord, generation: number): boolean {
  if (record.stopped || record.suspension !== undefined || record.generation !== generation) return false;
  return leaseHeld(record.lease, bothClocks(ports), ports.settings);
}

/** Takes the mark of a change off that never ended. Its own commit, should it still come, then conflicts.
 * @returns false while the change may be alive */
export async function endDeadChange(
  ports: Pick<Ports, 'state' | 'monotonic'>,
  key: Versioned<ClusterKeyRecord>,
): Promise<boolean> {
  const age = ports.monotonic.since(key.value.replacing?.since ?? longAgo);
  if (age !== undefined && age < replacingMsMax) return false;
  try {
    await ports.state.commit({
      write: [writeRecord(clusterKeyTable, key.id, key.version, withoutReplacing(key.value))],
    });
  } catch (error) {
    if (!(error instanceof StateConflictError)) throw error;
  }
  return true;
}

/** @throws Error for a record that is not this cluster's */
export function ownTable(
  ports: Pick<Ports, 'clusterTables' | 'log'>,
  clusterId: Guid,
  name: string,
  id: string,
): Table<Json> {
  if (ports.clusterTables?.includes(name) !== true || !id.startsWith(`${clusterId}/`)) {
    ports.log.warning('cluster-process-overreach', { clusterId, operation: 'state' });
    throw new Error('A cluster process asked for a record that is not its own.');
  }
  return { name, parse: (value) => value };
}
