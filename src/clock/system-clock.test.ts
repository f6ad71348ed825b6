import { describe, expect, it } from 'vitest';
import { clockConformance } from './clock.conformance.ts';
import { instant, toIso } from './clock.ts';
import { SystemClock } from './system-clock.ts';

clockConformance('SystemClock', (host, onError) => ({
  clock: new SystemClock({ host, onError }),
  elapse: (milliseconds) => host.elapse(milliseconds),
}));

describe('SystemClock on the real machine', () => {
  it('tells the time and fires', async () => {
    const clock = new SystemClock({ onError: () => undefined });
    const from = clock.now();
    expect(toIso(from)).toMatch(/^20\d\d-/);
    await new Promise<void>((resolve) => clock.at(instant(from + 1), resolve));
    expect(clock.now()).toBeGreaterThan(from);
    clock.close();
  });
});
