/** Chance that a seed repeats. */
export interface Random {
  /** @returns a whole number from 0, less than `end` */
  below(end: number): number;
  of<T>(values: readonly T[]): T;
  shuffled<T>(values: readonly T[]): readonly T[];
}

/** @param seed any whole number
 * @see Marsaglia, "Xorshift RNGs" (2003) */
export function randomFrom(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  const below = (end: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % end;
  };
  return {
    below,
    of: (values) => values[below(values.length)] as (typeof values)[number],
    shuffled: (values) => {
      const left = [...values];
      return values.map(() => left.splice(below(left.length), 1)[0] as (typeof values)[number]);
    },
  };
}
