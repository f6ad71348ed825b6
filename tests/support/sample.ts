import { expect } from 'vitest';
import { drawn } from './drawn.ts';

/** Set for every run by `global-setup.ts`, which prints it. */
const seed = process.env['KUSTODY_SEED'] ?? '0';

/** Of the cases of a long run, some: other ones in each run, in each file, the same again with the same `KUSTODY_SEED`. All of them, in CI and
 * wherever `KUSTODY_CASES` is `all`.
 * @param count at most so many
 * @param purpose tells samples of one file apart, which would be of the same places
 * @returns in their order */
export function sample<T>(cases: readonly T[], count: number, purpose = ''): readonly T[] {
  if (process.env['KUSTODY_CASES'] === 'all') return cases;
  const file = expect.getState().testPath?.replace(process.cwd(), '') ?? '';
  return drawn(cases, count, [seed, file, purpose].join('\n'));
}

/** The same of the numbers from 1 to `last`, such as those of durable steps. */
export const sampleOfSteps = (last: number, count: number, purpose = ''): readonly number[] =>
  sample(
    Array.from({ length: last }, (_value, index) => index + 1),
    count,
    purpose,
  );
