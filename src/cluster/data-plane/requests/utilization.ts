import type { Quota } from './request-capacity.ts';

/** How much of a window one piece of it is: what is older than the window counts for at most so much longer. */
const pieces = 60;
/** Principals and groups that are counted at the same time. Whoever has used least lately is forgotten first. */
const countersMax = 10_000;

interface Counter {
  readonly windowMs: number;
  /** What was used in each piece of time, by its number; the oldest first. */
  readonly used: Map<number, number>;
}

/** What principals and workload groups have used of a resource within a sliding window, on the clock that its caller names. It lives as long
 * as the process. */
export class Utilization {
  readonly #counters = new Map<string, Counter>();

  isUsedUp(quota: Quota, nowMs: number): boolean {
    const counter = this.#counters.get(keyOf(quota));
    if (counter === undefined) return false;
    forgetOld(counter, nowMs);
    let sum = 0;
    for (const amount of counter.used.values()) sum += amount;
    return sum >= quota.most;
  }

  add(quota: Quota, amount: number, nowMs: number): void {
    const key = keyOf(quota);
    const counter = this.#counters.get(key) ?? { windowMs: quota.windowMs, used: new Map<number, number>() };
    this.#counters.delete(key);
    this.#counters.set(key, counter);
    forgetOld(counter, nowMs);
    const piece = pieceOf(counter, nowMs);
    counter.used.set(piece, (counter.used.get(piece) ?? 0) + amount);
    if (this.#counters.size > countersMax)
      for (const oldest of [...this.#counters.keys()].slice(0, 1)) this.#counters.delete(oldest);
  }
}

const keyOf = ({ resource, origin, windowMs }: Quota): string => `${resource} ${windowMs} ${origin}`;

const pieceOf = ({ windowMs }: Counter, atMs: number): number => Math.floor((atMs * pieces) / windowMs);

/** A piece that is partly within the window counts as a whole. */
function forgetOld(counter: Counter, nowMs: number): void {
  const oldest = pieceOf(counter, nowMs - counter.windowMs);
  for (const piece of counter.used.keys()) if (piece < oldest) counter.used.delete(piece);
}
