import { expect, it } from 'vitest';
import { killEverywhere, killsAsked } from './kill-runs.ts';

const killsMin = killsAsked();

/** Before and after the filter has its name, the extent has its own, and the commit names both. */
const always = ['name given', 'name given, done', 'commit', 'commit done'];

it(
  `a merge that is killed between filter of terms, extent and commit keeps every row, and no blob that nothing names (${killsMin} kills or more)`,
  { timeout: 240_000 + killsMin * 6_000 },
  async () => {
    const { kills, killedAt, steps } = await killEverywhere('terms', killsMin, always);
    expect(killedAt.size).toBeGreaterThanOrEqual(6);
    expect(kills).toBeGreaterThanOrEqual(killsMin);
    if (killsMin >= steps) expect(killedAt.size).toBeGreaterThan(steps * 0.9);
  },
);
