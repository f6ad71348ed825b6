import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import { bareRecord, clusterKeyStatus, clusterKeyTable, warningOf } from '../../encryption/cluster-key-state.ts';
import type {
  ClusterKeys,
  ClusterKeyStatus,
  CurrentKeyLost,
  CustomerKey,
  Suspension,
} from '../../encryption/cluster-keys.ts';
import { infrastructureKeyTable } from '../../encryption/infrastructure/infrastructure-key.ts';
import { leaseRemainingMs } from '../../encryption/lease.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { StateWrite } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { ChannelClosedError } from '../messages/channel.ts';
import type { Rested } from '../messages/rest.ts';
import type { ClusterProcess } from './cluster-process.ts';
import { KeyChanges, lost } from './key-changes.ts';
import { KeyChecks } from './key-checks.ts';
import type { KeyConcern } from './key-concerns.ts';
import { SupervisedDatabaseKeys } from './database-keys.ts';
import { OutstandingChanges } from './outstanding.ts';
import type { ClusterKeysOptions } from './ports.ts';
import { bothClocks, identityOf } from './ports.ts';
import type { CopiedWrap, CopyRewrapped } from './rewrap-copy.ts';
import { rewrapCopy } from './rewrap-copy.ts';
import { wrappedKey } from './process-calls.ts';
import { ProcessTable } from './process-table.ts';
import type { RemoteProcess } from './remote-process.ts';
import { KeyTodos } from './key-todos.ts';

/** Whether a cluster may use its key now. Asked at admission, at each chunk of a result and before each acknowledgement. */
export type Admission =
  | {
      readonly outcome: 'admitted';
      readonly generation: number;
      readonly pid: number;
      /** Milliseconds until the lease ends, unless it is renewed or ended before. */
      readonly leaseMs: number;
    }
  | { readonly outcome: 'suspended'; readonly suspension: Suspension }
  | { readonly outcome: 'stopped' }
  | { readonly outcome: 'absent' }
  /** The process is being started again; try again. */
  | { readonly outcome: 'notReady' };

/** The keys of all clusters of this server, with their processes. */
export interface SupervisedClusterKeys extends ClusterKeys {
  /** Begins the periodic checks; the first one at once, in the background. */
  start(): void;
  /** All running clusters, now: after a jump of the clock. */
  checkAll(): Promise<void>;
  /** The clusters whose key something that has changed decides on: before anybody hears of the change. Stopped clusters stay stopped. */
  checkConcerned(concerns: readonly KeyConcern[]): Promise<void>;
  /** Starts the process and opens the key when needed. */
  admit(clusterId: Guid): Promise<Admission>;
  /** The same without starting or asking anything: whether it may use its key at this moment. */
  admitted(clusterId: Guid): Promise<Admission>;
  /** The running process, for its data plane. */
  processOf(clusterId: Guid): ClusterProcess | undefined;
  /** Has a process on another node open the cluster, with an unwrap of its own through the cluster's identity. It reads as long as the cluster's own
   * process may use its key and has not ended. @returns undefined when it may not, or the key did not open there; that process is ended then */
  openReader(clusterId: Guid, port: RemoteProcess): Promise<ClusterProcess | undefined>;
  /** Ends the process of a cluster that nobody has needed for so long. Its key goes on being checked.
   * @returns undefined when it has none, or is needed */
  rest(clusterId: Guid, idleMs: number): Promise<Rested | undefined>;
  /** @see rewrapCopy */
  rewrapCopy(clusterId: Guid, copy: CopiedWrap): Promise<CopyRewrapped>;
  /** Lets answers of clusters that are under way come to their end, for so long at most; clusters begin no new one.
   * @returns how many clusters did not come to an end of theirs */
  drain(graceMs: number): Promise<number>;
  /** Ends the checks and all processes. */
  close(): Promise<void>;
}

export function createClusterKeys(options: ClusterKeysOptions): SupervisedClusterKeys {
  const { state, clock, monotonic, settings, log } = options;
  const listeners = new Set<(clusterId: Guid) => void>();
  const changed = (clusterId: Guid): void => {
    for (const listener of listeners) listener(clusterId);
  };
  const outstanding = new OutstandingChanges(monotonic);
  const todos = new KeyTodos(options);
  const processes = new ProcessTable(options, (clusterId) => {
    if (closed) return;
    checks.check(clusterId, { open: true }).catch((error: unknown) => {
      log.failure('key-check-failed', error, { clusterId });
    });
  });
  const checks = new KeyChecks({ options, processes, outstanding, changed });
  const changes = new KeyChanges({ options, processes, todos, checks, outstanding, changed });
  const databases = new SupervisedDatabaseKeys({ options, processes, changes, changed });
  const timers: (() => void)[] = [];
  const startedAt = monotonic.now();
  let checkedAt = -Infinity;
  let closed = false;

  const read = (clusterId: Guid) => state.get(clusterKeyTable, clusterId);

  const round = async (): Promise<void> => {
    if (closed) return;
    checkedAt = monotonic.now();
    try {
      await checks.checkAll();
      await databases.checkRound();
      await todos.sweep();
    } catch (error) {
      log.failure('key-checks-failed', error);
    }
  };

  const begin = async (): Promise<void> => {
    try {
      await changes.endInterrupted(startedAt);
    } catch (error) {
      log.failure('key-changes-not-ended', error);
    }
    await round();
  };

  /** Retries until nobody else has changed the record meanwhile. */
  const amend = async (clusterId: Guid, next: (record: ClusterKeyRecord) => ClusterKeyRecord | null): Promise<void> => {
    for (;;) {
      const found = await read(clusterId);
      const record = found === undefined ? null : next(found.value);
      if (found === undefined || record === null) return;
      try {
        await state.commit({ write: [writeRecord(clusterKeyTable, clusterId, found.version, record)] });
        return;
      } catch (error) {
        if (!(error instanceof StateConflictError)) throw error;
      }
    }
  };

  const admitted = async (clusterId: Guid): Promise<Admission> => {
    const record = (await read(clusterId))?.value;
    if (record === undefined) return { outcome: 'absent' };
    if (record.stopped) return { outcome: 'stopped' };
    if (record.suspension !== undefined) return { outcome: 'suspended', suspension: record.suspension };
    const process = processes.running(clusterId);
    const leaseMs = leaseRemainingMs(record.lease, bothClocks(options), settings);
    if (leaseMs <= 0 || process?.holds !== record.generation || process.ended) return { outcome: 'notReady' };
    const ownMs = Math.min(leaseMs, await databases.leaseMs(clusterId, process));
    const withDatabasesMs = Math.min(ownMs, options.nodeLeaseMs?.() ?? ownMs);
    if (withDatabasesMs <= 0) return { outcome: 'notReady' };
    return { outcome: 'admitted', generation: record.generation, pid: process.pid ?? 0, leaseMs: withDatabasesMs };
  };

  const admit = async (clusterId: Guid): Promise<Admission> => {
    processes.running(clusterId)?.needed();
    const first = await admitted(clusterId);
    if (first.outcome !== 'notReady') return first;
    await checks.check(clusterId, { open: true });
    processes.running(clusterId)?.needed();
    await databases.tell(clusterId);
    return admitted(clusterId);
  };

  /** A reader with keys of before a change ends; the next one has those of now. */
  const readerLeaseMs = async (clusterId: Guid, reader: ClusterProcess): Promise<number> => {
    const own = await admitted(clusterId);
    if (own.outcome !== 'admitted' || reader.ended || reader.holds === undefined) return 0;
    const leaseMs = Math.min(own.leaseMs, await databases.leaseMs(clusterId, reader));
    if (reader.holds === own.generation && leaseMs > 0) {
      // Behind the answer: nobody waits for a vault here who asks for another database.
      databases
        .tellReopened(clusterId, reader)
        .catch((error: unknown) => log.failure('reader-not-told', error, { clusterId }));
      return leaseMs;
    }
    void reader.end({ kind: 'instanceStopped' });
    return 0;
  };

  const openReader = async (clusterId: Guid, port: RemoteProcess): Promise<ClusterProcess | undefined> => {
    const admission = await admit(clusterId);
    const record = (await read(clusterId))?.value;
    if (admission.outcome !== 'admitted' || record?.generation !== admission.generation) return undefined;
    const { generation } = record;
    const current = wrappedKey(record, [identityOf(record.custody, options.serviceVault)]);
    let reader: ClusterProcess | undefined;
    try {
      reader = processes.startReader(clusterId, generation, port, {
        needed: () => admit(clusterId),
        leaseMs: (asking) => readerLeaseMs(clusterId, asking),
      });
      const opened = await reader.call('open', { current, generation });
      if (opened.outcome === 'opened' && (await databases.tellReader(clusterId, reader))) {
        reader.holds = generation;
        if ((await readerLeaseMs(clusterId, reader)) > 0) return reader;
      }
    } catch (error) {
      if (!(error instanceof ChannelClosedError)) log.failure('reader-not-opened', error, { clusterId });
    }
    await reader?.end();
    return undefined;
  };

  return {
    create: (clusterId, custody, how) => changes.create(clusterId, custody, how),
    databases,
    preflight: (key, region) => changes.preflight(key, region),
    change: (clusterId, to) => changes.change(clusterId, to),

    async useIdentity(clusterId, identity, userIdentity, how): Promise<readonly StateWrite[] | CurrentKeyLost> {
      const found = await read(clusterId);
      if (found?.value.custody.kind !== 'customer') return [];
      if (how?.mustOpen === true && found.value.suspension !== undefined) {
        const outcome = await checks.tryAs(found.value, identity);
        if (outcome.outcome === 'failed') return lost(found.value, outcome);
      }
      outstanding.add(clusterId);
      const key = keyThrough(found.value.custody.key, identity, userIdentity);
      const record: ClusterKeyRecord = { ...found.value, custody: { kind: 'customer', key } };
      return [writeRecord(clusterKeyTable, clusterId, found.version, record)];
    },

    async status(clusterId): Promise<ClusterKeyStatus | undefined> {
      const found = await read(clusterId);
      return found === undefined ? undefined : clusterKeyStatus(found.value);
    },

    async recheck(clusterId, how): Promise<ClusterKeyStatus> {
      outstanding.delete(clusterId);
      await checks.check(clusterId, { open: true, start: how?.startStopped === true });
      const found = await read(clusterId);
      invariant(found !== undefined, 'a cluster that is checked has a key');
      return clusterKeyStatus(found.value);
    },

    async stop(clusterId): Promise<void> {
      outstanding.delete(clusterId);
      // The record first: a check that is under way must not start the process again.
      await amend(clusterId, (record) => (record.stopped ? null : { ...withoutLease(record), stopped: true }));
      await processes.end(clusterId, { kind: 'stopped' });
      await todos.sweep();
    },

    async remove(clusterId): Promise<readonly StateWrite[]> {
      const found = await read(clusterId);
      if (found === undefined) return [];
      outstanding.add(clusterId);
      const second = await state.get(infrastructureKeyTable, clusterId);
      const gone = [
        writeRecord(clusterKeyTable, clusterId, found.version, null),
        ...(second === undefined ? [] : [writeRecord(infrastructureKeyTable, clusterId, second.version, null)]),
        ...(await databases.removeAll(clusterId)),
      ];
      if (found.value.custody.kind === 'customer') return gone;
      return [...gone, todos.destroyLater(clusterId, found.value.kid.name)];
    },

    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    start() {
      const everyMs = settings.keyRecheckSeconds * 1000;
      timers.push(clock.every(everyMs, round));
      // The Kustody clock may stand still; keys are checked all the same.
      timers.push(monotonic.every(everyMs, () => (monotonic.now() - checkedAt < everyMs / 2 ? undefined : round())));
      void begin();
    },

    async checkAll() {
      await checks.checkAll();
      await databases.checkRound();
    },
    async checkConcerned(concerns) {
      if (!closed) await Promise.all([checks.checkConcerned(concerns), databases.checkConcerned(concerns)]);
    },

    admit,
    admitted,
    openReader,
    processOf: (clusterId) => processes.running(clusterId),
    rest: (clusterId, idleMs) => processes.rest(clusterId, idleMs),

    rewrapCopy: (clusterId, copy) => rewrapCopy({ options, processes }, clusterId, copy),

    drain: (graceMs) => processes.drain(graceMs),

    async close(): Promise<void> {
      closed = true;
      for (const cancel of timers.splice(0)) cancel();
      await processes.close();
      await checks.idle();
      await databases.idle();
    },
  };
}

function withoutLease(record: ClusterKeyRecord): ClusterKeyRecord {
  const suspension = record.suspension === undefined ? {} : { suspension: record.suspension };
  return { ...bareRecord(record), ...warningOf(record.warning), ...suspension };
}

/** The same key, reached as another principal. */
function keyThrough(key: CustomerKey, identity: Guid, userIdentity: string | undefined): CustomerKey {
  const { vaultUri, vaultHost, keyName, keyVersion } = key;
  return {
    ...{ vaultUri, vaultHost, keyName, identity },
    ...(keyVersion === undefined ? {} : { keyVersion }),
    ...(userIdentity === undefined ? {} : { userIdentity }),
  };
}
