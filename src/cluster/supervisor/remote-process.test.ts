import { describe, expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { ManualHost } from '../../clock/manual-host.ts';
import { HostMonotonicClock } from '../../clock/monotonic-clock.ts';
import { CatalogFeeds } from './catalog-feeds.ts';
import { createReaderServices, readerLeaseMs } from './reader-services.ts';
import type { NodeFrame } from './remote-process.ts';
import { RemoteProcess } from './remote-process.ts';

const onError = (error: unknown): void => {
  throw error;
};

function open() {
  const host = new ManualHost(Date.UTC(2026, 0, 1));
  const monotonic = new HostMonotonicClock({ host, onError });
  const frames: NodeFrame[] = [];
  const told = { exits: 0, messages: [] as unknown[] };
  const process = new RemoteProcess({ send: (frame) => void frames.push(frame), close: () => undefined }, monotonic);
  process.onExit(() => (told.exits += 1));
  process.onMessage((message) => told.messages.push(message));
  return { host, process, frames, told };
}

describe('a process on another node', () => {
  it('that is ended counts as gone when its node says so', () => {
    const { process, frames, told } = open();
    process.lent(5_000);
    process.kill();
    expect({ frames, exits: told.exits }).toEqual({ frames: [{ kind: 'kill' }], exits: 0 });
    process.received({ kind: 'message', message: 'an answer' });
    process.received({ kind: 'exit' });
    expect(told).toEqual({ exits: 1, messages: [] });
  });

  it('or when all that it was lent has run out, and no moment earlier, whatever is heard of its node', async () => {
    for (const way of ['kill', 'lost'] as const) {
      const { host, process, told } = open();
      process.lent(2_000);
      await host.elapse(500);
      process.lent(5_000);
      await host.elapse(1_000);
      process[way]();
      await host.elapse(3_900);
      expect(told.exits).toBe(0);
      await host.elapse(200);
      expect(told.exits).toBe(1);
    }
  });

  it('that was lent nothing is gone at once', () => {
    const { process, told } = open();
    process.lost();
    expect(told.exits).toBe(1);
  });
});

describe('what a process that reads may ask', () => {
  const clusterId = newGuid(systemRandomBytes);
  function services(leaseMs: number) {
    const asked: string[] = [];
    const lent: number[] = [];
    const warnings: string[] = [];
    const serve = createReaderServices({
      ports: {
        state: { list: () => Promise.resolve([]) } as never,
        clock: undefined as never,
        log: { event: () => undefined, failure: () => undefined, warning: (name) => warnings.push(name) },
      },
      ...{ clusterId, feeds: new CatalogFeeds(), needed: () => Promise.resolve() },
      leaseMs: () => Promise.resolve(leaseMs),
      lent: (ms) => lent.push(ms),
      ended: () => Promise.resolve(null),
      serve: (operation) => {
        asked.push(operation);
        return Promise.resolve({ outcome: 'allowed', leaseMs: 100_000 });
      },
    });
    return { ask: (operation: string, body: unknown = {}) => serve(operation, body, []), asked, lent, warnings };
  }

  it('changes nothing', async () => {
    const { ask, asked, warnings } = services(1_000);
    const changing = [
      'stateCommit',
      'stateStage',
      'role',
      'follower',
      'exported',
      'uploader',
      'connections',
      'route',
      'x',
    ];
    for (const operation of changing) await expect(ask(operation)).rejects.toThrow('nobody understands');
    expect({ asked, warnings: warnings.length }).toEqual({ asked: [], warnings: changing.length });
    await ask('stateGet');
    expect(asked).toEqual(['stateGet']);
  });

  it('is answered for so long at most as its node may not have heard of a change', async () => {
    const some = services(100_000);
    expect(await some.ask('authorize')).toMatchObject({ outcome: 'allowed', leaseMs: readerLeaseMs });
    expect(await some.ask('renew')).toMatchObject({ leaseMs: readerLeaseMs });
    expect(some.lent).toEqual([readerLeaseMs, readerLeaseMs]);
    expect(await services(700).ask('renew')).toMatchObject({ leaseMs: 700 });
  });

  it('is nothing, once the key may not be used', async () => {
    const none = services(0);
    expect(await none.ask('authorize')).toMatchObject({ outcome: 'refused', kind: 'unavailable' });
    expect(await none.ask('renew')).toMatchObject({ leaseMs: 0 });
    expect(await none.ask('catalogChanges')).toEqual({ outcome: 'ended' });
    expect(none.lent).toEqual([]);
  });
});
