import { describe, expect, it } from 'vitest';
import type { Clock } from './clock.ts';
import { instant } from './clock.ts';
import { ManualHost } from './manual-host.ts';

const start = Date.UTC(2026, 0, 1);

export interface ClockUnderTest {
  readonly clock: Clock & { close(): void };
  /** Lets time pass on it, from outside. */
  readonly elapse: (milliseconds: number) => Promise<void>;
  readonly errors: readonly unknown[];
}

/** What every clock does. @param make a clock over `host` that hands errors to `onError` */
export function clockConformance(
  name: string,
  make: (host: ManualHost, onError: (error: unknown) => void) => Pick<ClockUnderTest, 'clock' | 'elapse'>,
): void {
  const open = (): ClockUnderTest & { host: ManualHost } => {
    const host = new ManualHost(start);
    const errors: unknown[] = [];
    return { host, errors, ...make(host, (error) => errors.push(error)) };
  };

  describe(`${name} keeps the promises of a clock`, () => {
    it('fires timers once, in the order of their times, not before', async () => {
      const { clock, elapse } = open();
      const from = clock.now();
      const fired: string[] = [];
      for (const [label, wait] of [
        ['c', 30],
        ['a', 10],
        ['b', 20],
        ['a2', 10],
      ] as const) {
        clock.at(instant(from + wait), () => void fired.push(label));
      }
      await elapse(9);
      expect(fired).toEqual([]);
      await elapse(1);
      expect(fired).toEqual(['a', 'a2']);
      await elapse(100);
      expect(fired).toEqual(['a', 'a2', 'b', 'c']);
    });

    it('fires a timer that is due at once, but never synchronously', async () => {
      const { clock, elapse } = open();
      const fired: number[] = [];
      clock.at(instant(clock.now() - 1000), () => void fired.push(1));
      expect(fired).toEqual([]);
      await elapse(0);
      expect(fired).toEqual([1]);
    });

    it('does not fire a cancelled timer, and cancelling later is harmless', async () => {
      const { clock, elapse } = open();
      const fired: number[] = [];
      const cancel = clock.at(instant(clock.now() + 5), () => void fired.push(1));
      const cancelOther = clock.at(instant(clock.now() + 5), () => void fired.push(2));
      cancel();
      await elapse(10);
      cancelOther();
      expect(fired).toEqual([2]);
    });

    it('hands errors of timers to onError and goes on', async () => {
      const { clock, elapse, errors } = open();
      const fired: number[] = [];
      clock.at(instant(clock.now() + 1), () => {
        throw new Error('one');
      });
      clock.at(instant(clock.now() + 2), () => Promise.reject(new Error('two')));
      clock.at(instant(clock.now() + 3), () => void fired.push(3));
      await elapse(5);
      expect(errors).toEqual([new Error('one'), new Error('two')]);
      expect(fired).toEqual([3]);
    });

    it('reaches times beyond the longest timer of the machine', async () => {
      const { clock, elapse } = open();
      const wait = 90 * 24 * 3600 * 1000;
      const fired: number[] = [];
      const from = clock.now();
      clock.at(instant(from + wait), () => void fired.push(clock.now() - from));
      await elapse(wait - 1);
      expect(fired).toEqual([]);
      await elapse(1);
      expect(fired).toEqual([wait]);
    });

    it('sleeps, and wakes with the reason when aborted', async () => {
      const { clock, elapse } = open();
      const reason = new Error('stop');
      const abort = new AbortController();
      const slept = clock.sleep(50).then(() => 'slept');
      const aborted = clock.sleep(1_000_000, abort.signal).catch((error: unknown) => error);
      const never = clock.sleep(1, AbortSignal.abort(reason)).catch((error: unknown) => error);
      await elapse(50);
      abort.abort(reason);
      expect(await Promise.all([slept, aborted, never])).toEqual(['slept', reason, reason]);
    });

    it('repeats a check until it is cancelled, errors or not, one call at a time', async () => {
      const { clock, elapse, errors } = open();
      let calls = 0;
      const cancel = clock.every(10, () => {
        calls += 1;
        if (calls === 2) throw new Error('second');
      });
      for (let tick = 0; tick < 4; tick += 1) await elapse(10);
      expect(calls).toBe(4);
      expect(errors).toEqual([new Error('second')]);
      cancel();
      await elapse(100);
      expect(calls).toBe(4);
    });

    it('never goes back when the wall clock is set back', async () => {
      const { clock, elapse, host } = open();
      await elapse(1000);
      const before = clock.now();
      host.jump(-3_600_000);
      expect(clock.now()).toBe(before);
    });

    it('goes on at the pace of real time when the wall clock is set back', async () => {
      const { clock, elapse, host } = open();
      const from = clock.now();
      const fired: number[] = [];
      host.jump(-3_600_000);
      clock.at(instant(from + 1000), () => void fired.push(1));
      await elapse(999);
      expect(fired).toEqual([]);
      await elapse(1);
      expect(fired).toEqual([1]);
      expect(clock.now()).toBe(from + 1000);
    });

    it('fires nothing after close', async () => {
      const { clock, elapse } = open();
      const fired: number[] = [];
      clock.at(instant(clock.now() + 1), () => void fired.push(1));
      clock.every(1, () => void fired.push(2));
      clock.close();
      await elapse(10);
      expect(fired).toEqual([]);
    });
  });
}
