import { setImmediate as othersTurn } from 'node:timers/promises';
import type { Clock, Instant } from '../clock/clock.ts';
import { toIso } from '../clock/clock.ts';
import type { State, StateExpectation, StateWrite } from '../state/state.ts';
import { expectRecord, versionAfter, writeRecord } from '../state/state.ts';
import { StateConflictError } from '../state/state-store.ts';
import type { AuditHead, ChainPoint } from './audit-chain.ts';
import {
  auditChain,
  auditCheckpoint,
  auditHead,
  chained,
  checkpointRecordId,
  headRecordId,
  pointAfter,
  recordIdOf,
} from './audit-chain.ts';
import type { AuditEvent } from './audit-event.ts';
import { agreeing, expectationsOf, writesOf } from './agreeing-members.ts';
import { Crowd } from './crowd.ts';
import { openHead } from './open-head.ts';

/** What becomes durable together: what is done, what it relied on, and what is told of it. */
export interface AuditedCommit {
  /** At least one. */
  readonly events: readonly AuditEvent[];
  readonly expect?: readonly StateExpectation[];
  readonly write?: readonly StateWrite[];
}

interface Member {
  readonly commit: AuditedCommit;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Some 40 KB of requests that have nothing in common. */
const membersMax = 128;
/** So many turns of the event loop may more members come before a commit is made. */
const turnsMax = 16;
/** So many in which nobody comes end the wait: a client that has just been answered needs that long. */
const idleTurns = 4;
/** Fewer are not divided: what a commit costs each of them would be more than what they wait for. */
const crowdMin = 32;
/** Of what is computed, so many are waited for at most: 6 ms of RSA decryptions on two processors. */
const computedMax = 48;
/** So many that are under way keep all processors busy while a commit is made: 2 ms of two. */
const computedLeft = 16;
/** Less is no rest: the loop looks for what is there. */
const idleMsMin = 0.02;
const attemptsMax = 8;
/** Those that wait to be written with the next commit. */
const deferredMax = 1_000;
const trimmedPerCommit = 500;
/** Without an end to them the state would only grow: by age, which whoever calls `trim` sees to, and by their number. */
export const auditKeptMs = 400 * 86_400_000;
const eventsKeptMax = 1_000_000;
/** So many more than are kept before the oldest are removed. */
const eventsOverMax = 1_000;

/** What is computed now beside the thread that answers, each a fraction of a millisecond, and then told here. */
export interface Computed {
  readonly count: number;
  /** Resolves when one of them has ended; it is told here thereafter. */
  oneEnded(): Promise<void>;
}

interface KnownHead {
  readonly version: number | null;
  readonly head: AuditHead;
}

/** The one writer of the audit log. All that comes while one commit is made is made by the next one: the changes, what they relied on, and
 * ONE record of their events, chained by its hash to the record before. Each is told when that is durable. Where one of them relied on
 * what has changed, each is tried by itself, so the others go on. */
export class AuditLog {
  readonly #state: State;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #eventsMax: number;
  readonly #tell: (write: readonly StateWrite[]) => Promise<void>;
  readonly #computed: Computed | undefined;
  readonly #idleMs: () => number;
  readonly #crowd = new Crowd(crowdMin);
  #waiting: Member[] = [];
  #tasks: (() => Promise<void>)[] = [];
  #deferred: AuditEvent[] = [];
  #known: KnownHead | undefined;
  #wasOpened = false;
  #isRunning = false;

  /** @param state its commits must not wait for anybody who uses this log
   * @param options.eventsMax so many events are kept, and some more
   * @param options.computed what will be told here in a moment. Default: nothing is known of it
   * @param options.idleMs for so long the thread had nothing to do, since it began. Default: never
   * @param options.tell told of the writes of each commit when they are durable; acknowledged when it ends. Others are committed meanwhile */
  constructor(
    state: State,
    clock: Pick<Clock, 'now'>,
    options: {
      readonly eventsMax?: number;
      readonly computed?: Computed;
      readonly idleMs?: () => number;
      readonly tell?: (write: readonly StateWrite[]) => Promise<void>;
    } = {},
  ) {
    this.#state = state;
    this.#clock = clock;
    this.#eventsMax = options.eventsMax ?? eventsKeptMax;
    this.#computed = options.computed;
    this.#idleMs = options.idleMs ?? (() => 0);
    this.#tell = options.tell ?? (() => Promise.resolve());
  }

  /** Resolves when all of it is durable. @throws StateConflictError when what it relied on does not hold; then nothing is recorded */
  commit(commit: AuditedCommit): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, resolve, reject });
      this.#start();
    });
  }

  /** Written with the next commit, whoever makes it, and lost with the process if there is none.
   * @returns false when too many wait: then the caller commits it */
  defer(event: AuditEvent): boolean {
    if (this.#deferred.length >= deferredMax) return false;
    this.#deferred.push(event);
    return true;
  }

  /** Makes durable what waits for another commit. */
  settle(): Promise<void> {
    return this.#alone(() => this.#writeDeferred());
  }

  /** The same, and says in a record that may not be lost how far the log has come. */
  checkpoint(): Promise<void> {
    return this.#alone(async () => {
      await this.#writeDeferred();
      await this.#writeCheckpoint();
    });
  }

  /** Removes the oldest records: all whose last event is before that time. The point up to which all is gone becomes the chain's new
   * beginning, in the same commit. @returns how many events */
  async trim(before: Instant): Promise<number> {
    for (let removed = 0; ;) {
      const now = await this.#alone(() => this.#trimOnce(toIso(before)));
      if (now === 0) return removed;
      removed += now;
    }
  }

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  #alone<T>(task: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#tasks.push(() => task().then(resolve, reject));
      this.#start();
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length + this.#tasks.length > 0) {
      await this.#gathered();
      await this.#tasks.shift()?.();
      const [together, others] = agreeing(this.#waiting, membersMax, ({ commit }) => commit);
      this.#waiting = others;
      const idleBefore = this.#idleMs();
      if (together.length > 0) await this.#commitTogether(together);
      this.#crowd.were(together.length, this.#waiting.length, this.#idleMs() - idleBefore > idleMsMin);
      await this.#trimOverfull();
    }
    this.#isRunning = false;
  }

  /** A commit costs the same for one as for many. Those that are computed come one by one, while the thread that answers does other work:
   * until half of them are here, and no more are under way than keep the processors busy meanwhile. Who has just been answered asks again:
   * as long as more come with each turn, they are waited for, until enough of the crowd are here. So the others are answered while these
   * become durable. */
  async #gathered(): Promise<void> {
    for (let ends = 0; ends < computedMax && this.#waiting.length < this.#computedEnough; ends += 1)
      await this.#computed?.oneEnded();
    const enough = Math.min(membersMax, this.#crowd.enough);
    for (let turn = 0, idle = 0; turn < turnsMax && this.#waiting.length < enough; turn += 1) {
      const before = this.#waiting.length;
      await othersTurn();
      if (this.#waiting.length > before) idle = 0;
      else if ((idle += 1) === idleTurns) {
        this.#crowd.waitedInVain();
        return;
      }
    }
  }

  get #computedEnough(): number {
    const underWay = this.#computed?.count ?? 0;
    return underWay > computedLeft ? computedMax : Math.min(underWay, computedMax);
  }

  /** Never rejects. */
  async #commitTogether(members: readonly Member[]): Promise<void> {
    try {
      await this.#write(members.map(({ commit }) => commit));
    } catch (error) {
      if (error instanceof StateConflictError && members.length > 1) {
        for (const member of members) await this.#commitTogether([member]);
        return;
      }
      for (const { reject } of members) reject(error);
      return;
    }
    for (const { commit, resolve, reject } of members) {
      const { write = [] } = commit;
      if (write.length === 0) resolve();
      else void this.#tell(write).then(resolve, reject);
    }
  }

  async #writeDeferred(): Promise<void> {
    if (this.#deferred.length > 0) await this.#write([]);
  }

  async #write(commits: readonly AuditedCommit[]): Promise<void> {
    const deferred = [...this.#deferred];
    const events = [...deferred, ...commits.flatMap((one) => one.events)];
    for (let attempt = 1; ; attempt++) {
      const { version, head } = await this.#open();
      const record = chained(head, events);
      const next: AuditHead = { ...head, ...pointAfter(record) };
      try {
        await this.#state.commit({
          expect: expectationsOf(commits),
          write: [
            ...writesOf(commits),
            writeRecord(auditChain, recordIdOf(record.first), null, record),
            writeRecord(auditHead, headRecordId, version, next),
          ],
        });
      } catch (error) {
        // What is known of the end may be wrong now, whatever went wrong.
        this.#known = undefined;
        const isOurs = error instanceof StateConflictError && [auditHead.name, auditChain.name].includes(error.table);
        if (isOurs && attempt < attemptsMax) continue;
        throw error;
      }
      this.#known = version === null ? undefined : { version: versionAfter(version), head: next };
      this.#deferred = this.#deferred.slice(deferred.length);
      return;
    }
  }

  async #open(): Promise<KnownHead> {
    const again = this.#known === undefined && this.#wasOpened ? await this.#reread() : undefined;
    this.#known ??= again ?? (await openHead(this.#state, toIso(this.#clock.now())));
    this.#wasOpened = true;
    return this.#known;
  }

  async #reread(): Promise<KnownHead | undefined> {
    const found = await this.#state.get(auditHead, headRecordId);
    return found && { version: found.version, head: found.value };
  }

  async #writeCheckpoint(): Promise<void> {
    const { version, head } = await this.#open();
    if (version === null) return;
    const found = await this.#state.get(auditCheckpoint, checkpointRecordId);
    const point: ChainPoint = { next: head.next, hash: head.hash };
    if (found?.value.next === point.next && found.value.hash === point.hash) return;
    await this.#state.commit({
      expect: [expectRecord(auditHead, headRecordId, version)],
      write: [writeRecord(auditCheckpoint, checkpointRecordId, found?.version ?? null, point)],
    });
  }

  /** Never rejects: what it cannot do now, it does after another commit. */
  async #trimOverfull(): Promise<void> {
    try {
      const { head } = await this.#open();
      if (head.next - head.kept.next > this.#eventsMax + eventsOverMax) await this.#trimOnce('');
    } catch {
      this.#known = undefined;
    }
  }

  async #trimOnce(before: string): Promise<number> {
    const { version, head } = await this.#open();
    if (version === null) return 0;
    const oldest = await this.#state.list(auditChain, { limit: trimmedPerCommit });
    const staying = oldest.findIndex(({ value }) => {
      const isOld = (value.events.at(-1)?.[1] ?? '') < before;
      return value.first + value.events.length > head.next || (!isOld && head.next - value.first <= this.#eventsMax);
    });
    const over = staying < 0 ? oldest : oldest.slice(0, staying);
    const last = over.at(-1);
    if (last === undefined) return 0;
    await this.#state.commit({
      write: [
        ...over.map((record) => writeRecord(auditChain, record.id, record.version, null)),
        writeRecord(auditHead, headRecordId, version, { ...head, kept: pointAfter(last.value) }),
      ],
    });
    this.#known = undefined;
    return over.reduce((sum, { value }) => sum + value.events.length, 0);
  }
}
