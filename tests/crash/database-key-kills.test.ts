import { expect, it } from 'vitest';
import { killEverywhere, killsAsked } from './kill-runs.ts';

const killsMin = killsAsked();

it(
  `a change of the own key of a database under load that is killed at any durable step leaves a database that opens with the key it names, and nothing for an earlier one (${killsMin} kills)`,
  { timeout: 240_000 + killsMin * 6_000 },
  async () => {
    const { kills, killedAt, steps } = await killEverywhere('databaseKey');
    expect(kills).toBeGreaterThanOrEqual(killsMin);
    if (killsMin >= steps) expect(killedAt.size).toBeGreaterThan(steps * 0.9);
  },
);
