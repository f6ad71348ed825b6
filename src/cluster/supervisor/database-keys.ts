import type { Guid } from '../../base/guid.ts';
import { toUnixSeconds } from '../../clock/clock.ts';
import { rotatedRecord } from '../../encryption/cluster-key-records.ts';
import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import {
  bareRecord,
  clusterKeyStatus,
  clusterKeyTable,
  isSameWrap,
  warningOf,
} from '../../encryption/cluster-key-state.ts';
import type { DatabaseKeys } from '../../encryption/database-keys.ts';
import { databaseKeyId, databaseKeyPrefix, databaseKeyTable } from '../../encryption/database-keys.ts';
import { followsLatest, planFollow } from '../../encryption/follow-latest.ts';
import { leaseHeld, leaseRemainingMs } from '../../encryption/lease.ts';
import { afterCheck } from '../../encryption/suspension.ts';
import { listIntact } from '../../state/list-all.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { checkEach, uncheckedInTime } from './check-each.ts';
import type { ClusterProcess } from './cluster-process.ts';
import type { KeyConcern } from './key-concerns.ts';
import { concerns } from './key-concerns.ts';
import { DatabaseKeyChanges } from './database-key-changes.ts';
import type { KeyChanges } from './key-changes.ts';
import type { ClusterKeysOptions } from './ports.ts';
import { bothClocks, identityOf } from './ports.ts';
import { callOnce, callProcess, tryProcess, wrappedKey } from './process-calls.ts';
import type { ProcessTable } from './process-table.ts';

const attemptsMax = 8;
/** A process on another node is not given a key again so soon after it was refused. */
const refusedMs = 3_000;

export interface DatabaseKeysParts {
  readonly options: ClusterKeysOptions;
  readonly processes: ProcessTable;
  readonly changes: KeyChanges;
  readonly changed: (clusterId: Guid) => void;
}

type Found = Versioned<ClusterKeyRecord>;

/** Keys of single databases: checked and given to the process of their cluster, and changed (see `DatabaseKeyChanges`). All decisions are
 * those about the key of a cluster; what ends here is the use of one database. A process that holds a key which is refused is ended and
 * starts again without it: nothing of that database stays in any memory, and the others are back in a moment.
 * Order of a check: the answer of the vault → (refused: the process ends) → the record → listeners → the process that runs is told. */
export class SupervisedDatabaseKeys implements DatabaseKeys {
  readonly #parts: DatabaseKeysParts;
  /** By record id: the checks that begin after one another. */
  readonly #checks = new Map<string, Promise<void>>();
  readonly #reopening = new WeakMap<ClusterProcess, Promise<void>>();
  /** When a process on another node was last refused a key that the cluster's own has. */
  readonly #refusedAt = new WeakMap<ClusterProcess, number>();

  readonly #changes: DatabaseKeyChanges;

  constructor(parts: DatabaseKeysParts) {
    this.#parts = parts;
    this.#changes = new DatabaseKeyChanges({
      ...parts,
      check: (id) => this.#check(id),
      tell: (clusterId) => this.tell(clusterId),
    });
  }

  create(...args: Parameters<DatabaseKeys['create']>): ReturnType<DatabaseKeys['create']> {
    return this.#changes.create(...args);
  }

  change(...args: Parameters<DatabaseKeys['change']>): ReturnType<DatabaseKeys['change']> {
    return this.#changes.change(...args);
  }

  async useIdentities(clusterId: Guid, principalOf: (userIdentity: string | undefined) => Guid) {
    return (await this.list(clusterId)).flatMap(({ id, version, value }) => {
      if (value.custody.kind !== 'customer') return [];
      const identity = principalOf(value.custody.key.userIdentity);
      if (identity === value.custody.key.identity) return [];
      const custody = { kind: 'customer', key: { ...value.custody.key, identity } } as const;
      return [writeRecord(databaseKeyTable, id, version, { ...value, custody })];
    });
  }

  async checkAll(clusterId: Guid): Promise<void> {
    await this.#checkEach((await this.list(clusterId)).map(({ id }) => id));
  }

  async status(clusterId: Guid, databaseId: Guid) {
    const found = await this.#parts.options.state.get(databaseKeyTable, databaseKeyId(clusterId, databaseId));
    return found === undefined ? undefined : clusterKeyStatus(found.value);
  }

  async suspensions(clusterId: Guid) {
    const all = await this.list(clusterId);
    return new Map(
      all.flatMap(({ value }) =>
        value.suspension === undefined ? [] : [[value.clusterId, value.suspension] as const],
      ),
    );
  }

  async count(clusterId: Guid): Promise<number> {
    return (await this.list(clusterId)).length;
  }

  async remove(clusterId: Guid, databaseId: Guid) {
    const id = databaseKeyId(clusterId, databaseId);
    const found = await this.#parts.options.state.get(databaseKeyTable, id);
    return found === undefined ? [] : [writeRecord(databaseKeyTable, id, found.version, null)];
  }

  /** Of a cluster that is removed. */
  async removeAll(clusterId: Guid) {
    return (await this.list(clusterId)).map(({ id, version }) => writeRecord(databaseKeyTable, id, version, null));
  }

  list(clusterId: Guid): Promise<readonly Found[]> {
    return this.#parts.options.state.list(databaseKeyTable, { prefix: databaseKeyPrefix(clusterId) });
  }

  /** @returns for how long a process may use the keys that it holds, and whether it was told of all that there are: else 0 */
  async leaseMs(clusterId: Guid, process: ClusterProcess): Promise<number> {
    const { options } = this.#parts;
    const now = bothClocks(options);
    const all = await this.list(clusterId);
    return all.reduce((least, { value: { clusterId: databaseId, suspension, lease } }) => {
      const state = process.databases.get(databaseId);
      if (state === 'locked') return least;
      if (state === undefined || suspension !== undefined) return 0;
      return Math.min(least, leaseRemainingMs(lease, now, options.settings));
    }, Infinity);
  }

  /** Tells the process of a cluster of keys that it does not know, or does not have although it may. A key without a lease is checked
   * first. Nothing is started. */
  async tell(clusterId: Guid): Promise<void> {
    const { options, processes } = this.#parts;
    for (const { id } of await this.list(clusterId)) {
      const process = processes.running(clusterId);
      if (process === undefined || process.ended) return;
      let found = await options.state.get(databaseKeyTable, id);
      if (found !== undefined && !this.#hasLease(found)) {
        await this.#check(id);
        found = await options.state.get(databaseKeyTable, id);
      }
      if (found !== undefined && (await this.#tellOne(found, process)) === 'refused') await this.#check(id);
    }
  }

  /** Tells a process on another node of all keys, before it serves. @returns false when one was not told: it may not serve */
  async tellReader(clusterId: Guid, reader: ClusterProcess): Promise<boolean> {
    for (const found of await this.list(clusterId)) await this.#tellOne(found, reader);
    return (await this.leaseMs(clusterId, reader)) > 0;
  }

  /** Tells a process on another node of keys that it was refused, and that the cluster's own process has by now. Of several at a time one does; after
   * one that was refused again, nobody for a while: every request there would ask the vault. */
  tellReopened(clusterId: Guid, reader: ClusterProcess): Promise<void> {
    if (![...reader.databases.values()].includes('locked')) return Promise.resolve();
    const underWay = this.#reopening.get(reader);
    if (underWay !== undefined) return underWay;
    const refusedAt = this.#refusedAt.get(reader);
    if (refusedAt !== undefined && this.#parts.options.monotonic.now() - refusedAt < refusedMs)
      return Promise.resolve();
    const telling = this.#tellReopened(clusterId, reader).finally(() => this.#reopening.delete(reader));
    this.#reopening.set(reader, telling);
    return telling;
  }

  async #tellReopened(clusterId: Guid, reader: ClusterProcess): Promise<void> {
    const { options, processes } = this.#parts;
    const own = processes.running(clusterId);
    for (const found of await this.list(clusterId)) {
      const databaseId = found.value.clusterId;
      if (own?.databases.get(databaseId) !== 'open' || reader.databases.get(databaseId) !== 'locked') continue;
      if ((await this.#tellOne(found, reader)) === 'refused') this.#refusedAt.set(reader, options.monotonic.now());
    }
  }

  /** @returns `refused` when the key does not open: a check tells what follows, and tells the process when another one has opened it */
  async #tellOne({ id, value }: Found, process: ClusterProcess): Promise<'told' | 'refused'> {
    const { options, processes } = this.#parts;
    const databaseId = value.clusterId;
    const state = process.databases.get(databaseId);
    const isSuspended = value.suspension !== undefined;
    if (state === 'open' && isSuspended)
      await processes.end(clusterOf(id), { kind: 'databaseSuspended', reason: value.suspension.reason });
    if (process.ended || state === 'open' || (state === 'locked' && isSuspended)) return 'told';
    const current = wrappedKey(value, [identityOf(value.custody, options.serviceVault)]);
    const opened = isSuspended ? undefined : await callOnce(() => process, 'openDatabaseKey', { current });
    const told = opened?.outcome === 'opened' ? opened : await callOnce(() => process, 'lockDatabase', { databaseId });
    if (told !== undefined) process.databases.set(databaseId, opened?.outcome === 'opened' ? 'open' : 'locked');
    return opened?.outcome === 'failed' ? 'refused' : 'told';
  }

  #hasLease({ value }: Found): boolean {
    const { options } = this.#parts;
    return value.suspension !== undefined || leaseHeld(value.lease, bothClocks(options), options.settings);
  }

  /** All of clusters that are not stopped. */
  async checkRound(): Promise<void> {
    await this.#checkEach(await this.#due());
  }

  /** @param all those alone that something concerns which has changed */
  async #due(all?: readonly KeyConcern[]): Promise<readonly string[]> {
    const { state, serviceVault } = this.#parts.options;
    const records = await listIntact(state, databaseKeyTable);
    const due = records.filter(
      ({ value }) => all === undefined || all.some((concern) => concerns(concern, value, serviceVault)),
    );
    const stopped = new Set<string>();
    for (const clusterId of new Set(due.map(({ id }) => clusterOf(id)))) {
      const cluster = await state.get(clusterKeyTable, clusterId);
      if (cluster?.value.stopped !== false) stopped.add(clusterId);
    }
    return due.map(({ id }) => id).filter((id) => !stopped.has(clusterOf(id)));
  }

  /** Before anybody hears of a change of trust. Bounded in time: a cluster with a key that could not be checked by then loses its process. */
  async checkConcerned(all: readonly KeyConcern[]): Promise<void> {
    const { options, processes } = this.#parts;
    const due = await this.#due(all);
    const unchecked = await uncheckedInTime(due, (ids, checked) => this.#checkEach(ids, checked), options);
    const late = new Set([...unchecked].map(clusterOf));
    for (const clusterId of late) options.log.warning('database-key-check-late', { clusterId });
    await Promise.all([...late].map((clusterId) => processes.end(clusterId)));
  }

  /** Resolves when no check is under way. */
  async idle(): Promise<void> {
    while (this.#checks.size > 0) await Promise.allSettled([...this.#checks.values()]);
  }

  async #checkEach(ids: readonly string[], checked?: (id: string) => void): Promise<void> {
    if (ids.length === 0) return;
    const { options, processes } = this.#parts;
    const failed = (error: unknown, id: string): void =>
      options.log.failure('database-key-check-failed', error, { clusterId: clusterOf(id) });
    await processes.visits.during(() =>
      checkEach(ids, (id) => this.#check(id), { ...(checked === undefined ? {} : { checked }), failed }),
    );
  }

  /** One begins after this call. */
  #check(id: string): Promise<void> {
    const before = this.#checks.get(id) ?? Promise.resolve();
    const check = before.catch(() => undefined).then(() => this.#checkNow(id));
    this.#checks.set(id, check);
    const forget = (): void => {
      if (this.#checks.get(id) === check) this.#checks.delete(id);
    };
    check.then(forget, forget);
    return check;
  }

  async #checkNow(id: string): Promise<void> {
    const { options, processes } = this.#parts;
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const before = await options.state.get(databaseKeyTable, id);
      if (before === undefined) return;
      const settled = await processes.visits.during(() => this.#attempt(before));
      if (settled) return;
    }
    options.log.warning('database-key-check-overtaken', { clusterId: clusterOf(id) });
  }

  /** @returns false when the record changed meanwhile: check again */
  async #attempt(before: Found): Promise<boolean> {
    const { options, processes, changed } = this.#parts;
    const obtain = () => processes.visits.obtain();
    const { generation, clusterId: databaseId } = before.value;
    const current = wrappedKey(before.value, [identityOf(before.value.custody, options.serviceVault)]);
    const outcome = await tryProcess(obtain, 'open', { current, generation });
    if (outcome === undefined) return true; // the process failed, not the vault: the lease runs out if that goes on
    const found = await options.state.get(databaseKeyTable, before.id);
    if (found === undefined || !isSameWrap(before.value, found.value)) return found === undefined;
    const decision = afterCheck(found.value, outcome, bothClocks(options), options.settings);
    const clusterId = clusterOf(before.id);
    if (!decision.running && processes.holding(clusterId, databaseId).length > 0)
      await processes.end(clusterId, { kind: 'databaseSuspended', reason: decision.record.suspension?.reason ?? '' });
    const next = outcome.outcome === 'opened' ? await this.#look(decision.record, obtain) : decision.record;
    if (!(await this.#commit(found, next))) return false;
    if (decision.change !== 'none') {
      options.log.event(`database-${decision.change}`, { clusterId, databaseId });
      changed(clusterId);
    }
    const running = processes.running(clusterId);
    if (running !== undefined) await this.#tellOne({ ...found, value: next }, running);
    return true;
  }

  /** Follows a newer version of a versionless key, or warns. */
  async #look(record: ClusterKeyRecord, obtain: () => ClusterProcess): Promise<ClusterKeyRecord> {
    const { options } = this.#parts;
    if (record.custody.kind === 'microsoftManaged') return record;
    const { custody, kid } = record;
    const { identity } = custody.key;
    const version = followsLatest(record) ? {} : { version: kid.version };
    const key = { vaultHost: kid.vaultHost, name: kid.name, ...version };
    const seen = await callProcess(obtain, 'describe', { identity, key });
    const plan = planFollow(record, seen, toUnixSeconds(options.clock.now()));
    if (plan.action === 'stay') return withWarning(record, plan.warning);
    const target = { identity, kid: plan.kid };
    const result = await callProcess(obtain, 'rewrap', { current: wrappedKey(record, [identity]), target });
    if (result.outcome === 'rewrapped') {
      const { wrapped, check } = result;
      return rotatedRecord(record, { custody, kid: plan.kid, wrapped, check, unwrapped: bothClocks(options) });
    }
    const failure = result.outcome === 'failed' ? result : result.failure;
    return withWarning(record, `The latest version ${plan.kid.version} of the key is not followed: ${failure.message}`);
  }

  async #commit(found: Found, record: ClusterKeyRecord): Promise<boolean> {
    try {
      await this.#parts.options.state.commit({
        write: [writeRecord(databaseKeyTable, found.id, found.version, record)],
      });
      return true;
    } catch (error) {
      if (error instanceof StateConflictError) return false;
      throw error;
    }
  }
}

const clusterOf = (id: string): Guid => id.slice(0, id.indexOf('/')) as Guid;

function withWarning(record: ClusterKeyRecord, warning: string | undefined): ClusterKeyRecord {
  const lease = record.lease === undefined ? {} : { lease: record.lease };
  return { ...bareRecord(record), ...lease, ...warningOf(warning?.slice(0, 1500)) };
}
