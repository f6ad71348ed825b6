import { afterEach, describe, expect, it } from 'vitest';
import type { DataFixture } from '../../tests/support/cluster-data-fixture.ts';
import { openDataFixture } from '../../tests/support/cluster-data-fixture.ts';
import { readStoredRows } from '../../tests/support/read-rows.ts';
import type { StoreResultRequest } from './catalog/stored-result.ts';

let cluster: DataFixture;
afterEach(() => cluster.close());

const hour = 3_600_000;
const store = async (value: number, more: Partial<StoreResultRequest> = {}) =>
  (await cluster.data()).storeResult({
    database: 'db',
    name: 'R',
    principal: 'me',
    expiresAfterMs: hour,
    existing: 'refused',
    rows: { kind: 'sql', columns: [{ name: 'n', type: 'long' }], sql: `SELECT ${value}::BIGINT`, bound: [] },
    ...more,
  });
const rows = async (name = 'R', principal = 'me') =>
  readStoredRows(await cluster.data(), cluster.engine, name, principal);
const names = async () => (await cluster.data()).storedResults('db').map(({ name }) => name);
async function blobCount(): Promise<number> {
  let count = 0;
  for await (const blob of cluster.blobs.list('')) count += blob.length > 0 ? 1 : 0;
  return count;
}

describe('a stored query result', () => {
  it('is there after a crash and a change of custody, and counts among the bytes at rest', async () => {
    cluster = await openDataFixture();
    const stored = await store(1);
    expect(stored.extents[0]?.extentBytes).toBe((await cluster.data()).databaseBytes(cluster.database.databaseId));
    await cluster.crash();
    expect(await rows()).toEqual([[1n]]);
    await cluster.changeCustody();
    expect(await rows()).toEqual([[1n]]);
    await cluster.crash();
    expect(await rows()).toEqual([[1n]]);
  });

  it('expires by the clock, with its rows and its name', async () => {
    cluster = await openDataFixture();
    await store(1);
    await store(2, { name: 'Longer', expiresAfterMs: 2 * hour });
    const data = await cluster.data();
    const version = data.kqlCatalog('me').version;
    expect(version).not.toBe(data.kqlCatalog().version);
    cluster.advance(hour - 1);
    expect(await rows()).toEqual([[1n]]);
    expect(data.kqlCatalog('me').version).toBe(version);
    cluster.advance(1);
    await expect(rows()).rejects.toMatchObject({ code: 'StoredResultNotFound' });
    expect(await names()).toEqual(['Longer']);
    expect(data.kqlCatalog('me').databases[0]?.storedResults?.map(({ name }) => name)).toEqual(['Longer']);
    // Nobody has cleared it away yet, and the name is free all the same.
    await store(3);
    expect(await rows()).toEqual([[3n]]);
    expect(await blobCount()).toBe(2);
    cluster.advance(hour);
    await data.maintain();
    expect(await blobCount()).toBe(0);
    await cluster.crash();
    expect(await names()).toEqual([]);
    expect((await cluster.data()).kqlCatalog('me')).toBe((await cluster.data()).kqlCatalog());
  });

  it('is not older than it is because of how long the database keeps its rows', async () => {
    cluster = await openDataFixture();
    const data = await cluster.data();
    await data.setPolicy('db', undefined, 'retention', { SoftDeletePeriod: '00:01:00', Recoverability: 'Enabled' });
    await store(1);
    cluster.advance(hour / 2);
    await data.maintain();
    expect(await rows()).toEqual([[1n]]);
  });

  it('is open to its own principal alone', async () => {
    cluster = await openDataFixture();
    await store(1);
    await store(2, { principal: 'you' });
    expect(await rows('R', 'you')).toEqual([[2n]]);
    await expect(rows('R', 'they')).rejects.toMatchObject({ code: 'StoredResultNotFound' });
    await expect(rows('R', '')).rejects.toMatchObject({ code: 'StoredResultNotFound' });
    await expect(store(3)).rejects.toMatchObject({ code: 'EntityExists' });
  });

  it('goes with its database', async () => {
    cluster = await openDataFixture();
    await store(1);
    const data = await cluster.data();
    await data.setDatabases([]);
    await data.removeDatabases([cluster.database.databaseId]);
    expect(await blobCount()).toBe(0);
  });
});
