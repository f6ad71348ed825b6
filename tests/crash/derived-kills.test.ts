import { expect, it } from 'vitest';
import { killEverywhere, killsAsked } from './kill-runs.ts';

const killsMin = killsAsked();

/** Each takes as long as two of another kind, since a parser starts with it. */
const kills = Math.max(3, Math.ceil(killsMin / 5));

it(
  `views and exports that are killed at any durable step show no half of anything and lose no row (${kills} kills)`,
  { timeout: 240_000 + kills * 12_000 },
  async () => {
    const figures = await killEverywhere('derived', kills);
    expect(figures.kills).toBeGreaterThanOrEqual(kills);
    if (kills >= figures.steps) expect(figures.killedAt.size).toBeGreaterThan(figures.steps * 0.9);
  },
);
