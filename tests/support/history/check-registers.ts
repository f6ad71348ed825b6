import type { OperationOf } from './history.ts';
import { operationsOf } from './history.ts';
import type { Operation } from './history.ts';

/** A value's write and all reads of it: within these times they have all happened, in whatever order is meant for the register. */
interface Zone {
  readonly value: string;
  /** The first end of one of them. */
  readonly firstEnd: number;
  /** The last beginning of one of them. */
  readonly lastBegin: number;
}

/** Whether each register of a history could be one place that takes one operation after the other, each between its beginning and its end
 * (linearizable). Every value is written once, so that the order of the values decides.
 * @returns what is wrong, by register
 * @see Gibbons and Korach, "Testing Shared Memories" (1997), section 4.1 */
export function brokenRegisters(history: readonly Operation[]): readonly string[] {
  const puts = operationsOf(history, 'put');
  const gets = operationsOf(history, 'get').filter(({ outcome }) => outcome === 'ok');
  const registers = new Set([...puts, ...gets].map(({ register }) => register));
  return [...registers].flatMap((register) => {
    const of = <T extends { readonly register: string }>(operations: readonly T[]) =>
      operations.filter((operation) => operation.register === register);
    return brokenRegister(register, of(puts), of(gets));
  });
}

function brokenRegister(
  register: string,
  puts: readonly OperationOf<'put'>[],
  gets: readonly OperationOf<'get'>[],
): readonly string[] {
  const zones: Zone[] = [];
  const written = new Map(puts.map((put) => [put.value, put]));
  const values = new Set([...gets.map(({ value }) => value), ...written.keys()]);
  for (const value of values) {
    const put = written.get(value);
    const reads = gets.filter((get) => get.value === value);
    if (put === undefined && value !== '') return [`register ${register} has ${value}, which nobody put`];
    if (put?.outcome === 'fail') {
      if (reads.length > 0) return [`register ${register} has ${value}, which was refused`];
      continue;
    }
    // Nobody knows of it, so it may as well never have been.
    if (put?.outcome === 'unknown' && reads.length === 0) continue;
    const began = put?.began ?? -Infinity;
    const ended = put === undefined ? -Infinity : put.outcome === 'ok' ? put.ended : Infinity;
    const early = reads.find((read) => read.ended < began);
    if (early !== undefined) return [`register ${register} has ${value} at ${early.ended}, before it was put`];
    zones.push({
      value,
      firstEnd: Math.min(ended, ...reads.map((read) => read.ended)),
      lastBegin: Math.max(began, ...reads.map((read) => read.began)),
    });
  }
  return crossed(zones).map(([left, right]) => `register ${register} goes from ${left} to ${right} and back`);
}

/** Pairs of which neither can be before the other as a whole. */
function crossed(zones: readonly Zone[]): readonly (readonly [string, string])[] {
  const forward = zones.filter(({ firstEnd, lastBegin }) => firstEnd < lastBegin);
  const backward = zones.filter(({ firstEnd, lastBegin }) => firstEnd >= lastBegin);
  return forward.flatMap((zone, index) => [
    ...forward
      .slice(index + 1)
      .filter((other) => zone.firstEnd < other.lastBegin && other.firstEnd < zone.lastBegin)
      .map((other) => [zone.value, other.value] as const),
    ...backward
      .filter((other) => zone.firstEnd < other.lastBegin && other.firstEnd < zone.lastBegin)
      .map((other) => [zone.value, other.value] as const),
  ]);
}
