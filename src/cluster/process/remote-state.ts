import { ChangeEndedError } from '../../encryption/custody-change.ts';
import { StorageFullError } from '../../base/storage-full.ts';
import { invariant } from '../../base/invariant.ts';
import type { Guid } from '../../base/guid.ts';
import { SealedRecordError } from '../../state/record-seal.ts';
import type { State, StateWrite, Table, Versioned } from '../../state/state.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { DamagedReply, RemoteRecord, RemoteWrite, StateCalls, StateReplies } from '../messages/state-calls.ts';

/** The cluster may not use its key any more: what was to be committed is not acknowledged. */
export class ClusterNotServedError extends Error {
  override readonly name = 'ClusterNotServedError';
}

/** The custody of the cluster is changing. Nothing was written; the same action may be tried again. */
export class CustodyChangingError extends Error {
  override readonly name = 'CustodyChangingError';
}

export interface RemoteStateOptions {
  readonly clusterId: Guid;
  readonly call: <Call extends keyof StateCalls>(operation: Call, body: StateCalls[Call]) => Promise<unknown>;
  /** Of the key in use; undefined when there is none. */
  readonly generation: () => number | undefined;
}

/** The state of a cluster process. */
export interface RemoteState extends State {
  /** Writes beside the catalog in use, as long as that change of custody is under way; without any write it says that somebody is at work.
   * @throws ChangeEndedError, StorageFullError; nothing was written then */
  stage(change: Guid, write: readonly StateWrite[]): Promise<void>;
}

/** The state as a cluster process sees it: the tables of its own cluster, through the supervisor. Each commit is made only
 * while the cluster may use the key that its values are sealed under.
 * @throws SealedRecordError; from `commit` StateConflictError, ClusterNotServedError, CustodyChangingError */
export function createRemoteState({ clusterId, call, generation }: RemoteStateOptions): RemoteState {
  const own = (id: string): string => {
    invariant(id.startsWith(`${clusterId}/`), 'a cluster process names records of its own cluster');
    return id;
  };
  const parsed = <T>(table: Table<T>, record: RemoteRecord): Versioned<T> => ({
    id: record.id,
    version: record.version,
    value: table.parse(record.value),
  });
  const remote = ({ table, id, expect, put }: StateWrite): RemoteWrite => ({
    ...{ table: table.name, id: own(id), expect },
    put: put as RemoteWrite['put'],
  });
  return {
    async get(table, id) {
      const found = intact((await call('stateGet', { table: table.name, id: own(id) })) as StateReplies['stateGet']);
      return found === undefined ? undefined : parsed(table, found);
    },
    async list(table, options = {}) {
      const { prefix = `${clusterId}/`, after, limit } = options;
      const body = {
        table: table.name,
        prefix: own(prefix),
        ...(after === undefined ? {} : { after }),
        ...(limit === undefined ? {} : { limit }),
      };
      const found = intact((await call('stateList', body)) as StateReplies['stateList']);
      return found.map((record) => parsed(table, record));
    },
    async commit({ expect = [], write, adds }) {
      const current = generation();
      if (current === undefined) throw new ClusterNotServedError('The cluster has no key.');
      const body = {
        generation: current,
        expect: expect.map(({ table, id, expect: version }) => ({ table: table.name, id: own(id), expect: version })),
        write: write.map(remote),
        ...(adds === false && { takesAway: true as const }),
      };
      const reply = intact((await call('stateCommit', body)) as StateReplies['stateCommit']);
      switch (reply.outcome) {
        case 'committed':
          return;
        case 'conflict':
          throw new StateConflictError(reply.table, reply.id);
        case 'notServed':
          throw new ClusterNotServedError('The cluster may not use its key now.');
        case 'full':
          throw new StorageFullError();
        case 'changing':
          throw new CustodyChangingError('The custody of the cluster is changing.');
      }
    },
    async stage(change, write) {
      const body = { change, write: write.map(remote) };
      const { outcome } = intact((await call('stateStage', body)) as StateReplies['stateStage']);
      if (outcome === 'ended') throw new ChangeEndedError();
      if (outcome === 'full') throw new StorageFullError();
    },
  };
}

function intact<T>(reply: T | DamagedReply): T {
  if (isDamaged(reply)) throw new SealedRecordError(reply.table, reply.id, reply.damage);
  return reply;
}

/** A record has no outcome of its own, and a list none at all. */
const isDamaged = (reply: unknown): reply is DamagedReply =>
  typeof reply === 'object' && reply !== null && 'outcome' in reply && reply.outcome === 'damaged';
