import { expect, it } from 'vitest';
import { openDataFixture, openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import { MemoryBlobStore } from '../../storage/memory/memory-blob-store.ts';

/** As many extents as are merged. */
const numbers = Array.from({ length: 10 }, (_value, index) => index + 10);
const kept = numbers.map((n) => [BigInt(n)]);

it.each([
  ['before it reads an extent', 'connect', 1],
  ['before it reads the next one', 'connect', 2],
  ['before an extent takes the place of the one that it has read', 'write', 1],
  ['before the next one does', 'write', 2],
] as const)('a purge finds the rows that a merge takes along %s', async (_when, step, which) => {
  let left = Infinity;
  let meanwhile: () => Promise<void> = () => Promise.resolve();
  const passed = async (name: typeof step): Promise<void> => {
    if (name !== step) return;
    left -= 1;
    if (left === 0) await meanwhile();
  };
  const own = await openTestEngine();
  const engine: EngineDatabase = {
    ...own,
    connect: async (limit) => {
      await passed('connect');
      return own.connect(limit);
    },
  };
  const blobs = new MemoryBlobStore();
  const write = blobs.write.bind(blobs);
  blobs.write = async (...given) => {
    const written = await write(...given);
    await passed('write');
    return written;
  };
  const cluster = await openDataFixture({ engine, blobs });
  await cluster.table('T', { n: 'long' });
  const data = await cluster.data();
  await data.setPolicy('db', 'T', 'merge', { AllowMerge: false });
  for (const n of numbers) await cluster.ingest('T', 'csv', `${n}\n7`, { kind: 'inline' });
  const source = await data.sources().open('db', 'T');
  const column = source.columns.get('n');
  source.release();
  let isMerged = false;
  meanwhile = async () => {
    await data.setPolicy('db', 'T', 'merge', null);
    await data.maintain();
    isMerged = data.extents('db', 'T').length === 1;
  };
  left = which;
  expect(await data.purge('db', 'T', { sql: `${column} = 7`, bound: [] })).toBe(numbers.length);
  expect(isMerged).toBe(true);
  expect(await cluster.rows('T', 'n')).toEqual(kept);
  await cluster.crash();
  expect(await cluster.rows('T', 'n')).toEqual(kept);
  await cluster.close();
  own.close();
});
