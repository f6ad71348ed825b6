import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture, openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import type { BlobStore } from '../../storage/blob-store.ts';
import { MemoryBlobStore } from '../../storage/memory/memory-blob-store.ts';
import type { EngineDatabase } from '../duckdb/engine-database.ts';
import type { CatalogStore } from '../catalog/catalog-store.ts';

let cluster: DataFixture;
let engine: EngineDatabase;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterEach(() => cluster.close());
afterAll(() => engine.close());

class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Stops the world at the durable step `at`: before it is done, or when it is done and nobody has heard of it. */
class World {
  steps = 0;
  at = Infinity;
  isAfter = false;

  async step<T>(work: () => Promise<T>): Promise<T> {
    this.steps += 1;
    if (this.steps > this.at || (this.steps === this.at && !this.isAfter)) throw new Interrupted('before a step');
    const result = await work();
    if (this.steps === this.at) throw new Interrupted('after a step');
    return result;
  }

  store(store: CatalogStore): CatalogStore {
    return { ...store, commit: (writes) => this.step(() => store.commit(writes)) };
  }

  blobs(blobs: BlobStore): BlobStore {
    return {
      write: (name, pieces) => this.step(() => blobs.write(name, pieces)),
      delete: (name) => this.step(() => blobs.delete(name)),
      read: (name, range) => blobs.read(name, range),
      readInto: (name, offset, target) => blobs.readInto(name, offset, target),
      list: (prefix) => blobs.list(prefix),
    };
  }
}

const requests = Array.from({ length: 12 }, (_value, index) => index + 1);
const send = (n: number) =>
  cluster.ingest('T', 'csv', `${n}\n${n}`, { requestId: `request ${n}`, kind: n % 3 === 0 ? 'inline' : 'streaming' });

/** @returns the requests that were acknowledged */
async function work(): Promise<number[]> {
  const acknowledged: number[] = [];
  for (const n of requests) {
    const isAcknowledged = await send(n).then(
      () => true,
      () => false,
    );
    if (isAcknowledged) acknowledged.push(n);
    if (n % 5 === 0) {
      const data = await cluster.data().catch(() => undefined);
      await data?.flush('db', 'T').catch(() => undefined);
    }
  }
  const data = await cluster.data().catch(() => undefined);
  await data?.maintain().catch(() => undefined);
  return acknowledged;
}

const counts = async (): Promise<Map<number, number>> => {
  const found = new Map<number, number>();
  for (const [n] of await cluster.rows('T')) found.set(Number(n), (found.get(Number(n)) ?? 0) + 1);
  return found;
};

async function start(world: World): Promise<void> {
  cluster = await openDataFixture({
    engine,
    blobs: world.blobs(new MemoryBlobStore()),
    wrapStore: (store) => world.store(store),
  });
  await cluster.table('T', { n: 'long' });
  world.steps = 0;
}

describe('a process that ends at any durable step', () => {
  it.each(['before', 'after'])(
    '%s it is done leaves each request whole or absent, and what was acknowledged there',
    async (when) => {
      const whole = new World();
      await start(whole);
      expect(await work()).toEqual(requests);
      const total = whole.steps;
      expect(total).toBeGreaterThan(12);
      await cluster.close();
      for (let at = 1; at <= total; at += 1) {
        const world = new World();
        await start(world);
        world.at = at;
        world.isAfter = when === 'after';
        const acknowledged = await work();
        world.at = Infinity;
        await cluster.crash();
        const found = await counts();
        for (const n of acknowledged) expect([at, n, found.get(n)]).toEqual([at, n, 2]);
        for (const count of found.values()) expect([at, count]).toEqual([at, 2]);
        // The client sends everything again: each request counts once.
        for (const n of requests) await send(n);
        expect([at, ...(await counts()).values()]).toEqual([at, ...requests.map(() => 2)]);
        await (await cluster.data()).maintain();
        expect([at, ...(await counts()).values()]).toEqual([at, ...requests.map(() => 2)]);
        const extents = (await cluster.data()).extents('db', 'T').length;
        let blobs = 0;
        for await (const blob of cluster.blobs.list('')) blobs += blob.length > 0 ? 1 : 0;
        expect([at, blobs]).toEqual([at, extents]);
        await cluster.close();
      }
      await start(new World());
    },
  );
});
