import { AsyncLocalStorage } from 'node:async_hooks';
import { invariant } from '../base/invariant.ts';
import type { CancelTimer, Clock, Instant } from './clock.ts';
import { instant } from './clock.ts';
import { Activities } from './activities.ts';
import type { Activity } from './activities.ts';
import { Alarm } from './alarm.ts';
import { ForwardTime } from './forward-time.ts';
import type { HostTime } from './host-time.ts';
import { machineTime } from './host-time.ts';
import { sleepOn } from './sleep.ts';
import { runTimer } from './host-timers.ts';
import { Ticks } from './ticks.ts';
import { TimerQueue } from './timer-queue.ts';

/** What a data directory remembers of its virtual clock (table `clock`). */
export interface ClockSettings {
  /** Milliseconds that virtual time is ahead of the wall clock; unused while frozen. */
  readonly offset: number;
  /** Set while the clock stands still. */
  readonly frozenAt?: number;
}

export interface VirtualClockOptions {
  readonly host?: HostTime;
  /** What it runs with; default: one of its own over `host`. */
  readonly time?: Pick<ForwardTime, 'now'>;
  /** As last saved; default: runs with the wall clock. */
  readonly settings?: ClockSettings;
  /** Makes new settings durable. They take effect when it resolves; if it rejects, nothing has changed. */
  readonly save?: (settings: ClockSettings) => Promise<void>;
  /** Hears of errors of timers. */
  readonly onError: (error: unknown) => void;
}

/** The last instant that `toIso` can write. */
const instantMax = 8.64e15;

/** A clock that also moves when told to: `advance` goes through every timer on the way, in order, and waits for each.
 * It never goes back, unless it is put back. A timer that sleeps on this clock does not block the move that must wake it. */
export class VirtualClock implements Clock {
  readonly #time: Pick<ForwardTime, 'now'>;
  readonly #save: (settings: ClockSettings) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #timers = new TimerQueue();
  readonly #ticks = new Ticks();
  readonly #alarm: Alarm;
  readonly #current = new AsyncLocalStorage<Activity>();
  /** While a storage is in use, Node.js follows each promise of the process: whoever waits pays twice. */
  readonly #activities = new Activities(() => this.#current.disable());
  #settings: ClockSettings;
  /** The instant that a move has got to. */
  #steppedTo: number | undefined;
  /** The latest instant that anybody has been told. */
  #floor = 0;
  /** Moves and changes of settings, one after the other. */
  #tail: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: VirtualClockOptions) {
    const host = options.host ?? machineTime;
    this.#time = options.time ?? new ForwardTime(host);
    this.#settings = options.settings ?? { offset: 0 };
    this.#save = options.save ?? (() => Promise.resolve());
    this.#onError = options.onError;
    this.#alarm = new Alarm(host, () => {
      // The wake-up may have been set by a timer; it is not part of it.
      this.#current.exit(() => void this.#inTurn(() => this.#moveTo(this.now())));
    });
  }

  now(): Instant {
    this.#floor = Math.max(this.#floor, this.#steppedTo ?? this.#flowing());
    return instant(this.#floor);
  }

  at(when: Instant, run: () => void | Promise<void>): CancelTimer {
    const timer = { when, run };
    this.#timers.add(timer);
    this.#arm();
    return () => {
      this.#timers.remove(timer);
      this.#arm();
    };
  }

  every(milliseconds: number, run: () => void | Promise<void>): CancelTimer {
    invariant(milliseconds > 0, 'a tick has a length');
    const remove = this.#ticks.add({ interval: milliseconds, due: this.now() + milliseconds, run });
    this.#arm();
    return () => {
      remove();
      this.#arm();
    };
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    const asleep = sleepOn(this, milliseconds, signal);
    return this.#current.getStore()?.whileAsleep(asleep) ?? asleep;
  }

  /** As saved last. */
  settings(): ClockSettings {
    return this.#settings;
  }

  /** Moves the clock forward, frozen or not. Resolves with the new time when every timer on the way has ended or sleeps
   * beyond it. The goal is durable before the first timer runs. Must not be called by a timer.
   * @throws RangeError for a negative or fractional number, or a goal after the year 275760 */
  async advance(milliseconds: number): Promise<Instant> {
    return this.#inTurn(async () => {
      const from = this.now();
      const goal = from + milliseconds;
      if (!Number.isSafeInteger(milliseconds) || milliseconds < 0 || goal > instantMax) {
        throw new RangeError(
          'A clock is advanced by a whole number of milliseconds, forward, and not beyond the year 275760.',
        );
      }
      const { offset, frozenAt } = this.#settings;
      this.#steppedTo = from; // time stands still until the goal is durable
      try {
        await this.#change(frozenAt === undefined ? { offset: offset + milliseconds } : { offset, frozenAt: goal });
        await this.#moveTo(goal);
      } finally {
        this.#steppedTo = undefined;
      }
      return this.now();
    });
  }

  async freeze(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#settings.frozenAt === undefined)
        await this.#change({ offset: this.#settings.offset, frozenAt: this.now() });
    });
  }

  /** Lets time flow again, from where it stands. */
  async resume(): Promise<void> {
    await this.#inTurn(async () => {
      const { frozenAt } = this.#settings;
      if (frozenAt !== undefined) await this.#change({ offset: Math.round(frozenAt - this.#time.now()) });
    });
  }

  /** Puts the clock back to an earlier reading: where everything else is put back, too, and nowhere else. Timers stay due when they are;
   * those that have run since do not run again. */
  async putBack(now: Instant, isFrozen: boolean): Promise<void> {
    await this.#inTurn(async () => {
      const offset = Math.round(now - this.#time.now());
      await this.#change(isFrozen ? { offset, frozenAt: now } : { offset });
      this.#floor = now;
      this.#ticks.putBack(now);
    });
  }

  /** To be called when the machine's clock has stepped, or the machine has slept. */
  wake(): void {
    this.#arm();
  }

  /** Drops all timers; none starts afterwards. */
  close(): void {
    this.#closed = true;
    this.#timers.clear();
    this.#ticks.clear();
    this.#alarm.clear();
  }

  #flowing(): number {
    return this.#settings.frozenAt ?? this.#time.now() + this.#settings.offset;
  }

  async #change(next: ClockSettings): Promise<void> {
    await this.#save(next);
    this.#settings = next;
  }

  async #inTurn<T>(action: () => Promise<T>): Promise<T> {
    invariant(this.#current.getStore()?.hasEnded() ?? true, 'a timer does not move its own clock');
    const turn = this.#tail.then(action);
    this.#tail = turn.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await turn;
    } finally {
      this.#arm();
    }
  }

  /** Before each timer the last tick of each check that lies before it; at the end the check that is due. */
  async #moveTo(goal: number): Promise<void> {
    try {
      for (;;) {
        await this.#activities.quiet();
        if (this.#closed) return;
        const when = this.#timers.first()?.when;
        const timerAhead = when !== undefined && when <= goal;
        const tick = timerAhead ? this.#ticks.lastBefore(when) : this.#ticks.dueAt(goal);
        const timer = tick === undefined && timerAhead ? this.#timers.takeDue(when) : undefined;
        const next = tick ?? timer;
        if (next === undefined) break;
        this.#step(next.when);
        this.#start(next.run);
      }
      this.#step(goal);
    } finally {
      this.#steppedTo = undefined;
    }
  }

  #step(to: number): void {
    this.#steppedTo = this.#floor = Math.max(this.#floor, to);
  }

  #start(run: () => void | Promise<void>): void {
    const activity = this.#activities.begin();
    void this.#current.run(activity, () => runTimer(run, this.#onError)).finally(() => activity.end());
  }

  #arm(): void {
    const next = Math.min(this.#timers.first()?.when ?? Infinity, this.#ticks.nextDue() ?? Infinity);
    if (this.#closed || next === Infinity || (this.#settings.frozenAt !== undefined && next > this.now()))
      this.#alarm.clear();
    else this.#alarm.set(() => next - this.now());
  }
}
