import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { VersionedKeyId } from '../../base/key-id.ts';
import { isSameKey } from '../../base/key-id.ts';
import { toUnixSeconds } from '../../clock/clock.ts';
import type { MonotonicMs } from '../../clock/monotonic-clock.ts';
import { firstRecord, replacedRecord, rotatedRecord } from '../../encryption/cluster-key-records.ts';
import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import { clusterKeyStatus, clusterKeyTable, isSameWrap } from '../../encryption/cluster-key-state.ts';
import type {
  CurrentKeyLost,
  Custody,
  CustomerKey,
  HowToCreate,
  KeyPreflight,
  PreparedKeyChange,
} from '../../encryption/cluster-keys.ts';
import type { DatabaseKeyChangeCall } from '../../encryption/database-key-change.ts';
import { makeInfrastructureKey } from '../../encryption/infrastructure/infrastructure-key.ts';
import type { KeyFailure } from '../../encryption/key-wrapper.ts';
import { keyChangeKind } from '../../encryption/rotation.ts';
import type { StateWrite, Table } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import type { NewWrap } from '../messages/key-replies.ts';
import type { RemoteWrite } from '../messages/state-calls.ts';
import { isSetBack } from '../process/remote-catalog-store.ts';
import { CustodyMarks } from './custody-marks.ts';
import type { KeyChecks } from './key-checks.ts';
import type { OutstandingChanges } from './outstanding.ts';
import type { ClusterKeysOptions } from './ports.ts';
import { bothClocks, identityOf } from './ports.ts';
import { adoptKey, callOnce, callProcess, forgetKey, processEnded, wrappedKey } from './process-calls.ts';
import { ownTable } from './process-state.ts';
import { setBackMeanwhile } from './set-back.ts';
import type { ProcessTable } from './process-table.ts';
import type { MadeServiceKey, KeyTodos } from './key-todos.ts';

interface Failed {
  readonly outcome: 'failed';
  readonly failure: KeyFailure;
}
const failed = (failure: KeyFailure): Failed => ({ outcome: 'failed', failure });

export interface KeyChangesParts {
  readonly options: ClusterKeysOptions;
  readonly processes: ProcessTable;
  readonly todos: KeyTodos;
  readonly checks: KeyChecks;
  readonly outstanding: OutstandingChanges;
  readonly changed: (clusterId: Guid) => void;
}

/** The KEK a change leads to. */
interface Destination {
  readonly custody: Custody;
  readonly kid: VersionedKeyId;
  readonly made?: MadeServiceKey;
}

/** What a prepared change is made of. */
interface Draft {
  readonly record: ClusterKeyRecord;
  readonly expect: number | null;
  readonly more: readonly StateWrite[];
  readonly made: MadeServiceKey | undefined;
  /** Names the key that the process keeps aside. */
  readonly check: Uint8Array;
  readonly from: ClusterKeyRecord | undefined;
  /** Of a change of custody. */
  readonly mark: Guid | undefined;
}

/** What came of planning a change. */
type Drafted =
  | { readonly outcome: 'drafted'; readonly draft: Draft }
  | { readonly outcome: 'currentKeyLost'; readonly failure: KeyFailure }
  /** The process died over a change of custody, or another change took its place: to be begun anew. */
  | { readonly outcome: 'ended'; readonly failure: KeyFailure }
  | DatabaseKeyRefused
  | KeyFailure;

/** What a change of the own key of a database adds to a change of the cluster's. */
export interface DatabaseChange {
  /** From what is recorded now; asked again when a change is begun anew. */
  readonly asked: () => Promise<DatabaseKeyChangeCall>;
  /** @returns undefined when what is recorded has changed since it was asked */
  readonly writes: (made: NewWrap | undefined) => Promise<readonly StateWrite[] | undefined>;
}

/** Of its own key: what is recorded does not open, or the new one is refused. */
export interface DatabaseKeyRefused {
  readonly outcome: 'databaseKeyLost' | 'databaseKeyFailed';
  readonly failure: KeyFailure;
}

const isOfDatabase = (result: { readonly outcome: string }): result is DatabaseKeyRefused =>
  result.outcome === 'databaseKeyLost' || result.outcome === 'databaseKeyFailed';

/** Creation, rotation and change of custody. Durable order: (service key planned → made →) (mark of the change, with the to-do to clear
 * away after it →) vault calls → (the catalog is laid out beside the one in use, a part in each commit →) the caller's one commit with
 * record, head of the catalog and to-dos → the process adopts → the old service key is destroyed → the other catalog is removed, a part
 * in each commit → nothing overwritten stays on disk. Whatever comes after the commit is repeated by the periodic sweep when it is
 * interrupted, which also removes what an interrupted change has laid out.
 * Each process that lays out a catalog does it under a mark of its own: what one that died still had under way is refused from the next
 * one's mark on, so two never write there. Changes of one cluster are planned one after the other. */
export class KeyChanges {
  readonly #parts: KeyChangesParts;
  /** By cluster: ends when its last change is planned. */
  readonly #planned = new Map<Guid, Promise<unknown>>();

  readonly #marks: CustodyMarks;

  constructor(parts: KeyChangesParts) {
    this.#parts = parts;
    this.#marks = new CustodyMarks(parts.options, parts.todos);
  }

  /** @see CustodyMarks */
  endInterrupted(startedAt: MonotonicMs): Promise<void> {
    return this.#marks.endInterrupted(startedAt);
  }

  async create(clusterId: Guid, custody: Custody, how?: HowToCreate): Promise<PreparedKeyChange | Failed> {
    const destination = await this.#destination(clusterId, custody, undefined);
    if (destination.outcome === 'failed') return failed(destination);
    const target = { identity: this.#identity(custody), kid: destination.kid };
    const second =
      how?.doubleEncryption === true ? makeInfrastructureKey(clusterId, this.#parts.options.randomBytes) : undefined;
    const call = { target, infrastructureKey: second?.key };
    const result = await callProcess(() => this.#parts.processes.obtain(clusterId), 'make', call);
    if (result.outcome === 'failed') return this.#giveUp(destination, result);
    const record = firstRecord(clusterId, this.#proven(destination, result));
    return this.#prepared({
      record,
      expect: null,
      more: [...result.write.map((write) => this.#own(clusterId, write)), ...(second?.write ?? [])],
      made: destination.made,
      check: result.check,
      from: undefined,
      mark: undefined,
    });
  }

  async preflight(key: CustomerKey, region: string): Promise<KeyPreflight> {
    const nowSeconds = toUnixSeconds(this.#parts.options.clock.now());
    const body = { key, region, nowSeconds };
    const result = await callProcess(() => this.#parts.processes.preflight(), 'preflight', body);
    return result.outcome === 'failed' ? { outcome: 'unavailable', failure: result } : result;
  }

  async change(clusterId: Guid, to: Custody): Promise<PreparedKeyChange | CurrentKeyLost | Failed> {
    const result = await this.#inTurn(clusterId, () => this.#change(clusterId, () => to));
    if ('outcome' in result) await this.#endIfStopped(clusterId);
    invariant(!('outcome' in result) || !isOfDatabase(result), 'no key of a database was to change');
    return result;
  }

  /** A change of the own key of a database, in one with a new key of the cluster under the KEK that it has: whatever is wrapped anew gets
   * another wrap, and none of the old ones opens anything any more. Of a cluster that runs. */
  async changeWithDatabase(
    clusterId: Guid,
    database: DatabaseChange,
  ): Promise<PreparedKeyChange | CurrentKeyLost | Failed | DatabaseKeyRefused> {
    const result = await this.#inTurn(clusterId, () => this.#change(clusterId, ({ custody }) => custody, database));
    if ('outcome' in result) await this.#endIfStopped(clusterId); // it was stopped meanwhile
    return result;
  }

  async #inTurn<T>(clusterId: Guid, plan: () => Promise<T>): Promise<T> {
    const planned = (this.#planned.get(clusterId) ?? Promise.resolve()).then(plan);
    const turn = planned.then(ignore, ignore);
    this.#planned.set(clusterId, turn);
    try {
      return await planned;
    } finally {
      if (this.#planned.get(clusterId) === turn) this.#planned.delete(clusterId);
    }
  }

  /** The process of a stopped cluster runs for a change only. */
  async #endIfStopped(clusterId: Guid): Promise<void> {
    const found = await this.#parts.options.state.get(clusterKeyTable, clusterId);
    if (found?.value.stopped === true) await this.#parts.processes.end(clusterId);
  }

  async #change(
    clusterId: Guid,
    custodyAfter: (before: ClusterKeyRecord) => Custody,
    database?: DatabaseChange,
  ): Promise<PreparedKeyChange | CurrentKeyLost | Failed | DatabaseKeyRefused> {
    const { state } = this.#parts.options;
    let destination: (Destination & { readonly outcome: 'ready' }) | undefined;
    let reason = changedByOthers;
    let mark: Guid | undefined;
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const before = await state.get(clusterKeyTable, clusterId);
      invariant(before !== undefined, 'a cluster has a key before it is changed');
      const to = custodyAfter(before.value);
      if (database !== undefined) destination = { outcome: 'ready', custody: to, kid: before.value.kid };
      if (destination === undefined) {
        const found = await this.#destination(clusterId, to, before.value);
        if (found.outcome === 'failed') return (await this.#currentKeyLost(before.value)) ?? failed(found);
        destination = found;
      }
      const replaces = database !== undefined || keyChangeKind(before.value, to) === 'replace';
      if (replaces && (await isSetBack(state, clusterId))) return this.#giveUp(destination, setBackMeanwhile);
      const marked = replaces ? await this.#marks.put(before) : undefined;
      if (replaces && marked === undefined) continue;
      mark = marked;
      const drafted = await this.#draft(before.value, destination, mark, database).catch(async (error: unknown) => {
        await this.#marks.takeOff(clusterId, mark);
        throw error;
      });
      if (drafted.outcome === 'ended') {
        reason = drafted.failure;
        continue;
      }
      if (drafted.outcome !== 'drafted') {
        await this.#marks.takeOff(clusterId, mark);
        if (isOfDatabase(drafted)) return drafted;
        return this.#refuse(before.value, destination, drafted);
      }
      const found = await state.get(clusterKeyTable, clusterId);
      if (found !== undefined && isAsBefore(before.value, found.value, mark))
        return this.#prepared({ ...drafted.draft, expect: found.version });
      // What was drafted is of no use: the process lets go of it.
      reason = changedByOthers;
      await forgetKey(this.#parts.processes.running(clusterId), drafted.draft.check);
    }
    await this.#marks.takeOff(clusterId, mark);
    return destination === undefined ? failed(reason) : this.#giveUp(destination, reason);
  }

  async #draft(
    from: ClusterKeyRecord,
    destination: Destination,
    mark: Guid | undefined,
    database: DatabaseChange | undefined,
  ): Promise<Drafted> {
    const { processes, todos } = this.#parts;
    const obtain = () => processes.obtain(from.clusterId);
    const target = { identity: this.#identity(destination.custody), kid: destination.kid };
    const own = this.#identity(from.custody);
    const base = { expect: null, made: destination.made, from, mark };
    if (database === undefined && keyChangeKind(from, destination.custody) === 'rotate') {
      // The new identity first: it repairs a cluster whose old identity lost its access to the same key. Nothing else about the key
      // can change while it is lost.
      const repairs = from.suspension === undefined || isSameVersion(from.kid, target.kid);
      const current = wrappedKey(from, repairs ? [target.identity, own] : [own]);
      const result = await callProcess(obtain, 'rewrap', { current, target });
      if (result.outcome !== 'rewrapped') return result;
      const record = rotatedRecord(from, this.#proven(destination, result));
      return { outcome: 'drafted', draft: { ...base, record, more: [], check: result.check } };
    }
    const current = wrappedKey(from, [own]);
    invariant(mark !== undefined, 'a change of custody is marked before it begins');
    // One that died is not asked once more under the same mark: what it wrote last may still be on its way.
    const asked = await database?.asked();
    const body = { current, target, change: mark, ...(asked === undefined ? {} : { database: asked }) };
    const result = await callOnce(obtain, 'replace', body);
    if (result === undefined) return { outcome: 'ended', failure: processEnded };
    if (result.outcome === 'ended') return { outcome: 'ended', failure: changedByOthers };
    if (result.outcome !== 'replaced') return result;
    const record = replacedRecord(from, this.#proven(destination, result));
    const writes = result.write.map((write) => this.#own(from.clusterId, write));
    const isLeft = from.custody.kind === 'microsoftManaged' && from.kid.name !== destination.kid.name;
    const old = isLeft ? [todos.destroyLater(from.clusterId, from.kid.name)] : [];
    const ofDatabase = database === undefined ? [] : await database.writes(result.database);
    if (ofDatabase === undefined) {
      await forgetKey(processes.running(from.clusterId), result.check);
      return { outcome: 'ended', failure: changedByOthers };
    }
    const more = [...writes, ...old, ...ofDatabase];
    return { outcome: 'drafted', draft: { ...base, record, more, check: result.check } };
  }

  /** Which key version the change leads to; makes one when it leads to Microsoft-managed custody. */
  async #destination(
    clusterId: Guid,
    custody: Custody,
    from: ClusterKeyRecord | undefined,
  ): Promise<({ readonly outcome: 'ready' } & Destination) | KeyFailure> {
    if (custody.kind === 'microsoftManaged') {
      if (from?.custody.kind === 'microsoftManaged') return { outcome: 'ready', custody, kid: from.kid };
      const made = await this.#parts.todos.makeServiceKey(clusterId);
      return made.outcome === 'failed' ? made : { outcome: 'ready', custody, kid: made.kid, made };
    }
    const { vaultHost, keyName, keyVersion, identity } = custody.key;
    if (keyVersion !== undefined) {
      return { outcome: 'ready', custody, kid: { vaultHost, name: keyName, version: keyVersion } };
    }
    const key = { vaultHost, name: keyName };
    const seen = await callProcess(() => this.#parts.processes.obtain(clusterId), 'describe', { identity, key });
    return seen.outcome === 'failed'
      ? seen
      : { outcome: 'ready', custody, kid: { ...key, version: seen.key.kid.version } };
  }

  async #refuse(
    from: ClusterKeyRecord,
    destination: Destination,
    refusal: { outcome: 'currentKeyLost'; failure: KeyFailure } | KeyFailure,
  ): Promise<CurrentKeyLost | Failed> {
    if (refusal.outcome === 'failed') return this.#giveUp(destination, refusal);
    await this.#giveUp(destination, refusal.failure);
    await this.#parts.checks.check(from.clusterId); // what this change found out counts for the cluster, too
    return lost(from, refusal.failure);
  }

  /** A new key that cannot be looked at is the lesser news when the current one is lost. */
  async #currentKeyLost(record: ClusterKeyRecord): Promise<CurrentKeyLost | undefined> {
    const { clusterId, generation } = record;
    const current = wrappedKey(record, [this.#identity(record.custody)]);
    const obtain = () => this.#parts.processes.obtain(clusterId);
    const result = await callProcess(obtain, 'open', { current, generation });
    if (result.outcome === 'opened') return undefined;
    await this.#parts.checks.check(clusterId);
    return lost(record, result);
  }

  async #giveUp(destination: Destination, failure: KeyFailure): Promise<Failed> {
    if (destination.made !== undefined) await this.#parts.todos.giveUp(destination.made.name);
    return failed(failure);
  }

  async #prepared(draft: Draft): Promise<PreparedKeyChange> {
    const { options, processes, outstanding, todos } = this.#parts;
    const { clusterId } = draft.record;
    const write = [writeRecord(clusterKeyTable, clusterId, draft.expect, draft.record), ...draft.more];
    if (draft.made !== undefined) write.push(draft.made.settled);
    outstanding.add(clusterId);
    await options.faults?.('prepared');
    return {
      write,
      status: clusterKeyStatus(draft.record),
      committed: () => this.#committed(draft),
      abandoned: async () => {
        outstanding.delete(clusterId);
        await forgetKey(processes.running(clusterId), draft.check);
        if (draft.from === undefined) await processes.end(clusterId);
        else await this.#marks.takeOff(clusterId, draft.mark);
        await this.#endIfStopped(clusterId);
        if (draft.made !== undefined) await todos.giveUp(draft.made.name);
      },
    };
  }

  async #committed(draft: Draft): Promise<void> {
    const { options, processes, outstanding, todos, changed } = this.#parts;
    const { clusterId, generation } = draft.record;
    await options.faults?.('committed');
    outstanding.delete(clusterId);
    await adoptKey(processes.running(clusterId), generation, draft.check);
    if (draft.record.stopped) await processes.end(clusterId);
    if (draft.from !== undefined && draft.from.generation !== generation) {
      await todos.sweep();
    }
    if (draft.from?.suspension !== undefined) changed(clusterId);
  }

  /** @throws Error for a record that a cluster process has no business with */
  #own(clusterId: Guid, { table, id, expect, put }: RemoteWrite): StateWrite {
    return { table: ownTable(this.#parts.options, clusterId, table, id) as Table<never>, id, expect, put };
  }

  #identity(custody: Custody): Guid {
    return identityOf(custody, this.#parts.options.serviceVault);
  }

  #proven(destination: Destination, wrap: NewWrap) {
    const { custody, kid } = destination;
    return { custody, kid, wrapped: wrap.wrapped, check: wrap.check, unwrapped: bothClocks(this.#parts.options) };
  }
}

const attemptsMax = 5;
const ignore = (): void => undefined;

const changedByOthers: KeyFailure = {
  ...{ outcome: 'failed', kind: 'outage', cause: 'unknown' },
  message: 'The key of the cluster is being changed by somebody else.',
};

/** Whether nothing has happened meanwhile that makes a drafted change one of another key, or of one that was refused. */
function isAsBefore(before: ClusterKeyRecord, now: ClusterKeyRecord, mark: Guid | undefined): boolean {
  const isOurs = mark === undefined || now.replacing?.change === mark;
  const isRefusedNow = now.suspension !== undefined && before.suspension === undefined;
  return isOurs && !isRefusedNow && isSameWrap(before, now);
}

const isSameVersion = (left: VersionedKeyId, right: VersionedKeyId): boolean =>
  isSameKey(left, right) && left.version === right.version;

export const lost = (record: ClusterKeyRecord, failure: KeyFailure): CurrentKeyLost => ({
  outcome: 'currentKeyLost',
  vaultUri: record.custody.kind === 'customer' ? record.custody.key.vaultUri : `https://${record.kid.vaultHost}/`,
  keyName: record.kid.name,
  failure,
});
