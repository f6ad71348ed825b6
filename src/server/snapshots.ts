import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Guid } from '../base/guid.ts';
import { newGuid } from '../base/guid.ts';
import type { RandomBytes } from '../base/random.ts';
import type { SupervisedClusterKeys } from '../cluster/supervisor/cluster-keys.ts';
import type { Instant } from '../clock/clock.ts';
import type { VirtualClock } from '../clock/virtual-clock.ts';
import { clusterKeyTable } from '../encryption/cluster-key-state.ts';
import { listIntact } from '../state/list-all.ts';
import type { SealedState } from '../state/sealed-state.ts';
import type { StateCopy } from '../state/state-copy.ts';
import { StateConflictError } from '../state/state-store.ts';
import type { State } from '../state/state.ts';
import type { Clocks } from './clocks.ts';
import { virtualTable, wallTable } from './clocks.ts';
import { extentDirectoryName, snapshotDirectoryName } from './data-directory-names.ts';
import type { Faults } from './faults.ts';
import { portsTable } from './kept-ports.ts';
import { linkAll, linkBack, removeUnlinked } from './linked-files.ts';

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
  readonly sealed: Pick<SealedState, 'position' | 'copy' | 'writesBackTo'>;
  /** Whose commits others hear of. */
  readonly state: State;
  readonly clocks: Clocks;
  readonly faults: Faults;
  readonly keys: Pick<SupervisedClusterKeys, 'processOf'>;
  readonly dataDirectory: string;
  readonly randomBytes: RandomBytes;
  /** What follows from the time that it is now. */
  readonly clockMoved: () => Promise<void>;
}

interface Snapshot {
  readonly copy: StateCopy;
  readonly now: Instant;
  readonly isFrozen: boolean;
}

/** Each holds the sealed records in memory. */
const snapshotsMax = 32;
/** Others may write meanwhile, so often. */
const attemptsMax = 20;

/** What is of the process rather than of the instance, and the clock, which is put back by itself. */
const leftOut: ReadonlySet<string> = new Set([wallTable.name, virtualTable.name, portsTable.name]);
const isLeftOut = (table: string): boolean => leftOut.has(table);

export function createSnapshots(ports: SnapshotPorts): Snapshots {
  const { sealed, state, clocks, faults, keys, dataDirectory } = ports;
  const snapshots = new Map<string, Snapshot>();
  const extents = join(dataDirectory, extentDirectoryName);
  const linksOf = (id: string): string => join(dataDirectory, snapshotDirectoryName, id);
  let last: Promise<unknown> = Promise.resolve();
  /** One after the other. */
  const inTurn = <T>(action: () => Promise<T>): Promise<T> => {
    const turn = last.catch(() => undefined).then(action);
    last = turn;
    return turn;
  };

  /** Order: names of the sealed files → records → nobody has committed since the first of them. */
  const take = async (): Promise<Guid> => {
    virtualOf(clocks);
    if (snapshots.size >= snapshotsMax)
      throw new SnapshotError(`There are ${snapshotsMax} snapshots, which is the limit: release one.`);
    const id = newGuid(ports.randomBytes);
    for (let attempt = 1; ; attempt += 1) {
      const before = sealed.position;
      const { now, frozen } = clocks.read();
      await linkAll(extents, linksOf(id));
      const copy = await sealed.copy(isLeftOut);
      if (sealed.position === before) {
        snapshots.set(id, { copy, now, isFrozen: frozen });
        return id;
      }
      await rm(linksOf(id), { recursive: true, force: true });
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

  /** Order: sealed files that records will name → the clock → records, which whoever watches keys hears of → what is kept in memory →
   * files that no record names. */
  const restore = async (id: string): Promise<void> => {
    const { copy, now, isFrozen } = found(snapshots, id);
    const before = await keyChecks();
    await linkBack(linksOf(id), extents);
    await virtualOf(clocks).putBack(now, isFrozen);
    await putStateBack(copy);
    await faults.reload();
    await tellProcesses(before, now);
    await removeUnlinked(linksOf(id), extents);
    await ports.clockMoved();
  };

  return {
    take: () => inTurn(take),
    restore: (id) => inTurn(() => restore(id)),
    release: (id) =>
      inTurn(async () => {
        snapshots.delete(id);
        if (snapshotId.test(id)) await rm(linksOf(id), { recursive: true, force: true });
      }),
  };
}

const snapshotId = /^[0-9a-f-]{36}$/;

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
