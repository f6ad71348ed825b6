import { expect, it } from 'vitest';
import { shortenLateRuns } from './late-runs.ts';

const asked = { KUSTODY_CRASH_RUNS: '30', KUSTODY_CASES: 'all', KUSTODY_CUSTODY_RECORDS: '60500', KUSTODY_SEED: '7' };

it.each([
  ['no moment', undefined, asked],
  ['a later moment', '101', asked],
  ['this moment', '100', { KUSTODY_CASES: 'samples', KUSTODY_CUSTODY_RECORDS: '60500', KUSTODY_SEED: '7' }],
])('a run that is late from %s on', (_name, from, expected) => {
  const late = from === undefined ? {} : { KUSTODY_LATE_FROM: from };
  const env = { ...asked, ...late };
  shortenLateRuns(env, 100_000);
  expect(env).toEqual({ ...expected, ...late });
});

it('leaves a run that takes few files as it is', () => {
  const env = { KUSTODY_CASES: 'few', KUSTODY_LATE_FROM: '1' };
  shortenLateRuns(env, 100_000);
  expect(env.KUSTODY_CASES).toBe('few');
});
