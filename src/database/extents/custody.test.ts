import { afterEach, describe, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { MemoryStateStore } from '../../state/memory/memory-state-store.ts';
import { clusterCatalogTable } from '../../cluster/process/remote-catalog-store.ts';

let cluster: DataFixture;
afterEach(() => cluster.close());

async function filled(): Promise<DataFixture> {
  cluster = await openDataFixture();
  await cluster.table('T', { n: 'long' });
  await cluster.ingest('T', 'csv', '1', { kind: 'inline' });
  await cluster.ingest('T', 'csv', '2');
  return cluster;
}

const numbers = async (): Promise<unknown[]> => (await cluster.rows('T', 'n')).map(([n]) => n);
const blobNames = async (): Promise<string[]> => {
  const names: string[] = [];
  for await (const { name } of cluster.blobs.list('')) names.push(name);
  return names;
};

describe('a change of custody', () => {
  it('keeps extents and rows of the log, and later ones follow', async () => {
    await filled();
    const before = await blobNames();
    await cluster.changeCustody();
    expect(await blobNames()).toEqual(before);
    expect(await numbers()).toEqual([1n, 2n]);
    await cluster.ingest('T', 'csv', '3', { kind: 'inline' });
    await cluster.ingest('T', 'csv', '4');
    await cluster.crash();
    expect(await numbers()).toEqual([1n, 2n, 3n, 4n]);
    await cluster.changeCustody();
    await (await cluster.data()).maintain();
    await cluster.crash();
    expect(await numbers()).toEqual([1n, 2n, 3n, 4n]);
  });

  it('works in a process that has not opened the data', async () => {
    await filled();
    const records = await cluster.state.list(clusterCatalogTable);
    expect(records.length).toBeGreaterThan(3);
    await cluster.crash().then(() => undefined);
    await cluster.holder().dispose();
    await cluster.changeCustody();
    await cluster.crash();
    expect(await numbers()).toEqual([1n, 2n]);
    const after = await cluster.state.list(clusterCatalogTable);
    const sealedUnder = after.filter(({ id }) => !id.includes('/l/')).map(({ value }) => value.generation);
    expect(new Set(sealedUnder)).toEqual(new Set([2]));
  });

  it('that was committed when the process ended is in force in the next one', async () => {
    await filled();
    await cluster.changeCustody({ unheard: true });
    await cluster.crash();
    expect(await numbers()).toEqual([1n, 2n]);
    await cluster.ingest('T', 'csv', '3');
    expect(await numbers()).toEqual([1n, 2n, 3n]);
  });

  it('that another process has begun is no damage to one that has not heard of it', async () => {
    await filled();
    await cluster.changeCustody({
      committed: () => expect(cluster.crash()).rejects.toMatchObject({ name: 'DataUnavailableError' }),
    });
    expect(await numbers()).toEqual([1n, 2n]);
  });

  it('lets whoever opens the data meanwhile wait for its end', async () => {
    await filled();
    await cluster.holder().dispose();
    let opening: Promise<unknown[]> | undefined;
    await cluster.changeCustody({
      committed: async () => {
        opening = numbers();
        for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      },
    });
    expect(await opening).toEqual([1n, 2n]);
    await cluster.holder().dispose();
    await cluster.changeCustody({ abandon: true });
    expect(await numbers()).toEqual([1n, 2n]);
  });

  it('of any size takes no large commit, and no read of a record whose version nobody has seen', async () => {
    const sizes: number[] = [];
    const stateStore = new MemoryStateStore();
    const commit = stateStore.commit.bind(stateStore);
    stateStore.commit = (one) => {
      sizes.push(one.write.length);
      return commit(one);
    };
    cluster = await openDataFixture({ stateStore });
    await cluster.table('T', { n: 'long' });
    await cluster.ingest('T', 'csv', '1', { kind: 'inline' });
    const count = await cluster.manyExtents(3_500);
    sizes.length = 0;
    await cluster.changeCustody();
    expect(Math.max(...sizes)).toBeLessThan(1_200); // with the pages of their digests
    expect((await cluster.data()).extents('db')).toHaveLength(count + 1);
    await cluster.crash();
    expect((await cluster.data()).extents('db')).toHaveLength(count + 1);
    await (await cluster.data()).dropTables('db', ['T'], false);
  });

  it('that is given up changes nothing', async () => {
    await filled();
    await cluster.changeCustody({ abandon: true });
    await cluster.ingest('T', 'csv', '3');
    expect(await numbers()).toEqual([1n, 2n, 3n]);
    await cluster.crash();
    expect(await numbers()).toEqual([1n, 2n, 3n]);
  });

  it('lets ingestion and queries go on around it', async () => {
    await filled();
    let next = 3;
    const until = { stopped: false };
    const ingesting = (async () => {
      while (!until.stopped) {
        const kind = next % 3 === 0 ? 'inline' : 'streaming';
        await cluster.ingest('T', 'csv', String(next), { kind });
        next += 1;
      }
    })();
    const querying = (async () => {
      let last = 0;
      while (!until.stopped) {
        const count = (await numbers()).length;
        expect(count).toBeGreaterThanOrEqual(last);
        last = count;
      }
    })();
    for (let change = 0; change < 5; change += 1) {
      const target = next + 5;
      await cluster.changeCustody();
      while (next < target) await new Promise((resolve) => setImmediate(resolve));
    }
    until.stopped = true;
    await Promise.all([ingesting, querying]);
    const expected = Array.from({ length: next - 1 }, (_value, index) => BigInt(index + 1));
    expect(await numbers()).toEqual(expected);
    await cluster.crash();
    expect(await numbers()).toEqual(expected);
  });

  it('takes moments for each of many extents', async () => {
    await filled();
    await cluster.manyExtents(2_000);
    const before = process.cpuUsage();
    await cluster.changeCustody();
    const { user, system } = process.cpuUsage(before);
    console.log(
      `custody change: ${((user + system) / 2_000).toFixed(0)} µs of processor time for each of 2,000 extents`,
    );
    await cluster.crash();
    expect((await cluster.data()).extents('db', 'T').length).toBe(2_001);
  });
});
