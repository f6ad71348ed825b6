import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CatalogPair } from '../../../tests/support/catalog-pair.ts';
import { openCatalogPair } from '../../../tests/support/catalog-pair.ts';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture, openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import {
  copyAs,
  extentIds,
  fillTable,
  pack as packNow,
  readBetween,
  storedWith,
} from '../../../tests/support/paged-extents.ts';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import type { CatalogStore, StoredCatalogRecord } from '../catalog/catalog-store.ts';

const copies = 600;
const day = 86_400_000;
let engine: EngineDatabase;
let cluster: DataFixture;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(() => engine.close());

async function filled(wrapStore?: (store: CatalogStore) => CatalogStore): Promise<void> {
  cluster = await openDataFixture({ engine, ...(wrapStore && { wrapStore }) });
  await fillTable(cluster, copies);
}

const pack = (): Promise<void> => packNow(cluster);
const stored = (prefix: string): Promise<number> => storedWith(cluster, prefix);
const idsNow = (): Promise<string[]> => extentIds(cluster);
const between = (min: bigint, max: bigint): Promise<unknown[]> => readBetween(cluster, [min, max]);

async function readable(): Promise<void> {
  expect(await between(1n, 3n)).toEqual([1n, 2n, 3n]);
}

describe('extents in pages', () => {
  beforeEach(() => filled());
  afterEach(() => cluster.close());

  it('are the same to whoever reads the catalog, now and in the next process', async () => {
    const before = await idsNow();
    expect(before).toHaveLength(copies + 2);
    await (await cluster.data()).maintain();
    expect(await stored('g/')).toBe(0); // nobody said that all nodes know of them
    await pack();
    expect([await stored('g/'), await stored('e/')]).toEqual([2, copies + 2 - 512]);
    expect(await idsNow()).toEqual(before);
    await readable();
    await cluster.crash();
    expect(await idsNow()).toEqual(before);
    await readable();
    const { rowCount, extentCount } = (await cluster.data()).tableStatistics('db', 'T');
    expect([rowCount, extentCount]).toEqual([copies + 3, copies + 2]);
    await pack();
    expect(await stored('g/')).toBe(2);
  });

  it('keep their keys through a change of custody', async () => {
    await pack();
    const before = await idsNow();
    await cluster.changeCustody();
    await readable();
    await cluster.crash();
    expect(await idsNow()).toEqual(before);
    await readable();
    await pack();
    await readable(); // nothing that a page names was taken for garbage
  });

  it('go one by one, and the others stay', async () => {
    await pack();
    const data = await cluster.data();
    const before = await idsNow();
    const gone = before.slice(0, 40) as never[];
    const real = data.extents('db', 'T').filter(({ rowCount }) => rowCount === 2);
    await data.dropExtents('db', 'T', { extentIds: gone.filter((id) => id !== real[0]?.extentId) });
    const left = before.filter((id) => !gone.includes(id as never) || id === real[0]?.extentId);
    expect(await idsNow()).toEqual(left);
    await cluster.crash();
    expect(await idsNow()).toEqual(left);
    await expect((await cluster.data()).dropExtents('db', 'T', { extentIds: gone })).rejects.toMatchObject({
      code: 'ExtentNotFound',
    });
  });

  it('go by their tags, and get others', async () => {
    await pack();
    const data = await cluster.data();
    const tagged = data.extents('db', 'T').filter(({ tags }) => tags.length > 0);
    expect(tagged).toHaveLength(6);
    const changed = await data.tagExtents({
      ...{ database: 'db', table: 'T' },
      choose: () => Promise.resolve(new Map(tagged.slice(0, 2).map(({ extentId }) => [extentId, ['other']]))),
    });
    expect(changed).toHaveLength(2);
    await cluster.crash();
    const again = await cluster.data();
    expect(again.extents('db', 'T').filter(({ tags }) => tags.includes('other'))).toHaveLength(2);
    expect(again.extents('db', 'T')).toHaveLength(copies + 2);
    await again.dropExtents('db', 'T', { tags: ['other'] });
    expect(again.extents('db', 'T')).toHaveLength(copies);
  });

  it('are dropped with their table, come back with it, and are swept', async () => {
    await pack();
    const before = await idsNow();
    const data = await cluster.data();
    const { schemaVersion } = data.database('db');
    await data.dropTables('db', ['T'], false);
    await cluster.crash();
    const again = await cluster.data();
    expect(again.database('db').tables.has('T')).toBe(false);
    const [dropped] = again.droppedTables('db');
    await again.undoDropTable('db', 'T', dropped?.schemaVersion ?? schemaVersion);
    expect(await idsNow()).toEqual(before);
    await readable();
    await again.clearTable('db', 'T');
    expect(await idsNow()).toEqual([]);
    await again.maintain();
    expect([await stored('g/'), await stored('e/')]).toEqual([0, 0]);
  });

  it('go when they are past their retention', async () => {
    await pack();
    const data = await cluster.data();
    await data.setPolicy('db', 'T', 'retention', { SoftDeletePeriod: '10.00:00:00', Recoverability: 'Disabled' });
    cluster.advance(11 * day);
    expect(await between(1n, 3n)).toEqual([]);
    await data.maintain();
    expect(data.upkeepProblems()).toEqual([]);
    expect([await stored('g/'), await stored('e/')]).toEqual([0, 0]);
  });
});

describe('a page', () => {
  afterEach(() => cluster.close());

  /** What the store gives in the place of what it has, by id; null: nothing. */
  type Instead = ReadonlyMap<string, StoredCatalogRecord | null>;
  async function packed(): Promise<{ instead: Instead; pages: () => Promise<StoredCatalogRecord[]> }> {
    const given: { instead: Instead; pages: () => Promise<StoredCatalogRecord[]> } = {
      instead: new Map(),
      pages: () => Promise.resolve([]),
    };
    await filled((store) => {
      given.pages = async () => {
        const found: StoredCatalogRecord[] = [];
        for (let after: string | undefined; ;) {
          const page = await store.load(after);
          found.push(...page.filter(({ id }) => id.startsWith('g/')));
          after = page.at(-1)?.id;
          if (after === undefined) return found;
        }
      };
      const load: CatalogStore['load'] = async (after) =>
        (await store.load(after)).flatMap((record) => {
          const other = given.instead.get(record.id);
          return other === null ? [] : [other ?? record];
        });
      return { ...store, load };
    });
    await pack();
    return given;
  }

  it('that is not the one that was written last, or as it was written, is found', async () => {
    const given = await packed();
    const old = await given.pages();
    await (await cluster.data()).dropExtents('db', 'T', { tags: ['drop-by:1100'] });
    const now = await given.pages();
    const before = old.find(({ id, sealed }) =>
      now.some((page) => page.id === id && page.sealed.revision > sealed.revision),
    );
    const [first, second] = now;
    if (before === undefined || first === undefined || second === undefined) throw new Error('a page is written anew');
    const bytes = Buffer.from(first.sealed.bytes);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    const damages: readonly (readonly [string, StoredCatalogRecord | null])[] = [
      [before.id, before],
      [first.id, null],
      [first.id, { ...first, sealed: { ...first.sealed, bytes } }],
      [first.id, { ...first, sealed: { ...first.sealed, bytes: first.sealed.bytes.subarray(0, -1) } }],
      [first.id, { ...first, sealed: second.sealed }],
    ];
    for (const damage of damages) {
      given.instead = new Map([damage]);
      await expect(cluster.crash()).rejects.toMatchObject({ name: 'CatalogDamagedError' });
    }
    given.instead = new Map();
    await cluster.crash();
    expect(await idsNow()).toHaveLength(copies + 1);
  });
});

describe('a commit that packs', () => {
  afterEach(() => cluster.close());

  it.each(['before it is durable', 'after it is durable'])(
    'and whose process ends %s leaves every extent once',
    async (when) => {
      const broken = { isOn: false };
      await filled((store) => ({
        ...store,
        commit: async (writes, takesAway) => {
          if (!broken.isOn || !writes.some(({ id }) => id.startsWith('g/'))) return store.commit(writes, takesAway);
          broken.isOn = false;
          if (when === 'after it is durable') await store.commit(writes, takesAway);
          throw new Error('the process ends');
        },
      }));
      const before = await idsNow();
      broken.isOn = true;
      await (await cluster.data()).maintain({ packsExtents: true }).catch(() => undefined);
      await cluster.crash();
      expect(await idsNow()).toEqual(before);
      expect(await stored('g/')).toBe(when === 'after it is durable' ? 2 : 0);
      await pack();
      expect(await idsNow()).toEqual(before);
      expect(await stored('g/')).toBe(2);
      await readable();
    },
  );
});

describe('a process that only reads', () => {
  it('follows extents into pages and out of them', async () => {
    const pair: CatalogPair = await openCatalogPair();
    try {
      cluster = pair.writer;
      await cluster.table('T', { n: 'long' });
      await cluster.ingest('T', 'csv', '1', { kind: 'inline' });
      await cluster.manyExtents(copies, copyAs(cluster.clusterId));
      const data = await cluster.data();
      await data.setPolicy('db', 'T', 'merge', { AllowMerge: false });
      const known = async (): Promise<string[]> => {
        await (
          await pair.asked()
        ).isCurrent;
        const reader = await pair.data();
        return reader
          .extents('db', 'T')
          .map(({ extentId }) => extentId)
          .sort();
      };
      const before = await known();
      expect(before).toHaveLength(copies + 1);
      await data.maintain({ packsExtents: true });
      expect(await stored('g/')).toBe(2);
      expect(await known()).toEqual(before);
      await data.dropExtents('db', 'T', { extentIds: before.slice(0, 20) as never[] });
      expect(await known()).toEqual(before.slice(20));
      expect(await known()).toEqual(await idsNow());
    } finally {
      await pair.close();
    }
  });
});
