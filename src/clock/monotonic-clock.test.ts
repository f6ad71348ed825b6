import { describe, expect, it } from 'vitest';
import { ManualHost } from './manual-host.ts';
import { machineTime } from './host-time.ts';
import { HostMonotonicClock, longAgo, parseMoment } from './monotonic-clock.ts';
import { countSuspend } from './suspended-time.ts';

const hour = 3_600_000;

describe('HostMonotonicClock', () => {
  const open = () => {
    const host = new ManualHost(Date.UTC(2026, 0, 1));
    const errors: unknown[] = [];
    return { host, errors, clock: new HostMonotonicClock({ host, onError: (error) => errors.push(error) }) };
  };

  it('keeps the length of its timers when the wall clock is set, in either direction', async () => {
    const { host, clock } = open();
    const fired: string[] = [];
    clock.after(1000, () => void fired.push('once'));
    clock.every(400, () => void fired.push('again'));
    host.jump(-91 * 24 * hour);
    await host.elapse(500);
    host.jump(200 * 24 * hour);
    await host.elapse(499);
    expect(fired).toEqual(['again', 'again']);
    await host.elapse(1);
    expect(fired).toEqual(['again', 'again', 'once']);
  });

  it("counts the machine's sleep, and fires what was due in it when it is woken", async () => {
    const { host, clock } = open();
    const fired: number[] = [];
    const before = clock.moment();
    clock.after(hour, () => void fired.push(1));
    host.sleep(8 * hour);
    expect(clock.since(before)).toBe(8 * hour);
    clock.wake();
    await host.elapse(0);
    expect(fired).toEqual([1]);
  });

  it('knows nothing of moments of another boot, of another host, or to come', async () => {
    const { host, clock } = open();
    await host.elapse(50);
    const before = clock.moment();
    await host.elapse(50);
    expect(clock.since(before)).toBe(50);
    expect(clock.since({ ...before, at: 101 })).toBeUndefined();
    host.reboot(hour);
    await host.elapse(200);
    expect(clock.since(before)).toBeUndefined();
    expect(clock.since(longAgo)).toBeUndefined();
  });

  it('hands errors of timers to onError and goes on', async () => {
    const { host, clock, errors } = open();
    let calls = 0;
    clock.every(10, () => {
      calls += 1;
      throw new Error(`${calls}`);
    });
    await host.elapse(20);
    expect(errors).toEqual([new Error('1'), new Error('2')]);
  });
});

it('parseMoment reads what moment() wrote, and nothing else', () => {
  const clock = new HostMonotonicClock({ onError: () => undefined });
  const moment = clock.moment();
  expect(parseMoment(JSON.parse(JSON.stringify(moment)) as never)).toEqual(moment);
  for (const other of [undefined, null, 17, {}, { boot: 'a' }, { at: 1 }])
    expect(parseMoment(other as never)).toBeUndefined();
});

it("the machine's monotonic time goes on and never back", () => {
  let latest = machineTime.monotonic();
  const from = latest;
  for (let reading = 0; reading < 20_000; reading += 1) {
    const now = machineTime.monotonic();
    expect(now).toBeGreaterThanOrEqual(latest);
    latest = now;
  }
  expect(latest).toBeGreaterThan(from);
});

describe('countSuspend', () => {
  it('adds what was slept, as soon as it is awake for a moment, and is never early by more than the resolution', () => {
    let [awake, slept] = [100, 0];
    const now = countSuspend(
      () => awake,
      () => Math.floor((awake + slept) / 10) * 10,
    );
    let latest = -Infinity;
    for (let step = 0; step < 2000; step += 1) {
      awake += 3.7;
      if (step % 100 === 0) slept += 12_345.6;
      const read = now();
      expect(read).toBeGreaterThanOrEqual(latest);
      latest = read;
      if (step % 100 > 10) expect(Math.abs(read - awake - slept)).toBeLessThanOrEqual(10);
    }
  });

  it('is never ahead of real time, however long the thread waits for a processor between its two readings', () => {
    let [awake, reads] = [100, 0];
    /** Each third reading, of either counter, comes late. */
    const late = (): void => {
      if (++reads % 3 === 0) awake += 250;
    };
    const now = countSuspend(
      () => (late(), awake),
      () => (late(), Math.floor(awake / 10) * 10),
    );
    for (let step = 0; step < 100; step += 1) {
      awake += 11;
      const read = now();
      expect(read).toBeLessThanOrEqual(awake);
      expect(awake - read).toBeLessThanOrEqual(260);
    }
  });
});
