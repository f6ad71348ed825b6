import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import { toUnixSeconds } from '../../clock/clock.ts';
import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import { bareRecord, clusterKeyTable, isSameWrap, warningOf } from '../../encryption/cluster-key-state.ts';
import { rotatedRecord } from '../../encryption/cluster-key-records.ts';
import { followsLatest, planFollow } from '../../encryption/follow-latest.ts';
import { leaseHeld } from '../../encryption/lease.ts';
import type { CheckOutcome } from '../../encryption/suspension.ts';
import { afterCheck } from '../../encryption/suspension.ts';
import { listIntact } from '../../state/list-all.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import type { ShutdownReason } from '../messages/supervisor-calls.ts';
import { checkEach, uncheckedInTime } from './check-each.ts';
import type { ClusterProcess } from './cluster-process.ts';
import type { KeyConcern } from './key-concerns.ts';
import { concerns } from './key-concerns.ts';
import type { OutstandingChanges } from './outstanding.ts';
import type { ClusterKeysOptions } from './ports.ts';
import { bothClocks, identityOf } from './ports.ts';
import { adoptKey, callProcess, forgetKey, processEnded, tryProcess, wrappedKey } from './process-calls.ts';
import type { ProcessTable } from './process-table.ts';

/** So often a record may change under a check before the check is left to the next turn. */
const attemptsMax = 8;

/** What a check is for. */
export interface CheckOptions {
  /** A stopped cluster starts; otherwise it is left alone. */
  readonly start?: boolean;
  /** The cluster is needed now: its process is started and keeps the key. Otherwise one that has no process stays without. */
  readonly open?: boolean;
}

interface Turn {
  readonly start: boolean;
  readonly open: boolean;
  begun: boolean;
  ended: Promise<void>;
}

export interface KeyChecksParts {
  readonly options: ClusterKeysOptions;
  readonly processes: ProcessTable;
  readonly outstanding: OutstandingChanges;
  readonly changed: (clusterId: Guid) => void;
}

/** Checks of recorded keys: unwrap in the cluster's process, or on a visit when it has none, decide, commit what follows. Order: the answer of the vault → (refused:
 * the process ends) → the record → listeners. No commit and no lock spans a vault call: what was decided about a record that
 * has changed meanwhile is thrown away and the new record is checked. */
export class KeyChecks {
  readonly #parts: KeyChecksParts;
  readonly #turns = new Map<Guid, Turn>();

  constructor(parts: KeyChecksParts) {
    this.#parts = parts;
  }

  /** Begins a check after this call, even if one is under way; callers that wait for the same turn share it. */
  check(clusterId: Guid, { start = false, open = false }: CheckOptions = {}): Promise<void> {
    const last = this.#turns.get(clusterId);
    if (last !== undefined && !last.begun && (last.start || !start) && (last.open || !open)) return last.ended;
    const turn: Turn = { start, open, begun: false, ended: Promise.resolve() };
    turn.ended = this.#take(clusterId, turn, last);
    this.#turns.set(clusterId, turn);
    return turn.ended;
  }

  async #take(clusterId: Guid, turn: Turn, after: Turn | undefined): Promise<void> {
    await after?.ended.catch(() => undefined);
    await Promise.resolve();
    turn.begun = true;
    try {
      await this.#checkNow(clusterId, turn);
    } finally {
      if (this.#turns.get(clusterId) === turn) this.#turns.delete(clusterId);
    }
  }

  /** Resolves when no check is under way. */
  async idle(): Promise<void> {
    while (this.#turns.size > 0) await Promise.allSettled([...this.#turns.values()].map(({ ended }) => ended));
  }

  /** All clusters that are not stopped, a few at a time. */
  async checkAll(): Promise<void> {
    await this.#checkEach(await this.#due(() => true), () => undefined);
  }

  /** Those that a change of trust concerns, before anybody hears that the change is made. Bounded in time: a cluster that could not
   * be checked by then loses its process, and gets its next one only with its key. */
  async checkConcerned(all: readonly KeyConcern[]): Promise<void> {
    if (all.length === 0) return; // of nearly every commit
    const { options, processes } = this.#parts;
    const due = await this.#due((record) => all.some((concern) => concerns(concern, record, options.serviceVault)));
    const unchecked = await uncheckedInTime(due, (ids, checked) => this.#checkEach(ids, checked), options);
    for (const clusterId of unchecked) options.log.warning('key-check-late', { clusterId });
    await Promise.all([...unchecked].map((clusterId) => processes.end(clusterId)));
  }

  async #due(which: (record: ClusterKeyRecord) => boolean): Promise<readonly Guid[]> {
    const records = await listIntact(this.#parts.options.state, clusterKeyTable);
    return records.filter(({ value }) => !value.stopped && which(value)).map(({ value }) => value.clusterId);
  }

  async #checkEach(clusterIds: readonly Guid[], checked: (clusterId: Guid) => void): Promise<void> {
    const { options, processes } = this.#parts;
    const failed = (error: unknown, clusterId: Guid): void =>
      options.log.failure('key-check-failed', error, { clusterId });
    await processes.visits.during(() => checkEach(clusterIds, (id) => this.check(id), { checked, failed }));
  }

  async #checkNow(clusterId: Guid, { start, open }: Turn): Promise<void> {
    const { options, processes } = this.#parts;
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const before = await options.state.get(clusterKeyTable, clusterId);
      if (before === undefined || (before.value.stopped && !start)) {
        // It was removed or stopped while this check ran, which may have started its process once more.
        if (attempt > 1) await processes.end(clusterId);
        return;
      }
      // Told once for the whole attempt: what begins in one place ends there.
      const visited = !open && processes.running(clusterId)?.ended !== false;
      const settled = visited
        ? await processes.visits.during(() => this.#attempt(before.value, start, () => processes.visits.obtain()))
        : await this.#attempt(before.value, start, () => processes.obtain(clusterId));
      if (settled) return;
    }
    options.log.warning('key-check-overtaken', { clusterId });
  }

  /** Whether another principal opens the recorded key. Nothing follows from the answer here: the record stays as it is, and while it is
   * suspended nobody is served. */
  async tryAs(record: ClusterKeyRecord, identity: Guid): Promise<CheckOutcome> {
    const { custody } = record;
    invariant(custody.kind === 'customer', 'a key of the service vault has one principal');
    const tried: ClusterKeyRecord = { ...record, custody: { kind: 'customer', key: { ...custody.key, identity } } };
    const { visits } = this.#parts.processes;
    return (await visits.during(() => this.#open(tried, () => visits.obtain()))) ?? processEnded;
  }

  /** @param obtain the process that goes to the vault
   * @returns false when the record changed meanwhile: check again */
  async #attempt(before: ClusterKeyRecord, start: boolean, obtain: () => ClusterProcess): Promise<boolean> {
    const { state } = this.#parts.options;
    const { clusterId } = before;
    const outcome = await this.#open(before, obtain);
    if (outcome === undefined) {
      await this.#inconclusive(clusterId);
      return true;
    }
    const found = await state.get(clusterKeyTable, clusterId);
    // A stop in between must not be undone by what a check found out.
    if (found === undefined || !isSameWrap(before, found.value) || (found.value.stopped && !start)) return false;
    return this.#settle(found, outcome, obtain);
  }

  /** The process failed, not the vault: nothing is known of the key. The lease runs out by itself if that goes on. */
  async #inconclusive(clusterId: Guid): Promise<void> {
    const { options, processes } = this.#parts;
    options.log.warning('key-check-inconclusive', { clusterId });
    const found = await options.state.get(clusterKeyTable, clusterId);
    if (found === undefined || found.value.stopped) await processes.end(clusterId);
  }

  async #open(record: ClusterKeyRecord, obtain: () => ClusterProcess): Promise<CheckOutcome | undefined> {
    const { options, processes } = this.#parts;
    const current = wrappedKey(record, [identityOf(record.custody, options.serviceVault)]);
    const { generation } = record;
    let asked: ClusterProcess | undefined;
    const result = await tryProcess(() => (asked = obtain()), 'open', { current, generation });
    if (result === undefined) return undefined;
    // A visitor has forgotten it.
    if (result.outcome === 'opened' && asked !== undefined && asked === processes.running(record.clusterId))
      asked.holds = generation;
    if (result.outcome === 'failed' && result.cause === 'unknown') {
      options.log.warning('vault-outcome-unknown', { clusterId: record.clusterId, status: result.status ?? 0 });
    }
    return result;
  }

  /** @returns false when the record changed meanwhile: check again */
  async #settle(
    found: Versioned<ClusterKeyRecord>,
    outcome: CheckOutcome,
    obtain: () => ClusterProcess,
  ): Promise<boolean> {
    const { options, processes, outstanding, changed } = this.#parts;
    const started = { ...found.value, stopped: false };
    const decision = afterCheck(started, outcome, bothClocks(options), options.settings);
    const { clusterId } = found.value;
    if (!decision.running) await processes.end(clusterId, suspensionReason(decision.record));
    const mustWrite = decision.change !== 'none' || !decision.running || found.value.stopped;
    const held = leaseHeld(found.value.lease, bothClocks(options), options.settings);
    if (!mustWrite && held && outstanding.has(clusterId)) return true;
    const followed =
      outcome.outcome === 'opened' ? await this.#look(decision.record, obtain) : { record: decision.record };
    const committed = await this.#commit(found, followed.record);
    await followed.settled?.(committed);
    if (!committed) return false;
    if (decision.change !== 'none') {
      options.log.event(`cluster-${decision.change}`, {
        clusterId,
        cause: outcome.outcome === 'failed' ? outcome.cause : 'opened',
      });
      changed(clusterId);
    }
    return true;
  }

  /** After the key has opened: follows a newer version of a versionless key, or warns. Never the reason of a suspension.
   * @returns the record to commit, and what to do once the commit is known */
  async #look(
    record: ClusterKeyRecord,
    obtain: () => ClusterProcess,
  ): Promise<{ record: ClusterKeyRecord; settled?: (committed: boolean) => Promise<void> }> {
    const { options, processes } = this.#parts;
    if (record.custody.kind === 'microsoftManaged') return { record };
    const { clusterId, custody, kid, generation } = record;
    const identity = custody.key.identity;
    const key = {
      vaultHost: kid.vaultHost,
      name: kid.name,
      ...(followsLatest(record) ? {} : { version: kid.version }),
    };
    const seen = await callProcess(obtain, 'describe', { identity, key, clusterId });
    const plan = planFollow(record, seen, toUnixSeconds(options.clock.now()));
    if (plan.action === 'stay') return { record: withWarning(record, plan.warning) };
    const target = { identity, kid: plan.kid };
    const result = await callProcess(obtain, 'rewrap', { current: wrappedKey(record, [identity]), target });
    if (result.outcome !== 'rewrapped') {
      const failure = result.outcome === 'failed' ? result : result.failure;
      const warning = `The latest version ${plan.kid.version} of the key is not followed: ${failure.message}`;
      return { record: withWarning(record, warning) };
    }
    const { wrapped, check } = result;
    const next = rotatedRecord(record, { custody, kid: plan.kid, wrapped, check, unwrapped: bothClocks(options) });
    return {
      record: next,
      settled: async (committed) => {
        if (committed) options.log.event('cluster-key-rotated', { clusterId, version: plan.kid.version });
        const process = processes.running(clusterId);
        await (committed ? adoptKey(process, generation, check) : forgetKey(process, check));
      },
    };
  }

  async #commit(found: Versioned<ClusterKeyRecord>, record: ClusterKeyRecord): Promise<boolean> {
    try {
      await this.#parts.options.state.commit({
        write: [writeRecord(clusterKeyTable, found.id, found.version, record)],
      });
      return true;
    } catch (error) {
      if (error instanceof StateConflictError) return false;
      throw error;
    }
  }
}

function withWarning(record: ClusterKeyRecord, warning: string | undefined): ClusterKeyRecord {
  const lease = record.lease === undefined ? {} : { lease: record.lease };
  return { ...bareRecord(record), ...lease, ...warningOf(warning?.slice(0, 1500)) };
}

const suspensionReason = ({ suspension }: ClusterKeyRecord): ShutdownReason | undefined =>
  suspension && { kind: 'suspended', reason: suspension.reason };
