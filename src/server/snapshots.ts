import { auditChain, auditCheckpoint, auditHead } from '../audit/audit-chain.ts';
import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import { newGuid } from '../base/new-guid.ts';
import type { RandomBytes } from '../base/random.ts';
import type { SupervisedClusterKeys } from '../cluster/supervisor/cluster-keys.ts';
import type { Instant } from '../clock/clock.ts';
import type { VirtualClock } from '../clock/virtual-clock.ts';
import { clusterKeyTable } from '../encryption/cluster-key-state.ts';
import { listIntact } from '../state/list-all.ts';
import type { RootKey } from '../state/root-key.ts';
import type { SealedState } from '../state/sealed/sealed-state.ts';
import type { StateCopy } from '../state/sealed/state-copy.ts';
import { StateConflictError } from '../state/state-store.ts';
import type { State } from '../state/state.ts';
import type { BlobSnapshots } from '../storage/placed-blobs.ts';
import type { Clocks } from './clocks.ts';
import { virtualTable, wallTable } from './clocks.ts';
import type { Faults } from './faults.ts';
import { portsTable } from './kept-ports.ts';

/** Snapshots of a whole instance, for tests: rows, resources, keys, roles and the clock. They end with the process. */
export interface Snapshots {
  /** @throws SnapshotError when there are too many, or the clock is a real one */
  take(): Promise<Guid>;
  /** Everything is as it was when this resolves, for everybody. What is under way meanwhile may fail.
   * @throws SnapshotError for one that is not there */
  restore(id: string): Promise<void>;
  release(id: string): Promise<void>;
}

export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

export interface SnapshotPorts {
  readonly sealed: Pick<SealedState, 'position' | 'rootKey' | 'oldRootKey' | 'copy' | 'writesBackTo'>;
  /** Whose commits others hear of. */
  readonly state: State;
  readonly clocks: Clocks;
  readonly faults: Faults;
  readonly keys: Pick<SupervisedClusterKeys, 'processOf'>;
  /** Undefined: sealed extents lie where they cannot be put back. */
  readonly blobs: BlobSnapshots | undefined;
  readonly randomBytes: RandomBytes;
  /** What follows from the time that it is now. */
  readonly clockMoved: () => Promise<void>;
}

interface Snapshot {
  readonly id: Guid;
  readonly copy: StateCopy;
  /** What its records are sealed under. */
  readonly rootKey: RootKey;
  readonly now: Instant;
  readonly isFrozen: boolean;
}

/** Each holds the sealed records in memory. */
const snapshotsMax = 32;
/** Others may write meanwhile, so often. */
const attemptsMax = 20;

/** What is of the process rather than of the instance, and the clock, which is put back by itself. */
const leftOut: ReadonlySet<string> = new Set([
  ...[wallTable.name, virtualTable.name, portsTable.name],
  ...[auditChain.name, auditHead.name, auditCheckpoint.name], // what happened has happened
]);
const isLeftOut = (table: string): boolean => leftOut.has(table);

export function createSnapshots(ports: SnapshotPorts): Snapshots {
  const { sealed, state, clocks, faults, keys } = ports;
  const snapshots = new Map<string, Snapshot>();
  let last: Promise<unknown> = Promise.resolve();
  /** One after the other. */
  const inTurn = <T>(action: () => Promise<T>): Promise<T> => {
    const turn = last.catch(() => undefined).then(action);
    last = turn;
    return turn;
  };

  /** Order: sealed blobs → records → nobody has committed since the first of them. */
  const take = async (): Promise<Guid> => {
    virtualOf(clocks);
    const blobs = blobsOf(ports);
    if (snapshots.size >= snapshotsMax)
      throw new SnapshotError(`There are ${snapshotsMax} snapshots, which is the limit: release one.`);
    const id = newGuid(ports.randomBytes);
    for (let attempt = 1; ; attempt += 1) {
      const { position: before, rootKey } = sealed;
      if (sealed.oldRootKey !== undefined)
        throw new SnapshotError('The root key is being rotated: take the snapshot when that has come to its end.');
      const { now, frozen } = clocks.read();
      await blobs.take(id);
      const copy = await sealed.copy(isLeftOut);
      if (sealed.position === before && sealed.rootKey === rootKey) {
        snapshots.set(id, { id, copy, rootKey, now, isFrozen: frozen });
        return id;
      }
      await blobs.forget(id);
      if (attempt === attemptsMax) throw new SnapshotError('The instance is too busy for a snapshot.');
    }
  };

  const keyChecks = async (): Promise<ReadonlyMap<Guid, string>> =>
    new Map((await listIntact(state, clusterKeyTable)).map(({ value }) => [value.clusterId, value.check]));

  /** A process that has another key than the one that counts now ends; the others read their data anew. */
  const tellProcesses = async (before: ReadonlyMap<Guid, string>, now: Instant): Promise<void> => {
    const after = await keyChecks();
    const tell = async (clusterId: Guid): Promise<void> => {
      const process = keys.processOf(clusterId);
      if (process === undefined) return;
      const isSame = after.get(clusterId) === before.get(clusterId);
      const told = isSame && (await process.call('putBack', { now }).catch(() => undefined));
      if (told === undefined || told === false) await process.end();
    };
    await Promise.all([...new Set([...before.keys(), ...after.keys()])].map(tell));
  };

  const putStateBack = async (copy: StateCopy): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      const write = await sealed.writesBackTo(copy, isLeftOut);
      if (write.length === 0) return;
      try {
        await state.commit({ write });
        return;
      } catch (error) {
        if (!(error instanceof StateConflictError) || attempt === attemptsMax) throw error;
      }
    }
  };

  /** Order: blobs that records will name → the clock → records, which whoever watches keys hears of → what is kept in memory →
   * blobs that no record names. */
  const restore = async (named: string): Promise<void> => {
    const { id, copy, rootKey, now, isFrozen } = found(snapshots, named);
    if (rootKey !== sealed.rootKey)
      throw new SnapshotError('The snapshot was taken under the root key of before: it opens no more.');
    const before = await keyChecks();
    const blobs = blobsOf(ports);
    await blobs.bringBack(id);
    await virtualOf(clocks).putBack(now, isFrozen);
    await putStateBack(copy);
    await faults.reload();
    await tellProcesses(before, now);
    await blobs.removeNew(id);
    await ports.clockMoved();
  };

  return {
    take: () => inTurn(take),
    restore: (id) => inTurn(() => restore(id)),
    release: (id) =>
      inTurn(async () => {
        snapshots.delete(id);
        const known = parseGuid(id);
        if (known !== undefined) await ports.blobs?.forget(known);
      }),
  };
}

function blobsOf({ blobs }: SnapshotPorts): BlobSnapshots {
  if (blobs === undefined)
    throw new SnapshotError('The sealed extents of this instance lie where they cannot be put back.');
  return blobs;
}

function found(snapshots: ReadonlyMap<string, Snapshot>, id: string): Snapshot {
  const snapshot = snapshots.get(id);
  if (snapshot === undefined)
    throw new SnapshotError('There is no such snapshot: it was released, or is of another instance.');
  return snapshot;
}

function virtualOf({ virtual }: Clocks): VirtualClock {
  if (virtual === undefined) throw new SnapshotError('Only an instance whose clock is virtual can be put back.');
  return virtual;
}
