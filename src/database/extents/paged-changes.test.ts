import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DataFixture, DataFixtureOptions } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture, openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import { copyAs, extentIds, openPaged, pack, readBetween, storedWith } from '../../../tests/support/paged-extents.ts';
import type { Guid } from '../../base/guid.ts';
import { clusterCatalogTable } from '../../cluster/process/remote-catalog-store.ts';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import { listAll } from '../../state/list-all.ts';
import { extentsPerPage } from '../catalog/extent-page.ts';
import type { ExtentPageRecord } from '../catalog/records.ts';
import type { ExtentMoveRequest } from './extent-moves.ts';
import { columnName } from './tail-table.ts';

const copies = 600;
/** What a commit may write anew. */
const pagesMax = 8;
let engine: EngineDatabase;
let cluster: DataFixture;
/** The extents that have rows. */
let real: readonly [Guid, Guid];
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(() => engine.close());
afterEach(() => cluster.close());

async function packed(options: DataFixtureOptions = {}): Promise<void> {
  ({ cluster, real } = await openPaged(copies, { engine, ...options }));
}
const rows = (table?: string): Promise<unknown[]> => readBetween(cluster, [1n, 3n], table);
const pages = async (): Promise<readonly ExtentPageRecord[]> =>
  [...(await cluster.catalog()).image.everything()].flatMap((record) => (record.kind === 'extentPage' ? record : []));

/** All but the two that have rows. */
async function dropCopies(): Promise<void> {
  const gone = (await extentIds(cluster)).filter((id) => !real.includes(id));
  await (await cluster.data()).dropExtents('db', 'T', { extentIds: gone });
}

describe('pages of a database that gets a key of its own', () => {
  it('have no values of rows, and open with the keys of now', async () => {
    await packed();
    const before = await extentIds(cluster);
    expect((await pages()).every(({ facts }) => facts.ranges[1] !== undefined)).toBe(true);
    await cluster.changeCustody({ ownKey: true });
    const found = await pages();
    expect(found).toHaveLength(2);
    for (const { facts } of found) expect([facts.ranges, facts.texts, facts.nulls]).toEqual([{}, {}, {}]);
    await cluster.crash();
    expect(await extentIds(cluster)).toEqual(before);
    await cluster.changeCustody({ ownKey: true }); // another one
    await cluster.changeCustody(); // of the cluster alone
    expect(await extentIds(cluster)).toEqual(before);
    // Now a query reads all: nothing is known of their values.
    await dropCopies();
    expect(await rows()).toEqual([1n, 2n, 3n]);
    await cluster.crash();
    expect(await rows()).toEqual([1n, 2n, 3n]);
    await cluster.changeCustody({ ownKey: false });
    await cluster.crash();
    expect(await rows()).toEqual([1n, 2n, 3n]);
    expect(await extentIds(cluster)).toEqual([...real].sort());
  });
});

describe('pages of a cluster with double encryption', () => {
  it('lie under both layers, also after a change of custody', async () => {
    await packed({ doubleEncryption: true });
    const before = await extentIds(cluster);
    const isTwice = async (): Promise<readonly boolean[]> =>
      (await listAll(cluster.state, clusterCatalogTable, `${cluster.clusterId}/`))
        .filter(({ id }) => id.includes('/g/'))
        .map(({ value }) => value.twice === true);
    expect(await isTwice()).toEqual([true, true]);
    await cluster.crash();
    expect(await extentIds(cluster)).toEqual(before);
    expect(await rows()).toEqual([1n, 2n, 3n]);
    await cluster.changeCustody();
    await cluster.crash();
    expect(await isTwice()).toEqual([true, true]);
    expect(await extentIds(cluster)).toEqual(before);
    expect(await rows()).toEqual([1n, 2n, 3n]);
  });
});

describe('extents in pages', () => {
  const move = async (
    table: string,
    chosen: Awaited<ReturnType<ExtentMoveRequest['choose']>>,
  ): Promise<readonly unknown[]> =>
    (await cluster.data()).moveExtents({
      ...{ database: 'db', table, only: () => true, newIngestionTime: false },
      choose: () => Promise.resolve(chosen),
    });

  it('are moved to another table, some and all', async () => {
    await packed();
    await cluster.table('U', { n: 'long' });
    const [first = real[0]] = (await extentIds(cluster)).filter((id) => !real.includes(id));
    await move('U', { dropped: [], moved: [{ table: 'T', extentIds: [real[0], first] }] });
    expect([await extentIds(cluster), await extentIds(cluster, 'U')].map(({ length }) => length)).toEqual([copies, 2]);
    expect(await rows()).toEqual([2n, 3n]);
    await cluster.crash();
    expect(await rows('U')).toEqual([1n]);
    await move('U', { dropped: [], moved: [{ table: 'T', extentIds: 'all' }] });
    await cluster.crash();
    expect([await extentIds(cluster), await extentIds(cluster, 'U')].map(({ length }) => length)).toEqual([
      0,
      copies + 2,
    ]);
    expect(await rows('U')).toEqual([1n, 2n, 3n]);
    expect(await storedWith(cluster, 'g/')).toBe(0);
  });

  it('are replaced by those of another table', async () => {
    await packed();
    await cluster.table('U', { n: 'long' });
    await cluster.ingest('U', 'csv', '3', { kind: 'inline' });
    await move('T', { dropped: [real[1]], moved: [{ table: 'U', extentIds: 'all' }] });
    expect(await rows()).toEqual([1n, 3n]);
    await cluster.crash();
    expect(await rows()).toEqual([1n, 3n]);
    expect(await extentIds(cluster)).toHaveLength(copies + 2);
    expect(await extentIds(cluster, 'U')).toEqual([]);
  });

  it('are purged, and the others of their page stay in it', async () => {
    await packed();
    await dropCopies();
    const data = await cluster.data();
    const { columns } = data.table('db', 'T');
    const sql = `${columnName(columns[0]?.columnId ?? 0)} = 2`;
    expect(await data.purge('db', 'T', { sql, bound: [] })).toBe(1);
    expect(await rows()).toEqual([1n, 3n]);
    await cluster.crash();
    expect(await rows()).toEqual([1n, 3n]);
    expect(await storedWith(cluster, 'g/')).toBe(1);
    expect(await extentIds(cluster)).toContain(real[0]);
    expect(await extentIds(cluster)).not.toContain(real[1]);
  });

  it('are merged when the policy has become one by which they may be', async () => {
    cluster = await openDataFixture({ engine });
    await cluster.table('T', { n: 'long' });
    const data = await cluster.data();
    await data.setPolicy('db', 'T', 'merge', { AllowMerge: false });
    const some = 12;
    for (let n = 1; n <= some; n += 1) await cluster.ingest('T', 'csv', `${n}`, { kind: 'inline' });
    const rowsOf = await extentIds(cluster);
    await cluster.manyExtents(512 - some, copyAs(cluster.clusterId));
    await pack(cluster);
    expect([await storedWith(cluster, 'g/'), await storedWith(cluster, 'e/')]).toEqual([2, 0]);
    const gone = (await extentIds(cluster)).filter((id) => !rowsOf.includes(id));
    await (await cluster.data()).dropExtents('db', 'T', { extentIds: gone });
    await pack(cluster);
    expect(await extentIds(cluster)).toEqual(rowsOf);
    await (await cluster.data()).setPolicy('db', 'T', 'merge', { AllowMerge: true });
    await pack(cluster);
    expect((await extentIds(cluster)).length).toBeLessThan(some / 2);
    const all = Array.from({ length: some }, (_value, index) => BigInt(index + 1));
    expect(await readBetween(cluster, [1n, BigInt(some)])).toEqual(all);
    await cluster.crash();
    expect(await readBetween(cluster, [1n, BigInt(some)])).toEqual(all);
  });
});

describe('extents of many pages', () => {
  const many = extentsPerPage * 12;
  /** Pages that each commit has written anew, or removed. */
  let written: number[];
  async function filled(): Promise<readonly ExtentPageRecord[]> {
    written = [];
    ({ cluster, real } = await openPaged(many - 2, {
      engine,
      wrapStore: (store) => ({
        ...store,
        commit: (writes, takesAway) => {
          const count = writes.filter(({ id, expect: before }) => id.startsWith('g/') && before !== null).length;
          if (count > 0) written.push(count);
          return store.commit(writes, takesAway);
        },
      }),
    }));
    written = [];
    return pages();
  }
  /** One of each page, and not the next ones of one after the other. */
  async function scattered(all: readonly ExtentPageRecord[]): Promise<Guid[]> {
    const { image } = await cluster.catalog();
    const each = all.map((page) => image.pages.opened(page).map(({ extentId }) => extentId));
    return [0, 100, 200].flatMap((place) =>
      each.flatMap((ids) => {
        const id = ids[place];
        return id === undefined || real.includes(id) ? [] : [id];
      }),
    );
  }

  it('are dropped together, each page written once, a few in a commit', async () => {
    const all = await filled();
    expect(all).toHaveLength(12);
    const gone = await scattered(all);
    const before = await extentIds(cluster);
    const data = await cluster.data();
    const [alone, together] = [gone.slice(0, 12), gone.slice(12)];
    // Many who ask at once share commits.
    await Promise.all(alone.map((id) => data.dropExtents('db', 'T', { extentIds: [id] })));
    expect(Math.max(...written)).toBeLessThanOrEqual(pagesMax);
    expect(written.length).toBeLessThan(alone.length);
    written = [];
    const dropped = await data.dropExtents('db', 'T', { extentIds: together });
    expect(dropped.map(({ extentId }) => extentId).sort()).toEqual([...together].sort());
    expect(written).toEqual([pagesMax, 4]);
    const left = before.filter((id) => !gone.includes(id));
    expect(await extentIds(cluster)).toEqual(left);
    await cluster.crash();
    expect(await extentIds(cluster)).toEqual(left);
    expect(await rows()).toEqual([1n, 2n, 3n]);
  });

  it('are changed in one commit once they have records of their own', async () => {
    const all = await filled();
    const chosen = await scattered(all);
    const changed = await (
      await cluster.data()
    ).tagExtents({
      ...{ database: 'db', table: 'T' },
      choose: () => Promise.resolve(new Map(chosen.map((id) => [id, ['other']]))),
    });
    expect(changed).toHaveLength(chosen.length);
    expect(written).toEqual([pagesMax, 4]);
    await cluster.crash();
    const views = (await cluster.data()).extents('db', 'T');
    expect(views.filter(({ tags }) => tags.includes('other'))).toHaveLength(chosen.length);
    expect(views).toHaveLength(many);
    expect(await rows()).toEqual([1n, 2n, 3n]);
  });
});
