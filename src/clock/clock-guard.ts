import type { HostTime } from './host-time.ts';
import type { ClockJump, WallReading, WallRecord } from './jump-guard.ts';
import { acceptJump, recordOf } from './jump-guard.ts';
import type { Moment } from './monotonic-clock.ts';
import { elapsedSince } from './monotonic-clock.ts';

export interface ClockGuardOptions {
  readonly host: HostTime;
  /** As last kept; undefined for a new data directory. */
  readonly record: WallRecord | undefined;
  /** The wall clock went so much further (or less far) than real time. */
  readonly onStep: (stepMs: number) => void;
  /** From now on nothing is destroyed. Also called for what has happened before the start. */
  readonly onHeld: (jump: ClockJump) => void;
  /** The machine has slept or stood still: its timers are late. */
  readonly onLate: () => void;
}

/** Time servers step a clock that is this far off, and slew what is less. */
export const stepMsMin = 2_000;
/** `look` is called more often than this while the machine is awake. */
const lateMs = 10_000;

/** Compares the wall clock with monotonic time whenever somebody looks. */
export class ClockGuard {
  readonly #options: ClockGuardOptions;
  #record: WallRecord;
  #offset: number;
  #lookedAt: number;

  constructor(options: ClockGuardOptions) {
    const { host, record } = options;
    this.#options = options;
    this.#record = recordOf(record, this.#reading(), this.#since(record?.seenAt));
    this.#lookedAt = host.monotonic();
    this.#offset = host.now() - this.#lookedAt;
    if (this.#record.held !== undefined) options.onHeld(this.#record.held);
  }

  /** To be called at every timer, and before whatever hangs on the clock. */
  look(): void {
    const { onStep, onHeld, onLate } = this.#options;
    const { held } = this.#record;
    const reading = this.#reading();
    this.#record = recordOf(this.#record, reading, this.#since(this.#record.seenAt));
    const late = reading.moment.at - this.#lookedAt > lateMs;
    this.#lookedAt = reading.moment.at;
    const offset = reading.wall - reading.moment.at;
    const step = offset - this.#offset;
    if (held === undefined && this.#record.held !== undefined) onHeld(this.#record.held);
    if (Math.abs(step) >= stepMsMin) {
      this.#offset = offset;
      onStep(step);
    }
    if (late) onLate();
  }

  /** As it is now: to be kept from time to time. */
  get record(): WallRecord {
    return this.#record;
  }

  /** The record of a clock that is right now: becomes true with `adopt`, once it is kept. */
  accepted(): WallRecord {
    return acceptJump(this.#reading());
  }

  adopt(record: WallRecord): void {
    this.#record = record;
  }

  #reading(): WallReading {
    const { host } = this.#options;
    return { wall: host.now(), moment: { boot: host.boot, at: host.monotonic() } };
  }

  #since(moment: Moment | undefined): number | undefined {
    return moment && elapsedSince(moment, this.#options.host);
  }
}
