import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { DataFixture, DataFixtureOptions } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture, openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import { extentIds, fillTable, pack, readBetween, storedWith } from '../../../tests/support/paged-extents.ts';
import { quickDirectory } from '../../../tests/support/quick-directory.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { clearSide, clusterCatalogTable, keptPrefix } from '../../cluster/process/remote-catalog-store.ts';
import { headId } from '../../database/catalog/records.ts';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import type { StoredFormat } from '../../state/formats/state-formats.ts';
import { extentPagesFormat, raiseTo, stateFormats } from '../../state/formats/state-formats.ts';
import { MemoryStateStore } from '../../state/memory/memory-state-store.ts';
import { writeRecord } from '../../state/state.ts';
import { MemoryBlobStore } from '../../storage/memory/memory-blob-store.ts';
import { openStore } from '../state-place.ts';
import { copyRecords, requireSameRecords, sumRecords } from './copy-records.ts';
import { catalogOf, headOf, keepRecords, sumCatalog } from './kept-cluster.ts';

const copies = 600;
let engine: EngineDatabase;
let cluster: DataFixture;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(() => engine.close());
afterEach(() => cluster.close());

const known = () => ({
  clusterId: newGuid(systemRandomBytes),
  databaseId: newGuid(systemRandomBytes),
  key: systemRandomBytes(32),
});
async function filled(options: DataFixtureOptions): Promise<void> {
  cluster = await openDataFixture({ engine, ...options });
  await fillTable(cluster, copies);
}
const rows = (): Promise<unknown[]> => readBetween(cluster, [1n, 3n]);

it('a copy of a state with pages of extents is the same, and is served', async () => {
  const [from, to, blobs, whose] = [new MemoryStateStore(), new MemoryStateStore(), new MemoryBlobStore(), known()];
  await filled({ stateStore: from, blobs, known: whose });
  await copyRecords(from, to, () => undefined);
  await pack(cluster);
  const ids = await extentIds(cluster);
  await copyRecords(from, to, () => undefined); // again: what has changed
  requireSameRecords(await sumRecords(from), await sumRecords(to));
  await cluster.close();
  cluster = await openDataFixture({ engine, stateStore: to, blobs, known: whose });
  expect(await storedWith(cluster, 'g/')).toBe(2);
  expect(await extentIds(cluster)).toEqual(ids);
  expect(await rows()).toEqual([1n, 2n, 3n]);
});

it('a catalog with pages of extents is set back to what it was', async () => {
  await filled({});
  await pack(cluster);
  const { state, clusterId } = cluster;
  const ids = await extentIds(cluster);
  const sum = await sumCatalog(state, clusterId);
  const backup: { readonly id: string; readonly value: unknown }[] = [];
  for await (const page of catalogOf(state, clusterId)) backup.push(...page);
  expect(backup.filter(({ id }) => id.startsWith('g/'))).toHaveLength(2);
  const gone = (await cluster.data()).extents('db', 'T').filter(({ tags }) => tags.length > 0);
  await (await cluster.data()).dropExtents('db', 'T', { extentIds: gone.map(({ extentId }) => extentId) });
  expect(await extentIds(cluster)).toHaveLength(ids.length - gone.length);
  // As a restore does.
  await keepRecords(state, clusterId, '');
  const head = await headOf(state, clusterId, '');
  await clearSide(state, clusterId, '', (write) => state.commit({ write }));
  expect([await storedWith(cluster, 'g/'), await storedWith(cluster, 'e/')]).toEqual([0, 0]);
  await state.commit({
    write: [
      ...backup.map(({ id, value }) => writeRecord<unknown>(clusterCatalogTable, `${clusterId}/${id}`, null, value)),
      ...(head ? [writeRecord(clusterCatalogTable, keptPrefix(clusterId) + headId, null, head.value)] : []),
    ],
  });
  expect(await sumCatalog(state, clusterId)).toEqual(sum);
  await cluster.crash();
  expect(await extentIds(cluster)).toEqual(ids);
  expect(await rows()).toEqual([1n, 2n, 3n]);
});

it('a state of the format before has no pages until it is raised, and the version before serves it no more then', async () => {
  const before = stateFormats.filter(({ format }) => format < extentPagesFormat);
  const dataDirectory = quickDirectory('kustody-paged-formats-');
  const [blobs, whose] = [new MemoryBlobStore(), known()];
  const upkeep = async (format: StoredFormat): Promise<void> => {
    const data = await cluster.data();
    await data.maintain({ packsExtents: format.written >= extentPagesFormat }); // as the supervisor says it
    expect(data.upkeepProblems()).toEqual([]);
  };
  try {
    const older = await openStore({ dataDirectory, stateFormats: before });
    await filled({ stateStore: older.store, blobs, known: whose });
    const ids = await extentIds(cluster);
    await upkeep(older.format);
    await cluster.close();
    await older.close();

    const newer = await openStore({ dataDirectory });
    cluster = await openDataFixture({ engine, stateStore: newer.store, blobs, known: whose });
    await upkeep(newer.format);
    expect([newer.format.written, await storedWith(cluster, 'g/')]).toEqual([extentPagesFormat - 1, 0]);
    await raiseTo(newer.format);
    await upkeep(newer.format);
    expect([newer.format.written, await storedWith(cluster, 'g/')]).toEqual([extentPagesFormat, 2]);
    await cluster.close();
    await newer.close();

    await expect(openStore({ dataDirectory, stateFormats: before })).rejects.toThrow(`has format ${extentPagesFormat}`);
    const again = await openStore({ dataDirectory });
    cluster = await openDataFixture({ engine, stateStore: again.store, blobs, known: whose });
    expect(await extentIds(cluster)).toEqual(ids);
    expect(await rows()).toEqual([1n, 2n, 3n]);
    await cluster.close();
    await again.close();
  } finally {
    rmSync(dataDirectory, { recursive: true, force: true });
  }
});
