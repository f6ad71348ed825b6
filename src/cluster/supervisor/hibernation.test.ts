import { describe, expect, it } from 'vitest';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { parseKeyId } from '../../base/key-id.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { ManualHost } from '../../clock/manual-host.ts';
import { HostMonotonicClock } from '../../clock/monotonic-clock.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import { firstRecord } from '../../encryption/cluster-key-records.ts';
import { MemoryStateStore } from '../../state/memory/memory-state-store.ts';
import { RootKey } from '../../state/root-key.ts';
import { SealedState } from '../../state/sealed/sealed-state.ts';
import { writeRecord } from '../../state/state.ts';
import type { HibernationPorts } from './hibernation.ts';
import { createHibernation } from './hibernation.ts';
import type { Rested } from '../messages/rest.ts';

const tenMinutes = 600_000;

/** A cluster as hibernation sees it: a process that is used or not. */
interface Fake {
  readonly id: Guid;
  process: { ended: boolean; wasConnected: boolean } | undefined;
  /** On monotonic time. */
  usedAt: number;
  rested: Rested;
  upkeeps: number;
  starts: number;
}

async function open(count: number) {
  const onError = (error: unknown): void => {
    throw error;
  };
  const host = new ManualHost(Date.UTC(2026, 0, 1));
  const clock = new VirtualClock({ host, onError });
  const monotonic = new HostMonotonicClock({ host, onError });
  const state = await SealedState.open({
    store: new MemoryStateStore(),
    rootKey: new RootKey(Buffer.alloc(32, 1)),
    randomBytes: systemRandomBytes,
  });
  const clusters: Fake[] = [];
  for (let n = 0; n < count; n += 1) {
    const id = newGuid(systemRandomBytes);
    const kid = parseKeyId(`https://contoso.vault.azure.net/keys/k/${'0'.repeat(32)}`);
    if (kid?.version === undefined) throw new Error('it is one');
    const record = firstRecord(id, {
      custody: { kind: 'microsoftManaged' },
      kid: { ...kid, version: kid.version },
      ...{ wrapped: Buffer.alloc(256), check: Buffer.alloc(16) },
      unwrapped: { kustody: clock.now(), real: monotonic.moment() },
    });
    await state.commit({ write: [writeRecord(clusterKeyTable, id, null, record)] });
    const rested: Rested = { outcome: 'idle', upkeep: {}, databaseBytes: [] };
    clusters.push({
      ...{ id, rested, upkeeps: 0, starts: 0, usedAt: host.monotonic() },
      process: { ended: false, wasConnected: true },
    });
  }
  const fake = (id: Guid): Fake => {
    const found = clusters.find((one) => one.id === id);
    if (found === undefined) throw new Error('unknown');
    return found;
  };
  const dropped = new Set<Guid>();
  const ports = {
    ...{ state, clock, monotonic, idleMs: tenMinutes },
    keys: {
      processOf: (id: Guid) => fake(id).process,
      rest: (id: Guid, idleMs: number) => {
        const one = fake(id);
        if (one.process === undefined || host.monotonic() - one.usedAt < idleMs) return Promise.resolve(undefined);
        one.process = undefined;
        return Promise.resolve(one.rested);
      },
    },
    contents: {
      upkeepOf: (id: Guid) => {
        fake(id).upkeeps += 1;
        dropped.delete(id);
        return Promise.resolve();
      },
      hasDropped: (id: Guid) => Promise.resolve(dropped.has(id)),
      remember: () => undefined,
    },
    clusters: { byId: (clusterId: Guid) => Promise.resolve({ clusterId, serves: true, databases: [] }) },
    processServing: ({ clusterId }: { clusterId: Guid }) => {
      const one = fake(clusterId);
      one.starts += 1;
      one.usedAt = host.monotonic();
      one.process = { ended: false, wasConnected: false };
      return Promise.resolve(one.process);
    },
    log: {
      event: () => undefined,
      warning: () => undefined,
      failure: (_name: string, error: unknown) => onError(error),
    },
  };
  const hibernation = createHibernation(ports as unknown as HibernationPorts);
  hibernation.start();
  const awake = () => clusters.filter(({ process }) => process !== undefined).length;
  return { clusters, clock, host, hibernation, awake, dropped };
}

const one = (clusters: readonly Fake[]): Fake => {
  const [first] = clusters;
  if (first === undefined) throw new Error('there is one');
  return first;
};

describe('a cluster that nobody uses', () => {
  it('rests after ten minutes of real time, whatever other clocks say', async () => {
    const { clusters, clock, host, awake } = await open(1);
    await clock.advance(86_400_000);
    host.jump(-7_200_000);
    expect(awake()).toBe(1);
    await clock.freeze();
    await host.elapse(tenMinutes - 1);
    expect(awake()).toBe(1);
    await host.elapse(31_000);
    expect(awake()).toBe(0);
    expect(one(clusters).starts).toBe(0);
  });

  it('stays while it is used', async () => {
    const { clusters, host, awake } = await open(1);
    for (let n = 0; n < 5; n += 1) {
      await host.elapse(tenMinutes / 2);
      one(clusters).usedAt = host.monotonic();
    }
    expect(awake()).toBe(1);
  });

  it('is woken when its upkeep is due, rests right after it, and not before something is due again', async () => {
    const { clusters, clock, host, awake } = await open(1);
    const cluster = one(clusters);
    const due = clock.now() + 3_600_000;
    cluster.rested = { ...cluster.rested, upkeep: { dueAt: due } };
    await host.elapse(tenMinutes + 31_000);
    expect([awake(), cluster.starts]).toEqual([0, 0]);
    cluster.rested = { ...cluster.rested, upkeep: {} };
    await clock.advance(due - clock.now());
    expect(cluster).toMatchObject({ starts: 1, upkeeps: 1 });
    await host.elapse(31_000);
    expect(awake()).toBe(0);
    await clock.advance(10 * 86_400_000);
    expect(cluster.starts).toBe(1);
  });

  it('that could not do its upkeep is not woken all the time', async () => {
    const { clusters, clock, host } = await open(1);
    const cluster = one(clusters);
    cluster.rested = { ...cluster.rested, upkeep: { dueAt: clock.now() } };
    await host.elapse(tenMinutes + 31_000);
    await host.elapse(3_000_000);
    expect(cluster.starts).toBe(0);
    await host.elapse(1_000_000);
    expect(cluster.starts).toBe(1);
  });

  it('is woken for a database that was deleted', async () => {
    const { clusters, host, dropped } = await open(1);
    await host.elapse(tenMinutes + 31_000);
    dropped.add(one(clusters).id);
    await host.elapse(31_000);
    expect(one(clusters).upkeeps).toBe(1);
  });

  it('stays awake for somebody who has come during its upkeep', async () => {
    const { clusters, host, hibernation, awake, dropped } = await open(1);
    const cluster = one(clusters);
    await host.elapse(tenMinutes + 31_000);
    dropped.add(cluster.id);
    await hibernation.look();
    if (cluster.process !== undefined) cluster.process.wasConnected = true;
    cluster.usedAt = host.monotonic();
    await host.elapse(tenMinutes / 2);
    expect(awake()).toBe(1);
    await host.elapse(tenMinutes);
    expect(awake()).toBe(0);
  });
});

it('after a start, 20 clusters that nobody has opened do their upkeep two at a time', async () => {
  const { clusters, host, awake } = await open(20);
  for (const cluster of clusters) cluster.process = undefined;
  let most = 0;
  for (let n = 0; n < 30; n += 1) {
    await host.elapse(30_000);
    most = Math.max(most, awake());
  }
  expect(most).toBe(2);
  expect(clusters.every(({ upkeeps }) => upkeeps === 1)).toBe(true);
  expect(awake()).toBe(0);
});
