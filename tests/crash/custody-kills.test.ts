import { expect, it } from 'vitest';
import { killEverywhere, killsAsked } from './kill-runs.ts';

const killsMin = killsAsked();

it(
  `a change of custody under load that is killed at any durable step leaves a cluster that opens with the key it names, and nothing for an earlier one (${killsMin} kills)`,
  { timeout: 240_000 + killsMin * 6_000 },
  async () => {
    const { kills, killedAt, steps } = await killEverywhere('custody');
    expect(kills).toBeGreaterThanOrEqual(killsMin);
    if (killsMin >= steps) expect(killedAt.size).toBeGreaterThan(steps * 0.9);
  },
);
