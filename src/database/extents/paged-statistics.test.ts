import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture, openTestEngine, started } from '../../../tests/support/cluster-data-fixture.ts';
import { copyAs, pack, storedWith } from '../../../tests/support/paged-extents.ts';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import type { OpenedClusterData } from '../open-cluster-data.ts';

const minute = 60_000;
const copies = 599;
let engine: EngineDatabase;
let cluster: DataFixture;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(() => engine.close());
afterEach(() => cluster.close());

/** An extent a minute; the last five hours are hot, which is in the middle of a page. */
async function filled(): Promise<OpenedClusterData> {
  cluster = await openDataFixture({ engine });
  await cluster.table('T', { n: 'long' });
  await cluster.ingest('T', 'csv', '1', { kind: 'inline' });
  const copy = copyAs(cluster.clusterId);
  let at = started;
  await cluster.manyExtents(copies, (model) => {
    at += minute;
    return { ...copy(model), rowCount: 7, originalBytes: 70, minCreatedOn: at, maxCreatedOn: at };
  });
  cluster.advance(600 * minute);
  const data = await cluster.data();
  await data.setPolicy('db', 'T', 'merge', { AllowMerge: false });
  await data.setPolicy('db', 'T', 'caching', { DataHotSpan: '05:00:00', IndexHotSpan: '05:00:00' });
  return data;
}

it('the statistics of a table are the same whether its extents lie in pages, and those of each extent together', async () => {
  const data = await filled();
  const before = data.tableStatistics('db', 'T');
  await pack(cluster);
  expect(await storedWith(cluster, 'g/')).toBe(2);
  const after = data.tableStatistics('db', 'T');
  expect(after).toEqual(before);
  const views = data.extents('db', 'T');
  const hot = views.filter((view) => view.hot);
  const sum = (of: readonly (typeof views)[number][], what: 'rowCount' | 'originalBytes' | 'extentBytes'): number =>
    of.reduce((total, view) => total + view[what], 0);
  expect(after).toEqual({
    ...{ extentCount: copies + 1, rowCount: sum(views, 'rowCount'), originalBytes: sum(views, 'originalBytes') },
    ...{ extentBytes: sum(views, 'extentBytes'), hotExtentCount: hot.length, hotRowCount: sum(hot, 'rowCount') },
    ...{ hotExtentBytes: sum(hot, 'extentBytes'), minCreatedOn: started, maxCreatedOn: started + copies * minute },
  });
  expect(hot.length).toBeGreaterThan(256);
  expect(hot.length).toBeLessThan(copies - 256);
  // One that goes is not counted any more.
  const [gone] = hot;
  if (gone === undefined) throw new Error('something is hot');
  await data.dropExtents('db', 'T', { extentIds: [gone.extentId] });
  expect(data.tableStatistics('db', 'T')).toMatchObject({
    ...{ extentCount: copies, hotExtentCount: hot.length - 1, rowCount: after.rowCount - gone.rowCount },
    ...{ extentBytes: after.extentBytes - gone.extentBytes, hotExtentBytes: after.hotExtentBytes - gone.extentBytes },
  });
});

it('a tag is found in pages, in a change that is being planned too', async () => {
  const data = await filled();
  await pack(cluster);
  expect(data.hasTaggedExtent('db', 'T', ['drop-by:1100'])).toBe(true);
  expect(data.hasTaggedExtent('db', 'T', ['no such tag', 'drop-by:1200'])).toBe(true);
  expect(data.hasTaggedExtent('db', 'T', ['no such tag'])).toBe(false);
  expect(data.hasTaggedExtent('db', 'T', [])).toBe(false);
  const catalog = await cluster.catalog();
  const { tableId } = data.table('db', 'T');
  const found = catalog.image.extentsTagged(tableId, ['drop-by:1100', 'drop-by:1200']);
  expect(found.flatMap(({ tags }) => tags).sort()).toEqual(['drop-by:1100', 'drop-by:1200']);
  await catalog.change((draft) => {
    for (const { extentId } of found.slice(0, 1)) draft.delete(`e/${extentId}`);
    expect(draft.extentsTagged(tableId, ['drop-by:1100', 'drop-by:1200'])).toEqual(found.slice(1));
  });
});
