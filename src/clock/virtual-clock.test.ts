import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it, vi } from 'vitest';
import fc from 'fast-check';
import { clockConformance } from './clock.conformance.ts';
import { instant } from './clock.ts';
import { ManualHost } from './manual-host.ts';
import type { ClockSettings } from './virtual-clock.ts';
import { VirtualClock } from './virtual-clock.ts';

const start = Date.UTC(2026, 0, 1);
const day = 24 * 3600 * 1000;

clockConformance('VirtualClock that flows', (host, onError) => ({
  clock: new VirtualClock({ host, onError }),
  elapse: (milliseconds) => host.elapse(milliseconds),
}));

clockConformance('VirtualClock that is advanced', (host, onError) => {
  const clock = new VirtualClock({ host, onError, settings: { offset: 0, frozenAt: start } });
  return {
    clock,
    elapse: async (milliseconds) => {
      await host.elapse(0);
      await clock.advance(milliseconds);
    },
  };
});

function open(settings?: ClockSettings): {
  host: ManualHost;
  clock: VirtualClock;
  saved: ClockSettings[];
  errors: unknown[];
} {
  const host = new ManualHost(start);
  const saved: ClockSettings[] = [];
  const errors: unknown[] = [];
  const clock = new VirtualClock({
    host,
    ...(settings && { settings }),
    save: (next) => {
      saved.push(next);
      return Promise.resolve();
    },
    onError: (error) => errors.push(error),
  });
  return { host, clock, saved, errors };
}

describe('VirtualClock', () => {
  it('can be put back, with timers due when they are and checks at their pace', async () => {
    const { host, clock, saved } = open();
    const seen: string[] = [];
    const told = (what: string) => () => void seen.push(`${what} ${clock.now() - start}`);
    clock.at(instant(start + day), told('timer'));
    clock.every(day / 2, told('check'));
    await clock.advance(2 * day);
    clock.at(instant(start + 3 * day), told('later'));
    seen.length = 0;
    await clock.putBack(instant(start + 100), false);
    expect(clock.now() - start).toBe(100);
    expect(saved.at(-1)).toEqual({ offset: 100 });
    await host.elapse(50);
    expect(clock.now() - start).toBe(150);
    await clock.advance(day);
    expect(seen).toEqual([`check ${day + 150}`]); // the timer has run, and of several checks the last one counts
    seen.length = 0;
    await clock.putBack(instant(start), true);
    await host.elapse(day);
    expect(clock.now()).toBe(start);
    await clock.resume();
    await clock.advance(3 * day);
    expect(seen).toContain(`later ${3 * day}`);
  });

  it('shows each timer its own time, and waits for its promise', async () => {
    const { clock } = open();
    const seen: [string, number][] = [];
    clock.at(instant(start + 10), async () => {
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(['slow', clock.now() - start]);
      clock.at(instant(start + 15), () => void seen.push(['added on the way', clock.now() - start]));
    });
    clock.at(instant(start + 20), () => void seen.push(['later', clock.now() - start]));
    expect(await clock.advance(30)).toBe(start + 30);
    expect(seen).toEqual([
      ['slow', 10],
      ['added on the way', 15],
      ['later', 20],
    ]);
  });

  it('lets a timer sleep on the clock that is being moved', async () => {
    const { clock } = open();
    const seen: number[] = [];
    clock.at(instant(start + 10), async () => {
      await clock.sleep(5);
      seen.push(clock.now() - start);
      await clock.sleep(1000);
      seen.push(clock.now() - start);
    });
    await clock.advance(100);
    expect(seen).toEqual([15]);
    await clock.advance(1000);
    expect(seen).toEqual([15, 1015]);
  });

  it('has no promise of the process followed but while a timer runs or sleeps', async () => {
    const { clock } = open();
    // Whether promises are followed cannot be asked: other storages of the process have them followed, too.
    const disabled = vi.spyOn(AsyncLocalStorage.prototype, 'disable');
    const count = (): number => disabled.mock.calls.length;
    const seen: number[] = [];
    clock.at(instant(start + 10), async () => {
      seen.push(count());
      await clock.sleep(1000);
      seen.push(count());
    });
    try {
      await clock.advance(100);
      const asleep = count();
      await clock.advance(1000);
      expect([...seen, asleep, count()]).toEqual([0, 0, 0, 1]);
    } finally {
      disabled.mockRestore();
    }
  });

  it('passes 90 days in a moment: a check runs before each event and once at the end', async () => {
    const { clock } = open();
    const calls: number[] = [];
    clock.every(30_000, () => void calls.push(clock.now() - start));
    clock.at(instant(start + 7 * day + 1), () => undefined);
    clock.at(instant(start + 7 * day + 2), () => undefined);
    await clock.advance(90 * day + 10_000);
    expect(calls).toEqual([7 * day, 90 * day + 10_000]);
    await clock.advance(29_999);
    expect(calls).toHaveLength(2);
    await clock.advance(1);
    expect(calls).toHaveLength(3);
  });

  it('stands still while frozen, moves when advanced, and flows on from there', async () => {
    const { host, clock, saved } = open();
    await host.elapse(500);
    await clock.freeze();
    await host.elapse(5000);
    expect(clock.now()).toBe(start + 500);
    await clock.advance(1000);
    expect(clock.now()).toBe(start + 1500);
    await clock.resume();
    await host.elapse(7);
    expect(clock.now()).toBe(start + 1507);
    expect(saved).toEqual([
      { offset: 0, frozenAt: start + 500 },
      { offset: 0, frozenAt: start + 1500 },
      { offset: -4000 },
    ]);
  });

  it('goes on from saved settings', () => {
    expect(open({ offset: 90 * day }).clock.now()).toBe(start + 90 * day);
    expect(open({ offset: 0, frozenAt: start + 5 }).clock.now()).toBe(start + 5);
  });

  it('saves the goal before the first timer runs', async () => {
    const { clock, saved } = open();
    const atTimer: number[] = [];
    clock.at(instant(start + 1), () => void atTimer.push(saved.length));
    await clock.advance(10);
    expect(atTimer).toEqual([1]);
  });

  it('does not move when the settings cannot be saved', async () => {
    const host = new ManualHost(start);
    const clock = new VirtualClock({
      host,
      save: () => Promise.reject(new Error('disk full')),
      onError: () => undefined,
    });
    await expect(clock.advance(day)).rejects.toThrow('disk full');
    expect(clock.now()).toBe(start);
  });

  it.each([-1, 0.5, NaN, Infinity, 8.64e15])('refuses to advance by %s', async (milliseconds) => {
    await expect(open().clock.advance(milliseconds)).rejects.toThrow(RangeError);
  });

  it('refuses to be moved by its own timer instead of waiting for itself', async () => {
    const { clock, errors } = open();
    clock.at(instant(start + 1), async () => {
      await clock.advance(1);
    });
    await clock.advance(10);
    expect(errors).toHaveLength(1);
  });

  it('moves twice at the same time as one after the other', async () => {
    const { clock } = open();
    expect(await Promise.all([clock.advance(10), clock.advance(5)])).toEqual([start + 10, start + 15]);
  });

  it('tells times that never fall and fires every timer in order, whatever is done to it', async () => {
    const action = fc.oneof(
      fc.record({
        do: fc.constantFrom('advance' as const, 'elapse' as const, 'jump' as const, 'arm' as const),
        ms: fc.nat(5000),
      }),
      fc.record({ do: fc.constantFrom('freeze' as const, 'resume' as const), ms: fc.constant(0) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
        const { host, clock, errors } = open();
        const fired: number[] = [];
        let armed = 0;
        let latest = clock.now();
        const look = (): number => {
          expect(clock.now()).toBeGreaterThanOrEqual(latest);
          return (latest = clock.now());
        };
        for (const { do: what, ms } of actions) {
          if (what === 'advance') await clock.advance(ms);
          else if (what === 'elapse') await host.elapse(ms);
          else if (what === 'jump') host.jump(-ms);
          else if (what === 'freeze') await clock.freeze();
          else if (what === 'resume') await clock.resume();
          else {
            armed += 1;
            const when = clock.now() + ms;
            clock.at(instant(when), () => {
              expect(look()).toBeGreaterThanOrEqual(when);
              fired.push(when);
            });
          }
          look();
        }
        await clock.advance(100_000);
        expect(errors).toEqual([]);
        expect(fired).toHaveLength(armed);
      }),
      { numRuns: 60 },
    );
  });
});
