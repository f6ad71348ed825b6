import { expect, it } from 'vitest';
import { killEverywhere, killsAsked } from './kill-runs.ts';

const killsMin = killsAsked();

it(
  `ingestion that is killed at any durable step has every acknowledged request once, and none in part (${killsMin} kills)`,
  { timeout: 240_000 + killsMin * 6_000 },
  async () => {
    const { kills, killedAt, steps } = await killEverywhere('ingest');
    expect(kills).toBeGreaterThanOrEqual(killsMin);
    if (killsMin >= steps) expect(killedAt.size).toBeGreaterThan(steps * 0.9);
  },
);
