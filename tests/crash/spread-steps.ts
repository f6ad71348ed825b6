import { drawn } from '../support/drawn.ts';

const seed = process.env['KUSTODY_SEED'] ?? '0';

/** Steps at which something is killed: the first, the last, and of each part between them one. That is the last of the part where
 * `KUSTODY_CRASH_RUNS` asks for a count, else any, another one with each `KUSTODY_SEED`.
 * @param steps how many there are
 * @param count at most so many are chosen, two at least
 * @returns numbers from 1 to `steps` */
export function spreadSteps(steps: number, count: number): ReadonlySet<number> {
  const even = Array.from({ length: count }, (_, at) => 1 + Math.round((at * (steps - 1)) / (count - 1)));
  if (process.env['KUSTODY_CRASH_RUNS'] !== undefined) return new Set(even);
  return new Set(even.map((step, at) => (at === 0 || at === count - 1 ? step : anyOf(even[at - 1] ?? 1, step))));
}

/** One above `below`, `last` at most. */
function anyOf(below: number, last: number): number {
  const part = Array.from({ length: Math.max(1, last - below) }, (_, at) => last - at);
  const [step = last] = drawn(part, 1, `${seed}\n${last}`);
  return step;
}
