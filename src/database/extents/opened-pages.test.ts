import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openTestEngine, started } from '../../../tests/support/cluster-data-fixture.ts';
import { extentIds, openPaged, readBetween } from '../../../tests/support/paged-extents.ts';
import { sqlChange } from '../../../tests/support/row-change.ts';
import type { Guid } from '../../base/guid.ts';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import { extentsPerPage } from '../catalog/extent-page.ts';
import { PageBody } from '../catalog/page-body.ts';
import type { RowChangeRequest } from '../ingest/row-changes.ts';
import { movableExtents } from '../views/moved-view.ts';

let engine: EngineDatabase;
let cluster: DataFixture;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(() => engine.close());
afterEach(async () => {
  vi.restoreAllMocks();
  await cluster.close();
});

async function filled(pages: number): Promise<readonly [Guid, Guid]> {
  const paged = await openPaged(extentsPerPage * pages - 2, { engine });
  ({ cluster } = paged);
  await cluster.crash(); // no page is open
  return paged.real;
}

/** @returns how many extents are read out of pages while it works */
async function readWhile(work: () => Promise<unknown>): Promise<number> {
  const read = vi.spyOn(PageBody.prototype, 'extent');
  read.mockClear();
  await work();
  return read.mock.calls.length;
}

/** As a predicate over a range of values is asked. */
function change(where: string, min: bigint, max: bigint): RowChangeRequest {
  const uses: TableUses = { rows: [{ column: 'n', min, max }], summaries: [] };
  const request = sqlChange(engine, 'T', where);
  return {
    ...request,
    prepare: (tables) => request.prepare((database, table) => tables(database, table, uses)),
  };
}

describe.each([2, 8, 32])('of a table of %i pages of extents', (pages) => {
  it('a change of rows opens the pages that may have them, a drop by ids no more than the extents, a listing by id the same', async () => {
    const [first] = await filled(pages);
    const data = await cluster.data();
    /** Whole pages: that of the first row, and one with it where facts cover more; each perhaps read again for what stays. */
    const few = 4 * extentsPerPage;
    const read = await readWhile(() => data.changeRows(change('c1 = 1', 1n, 1n)));
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThanOrEqual(few);
    expect(await readBetween(cluster, [1n, 3n])).toEqual([2n, 3n]);
    const ids = await extentIds(cluster);
    expect(ids).not.toContain(first);
    const some = ids.filter((_id, at) => at % Math.ceil(ids.length / 10) === 0);
    await cluster.crash();
    const again = await cluster.data();
    expect(await readWhile(() => Promise.resolve(again.extents('db', undefined, some)))).toBeLessThanOrEqual(
      some.length,
    );
    const dropped = again.extents('db', undefined, some).map(({ extentId }) => extentId);
    expect(dropped.sort()).toEqual(some);
    // Each is looked up, and read once more to be written out of its page; ends of facts are asked of 32 of a page.
    const reads = await readWhile(() => again.dropExtents('db', undefined, { extentIds: some }));
    expect(reads).toBeLessThanOrEqual(some.length * 64);
    expect(await extentIds(cluster)).toHaveLength(ids.length - some.length);
  });
});

it('extents that are to move into a view are chosen without opening the others, and not when they are too many', async () => {
  const pages = 4;
  await filled(pages);
  const { tableId } = (await cluster.data()).table('db', 'T');
  const { image } = await cluster.catalog();
  const chosen = (after: number, max?: number) => () =>
    Promise.resolve().then(() => movableExtents(image, tableId, after, max));
  expect(await readWhile(chosen(started))).toBe(0);
  const max = extentsPerPage + 1;
  const read = await readWhile(() => expect(chosen(started - 1, max)()).rejects.toMatchObject({ code: 'InvalidView' }));
  expect(read).toBeLessThanOrEqual(max);
  expect(await chosen(started - 1)()).toHaveLength(extentsPerPage * pages);
});
