import { afterEach, describe, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { noQueries, openDataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { readRows } from '../../../tests/support/read-rows.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { instant } from '../../clock/clock.ts';
import { ClusterKey } from '../../encryption/cluster-key.ts';
import type { OpenedClusterData } from '../../database/open-cluster-data.ts';
import type { CatalogChangesReply } from '../messages/catalog-changes.ts';
import { CatalogFeeds } from '../supervisor/catalog-feeds.ts';
import { DatabaseKeyring } from './database-keyring.ts';
import { DataHolder, DataUnavailableError } from './data-holder.ts';
import { FollowedCatalog } from './followed-catalog.ts';
import { catalogWrite, createRemoteCatalogStore } from './remote-catalog-store.ts';

interface Pair {
  readonly writer: DataFixture;
  readonly reader: DataHolder;
  readonly data: () => Promise<OpenedClusterData>;
  /** How often it has read the whole catalog. */
  readonly loads: () => number;
  /** What is answered in place of changes. */
  readonly answers: { instead?: CatalogChangesReply; lost?: number };
}

const open: Pair[] = [];
afterEach(async () => {
  for (const { writer, reader } of open.splice(0)) {
    await reader.dispose();
    await writer.close();
  }
});

/** Two processes of one cluster, one of which only reads. */
async function pair(limits?: ConstructorParameters<typeof CatalogFeeds>[0]): Promise<Pair> {
  const known = {
    clusterId: newGuid(systemRandomBytes),
    databaseId: newGuid(systemRandomBytes),
    key: systemRandomBytes(32),
  };
  const { clusterId } = known;
  const feeds = new CatalogFeeds(limits);
  const writer = await openDataFixture({
    known,
    wrapStore: (store) => ({
      ...store,
      commit: async (writes, takesAway) => {
        const outcome = await store.commit(writes, takesAway);
        if (outcome.outcome === 'committed')
          feeds.note(
            clusterId,
            writes.map((write) => catalogWrite(clusterId, write.expect, write, undefined)),
          );
        return outcome;
      },
    }),
  });
  const answers: Pair['answers'] = {};
  let loads = 0;
  const store = createRemoteCatalogStore(writer.state, clusterId);
  const followed = new FollowedCatalog({
    ...{ clusterId, state: writer.state, secondLayer: () => Promise.resolve(undefined) },
    store: { ...store, load: (after) => ((loads += after === undefined ? 1 : 0), store.load(after)) },
    ask: ({ after }) => {
      const reply = feeds.read(clusterId, after);
      const { lost, instead } = answers;
      if (lost !== undefined && reply.outcome === 'changes')
        return Promise.resolve({ ...reply, records: reply.records.slice(lost) });
      return Promise.resolve(instead ?? reply);
    },
  });
  const key = ClusterKey.from(clusterId, Buffer.from(known.key));
  const reader = new DataHolder({
    ...{ clusterId, followed, store: followed.store, databaseKeys: new DatabaseKeyring() },
    current: () => ({ generation: 1, key }),
    randomBytes: systemRandomBytes,
    pause: () => Promise.resolve(),
  });
  reader.serveWith({
    ...{ endpoint: 'contoso', blobs: writer.blobs, engine: writer.engine, queries: noQueries },
    ...{ cacheBytesMax: 64 << 20, openBytesMax: 256 << 20 },
  });
  reader.tell(instant(Date.UTC(2026, 0, 1)));
  const made: Pair = {
    ...{ writer, reader, answers },
    loads: () => loads,
    data: async () => {
      const opened = await reader.data();
      await opened.setDatabases([writer.database]);
      return opened;
    },
  };
  open.push(made);
  return made;
}

const sorted = (rows: readonly unknown[]): string[] => rows.map((row) => String(row)).sort();

/** Rows of a table at both. */
async function both({ writer, data }: Pair, table: string) {
  const rows = await writer.rows(table);
  return { writer: sorted(rows), reader: sorted(await readRows(await data(), writer.engine, table)) };
}

async function expectSame(of: Pair, table: string, count: number): Promise<void> {
  const { writer, reader } = await both(of, table);
  expect(reader).toEqual(writer);
  expect(reader).toHaveLength(count);
}

describe('a process that reads the catalog of another', () => {
  it('has each acknowledged row at once: of the log, of extents, of merged ones, and after a table is emptied or dropped', async () => {
    const of = await pair();
    const { writer } = of;
    await writer.table('T', { n: 'long', s: 'string' });
    let rows = 0;
    for (let round = 0; round < 30; round += 1) {
      await writer.ingest('T', 'csv', `${round},a\n${round},b`);
      rows += 2;
      await expectSame(of, 'T', rows);
      if (round % 4 === 3) await (await writer.data()).flush('db', 'T');
      if (round % 10 === 9)
        await writer.ingest('T', 'csv', Array.from({ length: 9_000 }, (_, n) => `${n},c`).join('\n'), {
          kind: 'inline',
        });
      if (round % 10 === 9) rows += 9_000;
      await expectSame(of, 'T', rows);
    }
    await (await writer.data()).maintain({ droppedDatabases: [], destructionHeld: false });
    await expectSame(of, 'T', rows);
    const columns = [...(await writer.data()).table('db', 'T').columns.map(({ name, type }) => ({ name, type }))];
    await (await writer.data()).alterTable('db', { name: 'T', columns: [...columns, { name: 'more', type: 'int' }] });
    expect((await of.data()).table('db', 'T').columns).toHaveLength(3);
    await expectSame(of, 'T', rows);
    await (await writer.data()).clearTable('db', 'T');
    await expectSame(of, 'T', 0);
    await writer.ingest('T', 'csv', '7,z');
    await expectSame(of, 'T', 1);
    await (await writer.data()).dropTables('db', ['T'], false);
    expect((await of.data()).database('db').tables.has('T')).toBe(false);
    expect(of.loads()).toBe(1);
  });

  it('reads a catalog as of one moment, however much is written meanwhile', async () => {
    const of = await pair();
    await of.writer.table('T', { n: 'long' });
    const written: Promise<unknown>[] = [];
    for (let n = 0; n < 20; n += 1) written.push(of.writer.ingest('T', 'csv', String(n)));
    const first = of.data();
    for (let n = 20; n < 40; n += 1) written.push(of.writer.ingest('T', 'csv', String(n)));
    await first;
    await Promise.all(written);
    await expectSame(of, 'T', 40);
  });

  it('reads it anew where it was left behind, and where a commit is missing', async () => {
    const of = await pair({ recordsMax: 40, charactersMax: 1 << 20 });
    await of.writer.table('T', { n: 'long' });
    await expectSame(of, 'T', 0);
    for (let n = 0; n < 40; n += 1) await of.writer.ingest('T', 'csv', String(n));
    await expectSame(of, 'T', 40);
    expect(of.loads()).toBe(2);
    await of.writer.ingest('T', 'csv', '40');
    await of.writer.ingest('T', 'csv', '41');
    of.answers.lost = 1;
    await of.data().catch(() => undefined);
    delete of.answers.lost;
    await expectSame(of, 'T', 42);
    expect(of.loads()).toBeGreaterThan(2);
  });

  it('opens extents that came in the place of merged ones', async () => {
    const of = await pair();
    await of.writer.table('T', { n: 'long' });
    const text = (from: number) => Array.from({ length: 5 }, (_, n) => String(from + n)).join('\n');
    for (let n = 0; n < 4; n += 1) {
      await of.writer.ingest('T', 'csv', text(n * 5));
      await (await of.writer.data()).flush('db', 'T');
    }
    const data = await of.data(); // as a query that was let in before the merge
    const before = data.extents('db', 'T').length;
    await (await of.writer.data()).maintain({ droppedDatabases: [], destructionHeld: false });
    expect(before).toBe(4);
    expect(sorted(await readRows(data, of.writer.engine, 'T'))).toHaveLength(20);
  });

  it('changes nothing, and is over when it may read no more', async () => {
    const of = await pair();
    await of.writer.table('T', { n: 'long' });
    const data = await of.data();
    await expect(data.createTables('db', [{ name: 'U', columns: [{ name: 'n', type: 'long' }] }])).rejects.toThrow();
    await expectSame(of, 'T', 0);
    of.answers.instead = { outcome: 'ended' };
    await expect(of.data()).rejects.toThrow(DataUnavailableError);
  });
});
