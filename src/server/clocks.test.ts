import { afterEach, describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../base/random.ts';
import { ManualHost } from '../clock/manual-host.ts';
import { MemoryStateStore } from '../state/memory/memory-state-store.ts';
import { RootKey } from '../state/root-key.ts';
import { SealedState } from '../state/sealed/sealed-state.ts';
import type { Clocks } from './clocks.ts';
import { ClockAheadError, openClocks } from './clocks.ts';

const start = Date.UTC(2026, 0, 1);
const hour = 3_600_000;
const day = 24 * hour;
const opened: Clocks[] = [];

afterEach(async () => {
  for (const clocks of opened.splice(0)) await clocks.close();
});

async function machine({ virtualTime = false } = {}) {
  const host = new ManualHost(start);
  const state = await SealedState.open({
    store: new MemoryStateStore(),
    rootKey: new RootKey(systemRandomBytes(32)),
    randomBytes: systemRandomBytes,
  });
  const lines: string[] = [];
  const run = async (askDatabase?: () => Promise<number>): Promise<Clocks> => {
    const clocks = await openClocks({
      askDatabase,
      isNew: true,
      ...{ state, virtualTime, host },
      log: { warning: (name, fields) => void lines.push(`${name} ${JSON.stringify(fields)}`) },
      onError: (error) => {
        throw error;
      },
    });
    opened.push(clocks);
    return clocks;
  };
  const stop = (clocks: Clocks): Promise<void> => opened.splice(opened.indexOf(clocks), 1)[0]?.close() as Promise<void>;
  return { host, lines, run, stop };
}

describe.each([{ virtualTime: false }, { virtualTime: true }])('clocks of a server (%o)', (kind) => {
  it.each([
    ['2 h back', -2 * hour, false],
    ['2 h forward', 2 * hour, false],
    ['91 days back', -91 * day, true],
    ['91 days forward', 91 * day, true],
  ])('%s while running: told within a second, destruction held: %s', async (_name, by, held) => {
    const { host, lines, run } = await machine(kind);
    const clocks = await run();
    let told = 0;
    clocks.onStep(() => void (told += 1));
    await host.elapse(5_000);
    expect([told, clocks.destructionHeld()]).toEqual([0, false]);
    host.jump(by);
    expect(clocks.destructionHeld()).toBe(held); // whoever is about to destroy asks first
    await host.elapse(1_000);
    expect(told).toBe(1);
    expect(lines.filter((line) => line.startsWith('clock-stepped'))).toEqual([`clock-stepped {"byMs":${by}}`]);
    expect(lines.some((line) => line.startsWith('destruction-held'))).toBe(held);
    expect(clocks.read().heldJump !== undefined).toBe(held);
    expect(clocks.read().unaccountedMs).toBe(by);
  });

  it('destroys nothing while it differs from the clock of the database', async () => {
    const { host, lines, run } = await machine(kind);
    const clocks = await run();
    const says = (byMs: number): Promise<void> => clocks.compare(() => Promise.resolve(host.now() + byMs));
    for (const [byMs, held] of [
      [5_000, false],
      [-5_001, true],
      [-5_002, true],
      [0, false],
    ] as const) {
      await says(byMs);
      expect(clocks.destructionHeld()).toBe(held);
    }
    expect(lines).toEqual(['clock-differs-from-database {"byMs":-5001}', 'clock-agrees-with-database {"byMs":0}']);
  });

  it('goes by the clock of the database, whatever the machine says, and comes back to it without going back', async () => {
    const { host, run } = await machine(kind);
    const database = { aheadMs: 3_000, startedAt: host.monotonic() };
    const clocks = await run(() => Promise.resolve(start + host.monotonic() - database.startedAt + database.aheadMs));
    const ahead = (): number => clocks.clock.now() - start - (host.monotonic() - database.startedAt);
    expect(ahead()).toBe(3_000);
    host.jump(-4_000);
    await host.elapse(10_000);
    expect([ahead(), clocks.wallClock.now() - clocks.clock.now()]).toEqual([3_000, 0]);
    expect(clocks.read()).toMatchObject({ aheadMs: 0 });
    database.aheadMs = 2_000;
    await clocks.compare();
    expect(ahead()).toBe(3_000);
    await host.elapse(1_000);
    expect(ahead()).toBe(2_500);
    await host.elapse(2_000);
    expect(ahead()).toBe(2_000);
    expect(clocks.read().databaseErrorMs).toBeLessThan(1);
  });

  it('steps of 23 h add up, while it runs and over restarts of server and machine', async () => {
    const { host, run, stop } = await machine(kind);
    const first = await run();
    host.jump(8 * hour);
    await host.elapse(2_000);
    await stop(first);
    await host.elapse(100 * day); // the machine runs on: that is no step
    host.jump(8 * hour);
    const second = await run();
    expect(second.read()).toMatchObject({ unaccountedMs: 16 * hour });
    expect(second.destructionHeld()).toBe(false);
    await stop(second);
    host.reboot(9 * hour);
    const third = await run();
    expect(third.destructionHeld()).toBe(true);
    await third.accept();
    expect([third.destructionHeld(), third.read().unaccountedMs]).toEqual([false, 0]);
    await stop(third);
    expect((await run()).destructionHeld()).toBe(false);
  });

  it("the machine's sleep is no step, and timers that were due in it fire when it wakes", async () => {
    const { host, run } = await machine(kind);
    const clocks = await run();
    let fired = 0;
    let told = 0;
    clocks.onStep(() => void (told += 1));
    clocks.clock.at((clocks.clock.now() + 3 * day) as never, () => void (fired += 1));
    clocks.monotonic.after(3 * day, () => void (fired += 1));
    await host.elapse(10_500);
    host.sleep(4 * day);
    await host.elapse(1_000);
    expect([fired, told]).toEqual([2, 1]);
    expect(clocks.destructionHeld()).toBe(false);
    expect(clocks.read().unaccountedMs).toBe(0);
  });

  it('what fell due by a step fires soon after it', async () => {
    const { host, run } = await machine(kind);
    const clocks = await run();
    let fired = 0;
    clocks.clock.at((clocks.clock.now() + 20 * day) as never, () => void (fired += 1));
    await host.elapse(1_000);
    host.jump(91 * day);
    await host.elapse(1_000);
    expect(fired).toBe(1);
  });

  it('a clock that went forward and back stays held, and is not accepted while Kustody is still ahead', async () => {
    const { host, run, stop } = await machine(kind);
    const clocks = await run();
    host.jump(91 * day);
    await host.elapse(2_000);
    host.jump(-91 * day);
    await host.elapse(2_000);
    expect(clocks.destructionHeld()).toBe(true);
    await expect(clocks.accept()).rejects.toBeInstanceOf(ClockAheadError);
    expect(clocks.destructionHeld()).toBe(true);
    await stop(clocks);
    const next = await run();
    expect(next.destructionHeld()).toBe(true);
    expect(next.clock.now()).toBe(host.now());
    await next.accept();
    expect(next.destructionHeld()).toBe(false);
  });

  it('steps of 23 h back that are accepted one by one leave nothing destroyed early', async () => {
    const { host, run } = await machine(kind);
    const clocks = await run();
    for (let step = 0; step < 3; step += 1) {
      host.jump(-23 * hour);
      await host.elapse(2_000);
      await clocks.accept().catch(() => undefined);
    }
    expect(clocks.read().aheadMs).toBe(69 * hour);
    expect(clocks.destructionHeld()).toBe(true);
  });
});
