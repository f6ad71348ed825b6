import type { Brand } from '../base/brand.ts';
import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { CancelTimer } from './clock.ts';
import type { HostTime } from './host-time.ts';
import { machineTime } from './host-time.ts';
import { HostTimers } from './host-timers.ts';

/** Milliseconds of real time; only differences mean something. */
export type MonotonicMs = Brand<number, 'MonotonicMs'>;

/** A moment of real time that can be kept in a record: a later process of the same boot can tell how long ago it was. */
export interface Moment {
  readonly boot: string;
  readonly at: number;
}

/** Of no boot. */
export const longAgo: Moment = { boot: '', at: 0 };

/** @returns undefined for what earlier versions of Kustody wrote in its place */
export function parseMoment(value: Json | undefined): Moment | undefined {
  if (!isJsonObject(value)) return undefined;
  const { boot, at } = value;
  return typeof boot === 'string' && typeof at === 'number' ? { boot, at } : undefined;
}

/** @returns undefined for a moment of another boot, or one that is yet to come (a container that was started anew): it means
 * nothing now */
export function elapsedSince(moment: Moment, host: Pick<HostTime, 'boot' | 'monotonic'>): number | undefined {
  const elapsed = host.monotonic() - moment.at;
  return moment.boot === host.boot && elapsed >= 0 ? elapsed : undefined;
}

/** Real time, the machine's sleep included. Every interval that protects or paces something runs on it: no clock that somebody sets
 * makes it longer or shorter. */
export interface MonotonicClock {
  now(): MonotonicMs;
  moment(): Moment;
  /** Milliseconds; undefined: nobody knows. */
  since(moment: Moment): number | undefined;
  /** Calls `run` once, so many milliseconds from now, never synchronously. An error from `run` never escapes. */
  after(milliseconds: number, run: () => void | Promise<void>): CancelTimer;
  /** Calls `run` again and again, `milliseconds` after it has ended. */
  every(milliseconds: number, run: () => void | Promise<void>): CancelTimer;
}

export class HostMonotonicClock implements MonotonicClock {
  readonly #host: HostTime;
  readonly #timers: HostTimers;

  constructor(options: { readonly host?: HostTime; readonly onError: (error: unknown) => void }) {
    this.#host = options.host ?? machineTime;
    this.#timers = new HostTimers(this.#host, () => this.#host.monotonic(), options.onError);
  }

  now(): MonotonicMs {
    return this.#host.monotonic() as MonotonicMs;
  }

  moment(): Moment {
    return { boot: this.#host.boot, at: this.#host.monotonic() };
  }

  since(moment: Moment): number | undefined {
    return elapsedSince(moment, this.#host);
  }

  after(milliseconds: number, run: () => void | Promise<void>): CancelTimer {
    return this.#timers.at(this.#host.monotonic() + milliseconds, run);
  }

  every(milliseconds: number, run: () => void | Promise<void>): CancelTimer {
    return this.#timers.every(milliseconds, run);
  }

  /** To be called when the machine has slept. */
  wake(): void {
    this.#timers.wake();
  }

  /** Drops all timers; none fires afterwards. */
  close(): void {
    this.#timers.close();
  }
}
