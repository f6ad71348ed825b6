import { expect, it } from 'vitest';
import { killEverywhere, killsAsked } from './kill-runs.ts';

const killsMin = killsAsked();

it(
  `queued ingestion that is killed at any durable step makes rows of every acknowledged message once, and leaves no blob (${killsMin} kills)`,
  { timeout: 240_000 + killsMin * 6_000 },
  async () => {
    const { kills, killedAt, steps } = await killEverywhere('queued');
    expect(kills).toBeGreaterThanOrEqual(killsMin);
    if (killsMin >= steps) expect(killedAt.size).toBeGreaterThan(steps * 0.9);
  },
);
