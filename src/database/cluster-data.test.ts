import { afterEach, describe, expect, it } from 'vitest';
import type { DataFixture } from '../../tests/support/cluster-data-fixture.ts';
import { openDataFixture, started } from '../../tests/support/cluster-data-fixture.ts';
import { readRows } from '../../tests/support/read-rows.ts';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import { instant } from '../clock/clock.ts';
import type { RowStatement } from '../kql/query-engine.ts';
import type { TableUses } from '../kql/scan-ranges.ts';
import { MemoryBlobStore } from '../storage/memory/memory-blob-store.ts';
import type { CatalogStore } from './catalog/catalog-store.ts';

const open: DataFixture[] = [];
const fixture = async (...args: Parameters<typeof openDataFixture>): Promise<DataFixture> => {
  const made = await openDataFixture(...args);
  open.push(made);
  return made;
};
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const everyType = {
  b: 'bool',
  i: 'int',
  l: 'long',
  r: 'real',
  d: 'decimal',
  t: 'datetime',
  s: 'timespan',
  g: 'guid',
  x: 'string',
  j: 'dynamic',
} as const;
const everyTypeCsv = [
  'true,1,9007199254740993,1.5,12.000000000000000001,2024-02-29T12:34:56.1234567Z,1.02:03:04.5,74be27de-1e4e-49d9-b579-fe0b331d3642,"a ""b""","{""k"": [1, 2.0]}"',
  ',,,,,,,,,',
].join('\n');
const everyTypeRows = [
  [
    true,
    1,
    9007199254740993n,
    1.5,
    '12.000000000000000001',
    638448068961234567n,
    937845000000n,
    '74be27de-1e4e-49d9-b579-fe0b331d3642',
    'a "b"',
    '{"k":[1,2.0]}',
  ],
  [null, null, null, null, null, null, null, null, '', null],
];

describe('ingested rows', () => {
  it('are read from the log, after a crash, and from an extent', async () => {
    const cluster = await fixture();
    await cluster.table('T', everyType);
    expect(await cluster.ingest('T', 'csv', everyTypeCsv)).toEqual({
      rowCount: 2,
      extentId: undefined,
      repeated: false,
    });
    expect(await cluster.rows('T')).toEqual(everyTypeRows);
    await cluster.crash();
    expect(await cluster.rows('T')).toEqual(everyTypeRows);
    const data = await cluster.data();
    expect(data.extents('db', 'T')).toEqual([]);
    await data.flush('db', 'T');
    expect(data.extents('db', 'T')).toMatchObject([{ rowCount: 2 }]);
    expect(await cluster.rows('T')).toEqual(everyTypeRows);
    await cluster.crash();
    expect(await cluster.rows('T')).toEqual(everyTypeRows);
  });

  it('become an extent at once when they are many, or inline', async () => {
    const cluster = await fixture();
    await cluster.table('T', { n: 'long', s: 'string' });
    const many = Array.from({ length: 20_000 }, (_value, index) => `${index},row ${index}`).join('\n');
    const first = await cluster.ingest('T', 'csv', many);
    const second = await cluster.ingest('T', 'csv', '-1,inline', { kind: 'inline' });
    const data = await cluster.data();
    expect(data.extents('db', 'T').map(({ extentId }) => extentId)).toEqual([first.extentId, second.extentId]);
    await cluster.crash();
    const rows = await cluster.rows('T', 'n');
    expect([rows.length, rows[0], rows.at(-1)]).toEqual([20_001, [-1n, 'inline'], [19_999n, 'row 19999']]);
  });

  it('are there once when the same request comes again, also after a crash and after a merge', async () => {
    const cluster = await fixture();
    await cluster.table('T', { n: 'long' });
    const send = (text: string, requestId: string) => cluster.ingest('T', 'csv', text, { requestId });
    const both = await Promise.all([send('1', 'a'), send('1', 'a')]);
    expect(both.map(({ repeated }) => repeated).sort()).toEqual([false, true]);
    await cluster.crash();
    expect(await send('1', 'a')).toMatchObject({ repeated: true, rowCount: 1 });
    expect(await send('2', 'a')).toMatchObject({ repeated: false });
    expect(await send('1', 'b')).toMatchObject({ repeated: false });
    await (await cluster.data()).flush('db', 'T');
    expect(await send('1', 'b')).toMatchObject({ repeated: true });
    await cluster.crash();
    expect(await send('1', 'b')).toMatchObject({ repeated: true });
    const large = Array.from({ length: 30_000 }, () => '7777').join('\n');
    expect(await send(large, 'c')).toMatchObject({ repeated: false });
    await cluster.crash();
    expect(await send(large, 'c')).toMatchObject({ repeated: true, rowCount: 30_000 });
    expect((await cluster.rows('T')).length).toBe(30_003);
  });

  it('are none at all when one of them is malformed', async () => {
    const cluster = await fixture();
    await cluster.table('T', { n: 'long', s: 'string' });
    await expect(cluster.ingest('T', 'csv', '1,a\n2,"b')).rejects.toMatchObject({
      code: 'MalformedData',
      position: { line: 2, column: 3 },
    });
    await expect(cluster.ingest('T', 'json', '{"n":1}\n{"n":2,}')).rejects.toMatchObject({
      code: 'MalformedData',
      position: { line: 2, column: 8 },
    });
    expect(await cluster.rows('T')).toEqual([]);
  });

  it('need the streaming policy, a known table, database, format and mapping, and no more than 4 MiB', async () => {
    const cluster = await fixture();
    await cluster.table('T', { n: 'long' });
    const code = (promise: Promise<unknown>) =>
      promise.then(
        () => 'none',
        (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
      );
    const data = await cluster.data();
    await data.createTables('db', [{ name: 'off', columns: [{ name: 'n', type: 'long' }] }]);
    expect(await code(cluster.ingest('off', 'csv', '1'))).toBe('StreamingDisabled');
    await data.setPolicy('db', undefined, 'streamingingestion', { IsEnabled: true, HintAllocatedRate: null });
    expect(await code(cluster.ingest('off', 'csv', '1'))).toBe('none');
    expect(await code(cluster.ingest('nope', 'csv', '1'))).toBe('TableNotFound');
    expect(await code(cluster.ingest('T', 'csv', '1', { database: 'nope' }))).toBe('DatabaseNotFound');
    expect(await code(cluster.ingest('T', 'sstream', '1'))).toBe('FormatNotSupported');
    expect(await code(cluster.ingest('T', 'csv', '1', { mappingName: 'nope' }))).toBe('MappingNotFound');
    expect(await code(cluster.ingest('T', 'csv', 'x'.repeat(4 * 1024 * 1024 + 1)))).toBe('PayloadTooLarge');
  });

  it('that were acknowledged one by one survive, are committed in groups, and are merged', async () => {
    const cluster = await fixture({ wrapStore: counted });
    await cluster.table('T', { n: 'long' });
    commits.count = 0;
    await Promise.all(Array.from({ length: 2_000 }, (_value, index) => cluster.ingest('T', 'csv', String(index))));
    expect(commits.count).toBeLessThan(50);
    await cluster.crash();
    const data = await cluster.data();
    await data.maintain();
    expect(data.extents('db', 'T')).toMatchObject([{ rowCount: 2_000 }]);
    const rows = await cluster.rows('T', 'n');
    expect(rows.map(([n]) => n)).toEqual(Array.from({ length: 2_000 }, (_value, index) => BigInt(index)));
  });
});

const commits = { count: 0 };
const counted = (store: CatalogStore): CatalogStore => ({
  ...store,
  commit: (writes) => {
    commits.count += 1;
    return store.commit(writes);
  },
});

describe('extents', () => {
  it('go when their retention is over, and count as cold before', async () => {
    const cluster = await fixture();
    await cluster.table('T', { n: 'long' });
    const data = await cluster.data();
    await data.setPolicy('db', 'T', 'retention', { SoftDeletePeriod: '10.00:00:00', Recoverability: 'Enabled' });
    await data.setPolicy('db', undefined, 'caching', { DataHotSpan: '2.00:00:00', IndexHotSpan: '2.00:00:00' });
    await cluster.ingest('T', 'csv', '1', { kind: 'inline' });
    cluster.advance(3 * 86_400_000);
    expect(data.extents('db', 'T').map(({ hot, maxCreatedOn }) => [hot, maxCreatedOn])).toEqual([[false, started]]);
    await cluster.ingest('T', 'csv', '2', { kind: 'inline' });
    cluster.advance(8 * 86_400_000);
    expect(await cluster.rows('T')).toEqual([[2n]]);
    await data.maintain();
    expect(data.extents('db', 'T').length).toBe(1);
    expect(await blobCount(cluster)).toBe(1);
  });

  it('are merged when they are many and small, and their blobs go', async () => {
    const cluster = await fixture();
    await cluster.table('T', { n: 'long' });
    for (let n = 0; n < 10; n += 1)
      await cluster.ingest('T', 'csv', String(n), { kind: 'inline', tags: [`t${n % 2}`] });
    const data = await cluster.data();
    await data.setPolicy('db', 'T', 'merge', { AllowMerge: false });
    await data.maintain();
    expect(data.extents('db', 'T').length).toBe(10);
    await data.setPolicy('db', 'T', 'merge', null);
    await data.maintain();
    expect(data.extents('db', 'T')).toMatchObject([{ rowCount: 10, tags: ['t0', 't1'] }]);
    expect(await blobCount(cluster)).toBe(1);
    expect((await cluster.rows('T', 'n')).map(([n]) => n)).toEqual([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n]);
  });

  it('can be dropped, cleared, replaced and purged', async () => {
    const cluster = await fixture();
    await cluster.table('T', { n: 'long', s: 'string' });
    const data = await cluster.data();
    for (const n of [1, 2, 3])
      await cluster.ingest('T', 'csv', `${n},a\n${n}0,b`, { kind: 'inline', tags: [`tag ${n}`] });
    expect((await data.dropExtents('db', 'T', { tags: ['tag 2'] })).map(({ rowCount }) => rowCount)).toEqual([2]);
    await cluster.ingest('T', 'csv', '100,b');
    const source = await data.sources().open('db', 'T');
    const column = source.columns.get('s');
    source.release();
    expect(await data.purge('db', 'T', { sql: `${column} = $v1::VARCHAR`, bound: [{ name: 'v1', value: 'b' }] })).toBe(
      3,
    );
    expect(await cluster.rows('T', 'n')).toEqual([
      [1n, 'a'],
      [3n, 'a'],
    ]);
    const append = {
      database: 'db',
      table: 'T',
      rows: {
        kind: 'sql',
        columns: data.table('db', 'T').columns,
        sql: 'SELECT i, NULL::VARCHAR FROM range($v1::BIGINT) AS t(i)',
        bound: [{ name: 'v1', value: 2n }],
      },
    } as const;
    expect((await data.append({ ...append, replace: true })).extent?.rowCount).toBe(2);
    expect(await cluster.rows('T', 'n')).toEqual([
      [0n, ''],
      [1n, ''],
    ]);
    await cluster.ingest('T', 'csv', '5,c');
    await data.clearTable('db', 'T');
    expect(await cluster.rows('T')).toEqual([]);
    await cluster.crash();
    expect(await cluster.rows('T')).toEqual([]);
    expect(await blobCount(cluster)).toBe(0);
  });

  it('take rows of a statement on its own connection', async () => {
    const cluster = await fixture();
    await cluster.table('T', everyType);
    const data = await cluster.data();
    const columns = data.table('db', 'T').columns;
    await cluster.table('Source', everyType);
    await cluster.ingest('Source', 'csv', everyTypeCsv, { kind: 'inline' });
    const statement: Pick<RowStatement, 'columns' | 'run'> = {
      columns,
      run: async (use) => {
        const source = await data.sources().open('db', 'Source');
        const connection = await cluster.engine.connect();
        try {
          const names = columns.map(({ name }) => source.columns.get(name) ?? 'NULL').join(', ');
          return await use(connection, { sql: `SELECT ${names} FROM ${source.sql}`, bound: [] });
        } finally {
          connection.close();
          source.release();
        }
      },
    };
    const rows = { kind: 'statement', statement } as const;
    const { extent } = await data.append({ database: 'db', table: 'T', rows, replace: false });
    expect(extent?.rowCount).toBe(2);
    expect(await cluster.rows('T')).toEqual(everyTypeRows);
    const wrong = { ...rows, statement: { ...statement, columns: columns.slice(1) } };
    await expect(data.append({ database: 'db', table: 'T', rows: wrong, replace: false })).rejects.toMatchObject({
      code: 'InvalidSchema',
    });
  });

  it('come back when they are exported and imported', async () => {
    const cluster = await fixture();
    await cluster.table('T', everyType);
    await cluster.ingest('T', 'csv', everyTypeCsv, { kind: 'inline' });
    const data = await cluster.data();
    const [extent] = data.extents('db', 'T');
    const exported = await data.exportExtent('db', extent?.extentId ?? data.table('db', 'T').tableId);
    const pieces: Uint8Array[] = [];
    for await (const piece of exported.bytes) pieces.push(Buffer.from(piece));
    await data.clearTable('db', 'T');
    async function* bytes() {
      yield await Promise.resolve(Buffer.concat(pieces));
    }
    expect(
      await data.importExtent('db', 'T', { bytes: bytes(), encryptionData: exported.encryptionData }),
    ).toMatchObject({ rowCount: 2 });
    expect(await cluster.rows('T')).toEqual(everyTypeRows);
    expect(await blobCount(cluster)).toBe(1);
  });

  it('that cannot hold what a query looks for are not opened', async () => {
    const cluster = await fixture();
    await cluster.table('T', { n: 'long' });
    await cluster.ingest('T', 'csv', '1\n5', { kind: 'inline' });
    await cluster.ingest('T', 'csv', '10\n', { kind: 'inline' });
    const data = await cluster.data();
    const opened = async (rows: TableUses['rows']): Promise<number> => {
      const source = await data.sources().open('db', 'T', { rows, summaries: [] });
      source.release();
      return new Set(source.sql.match(/\/proc\/self\/fd\/\d+/g)).size;
    };
    expect(await opened([])).toBe(2);
    expect(await opened([{ column: 'n', min: 6n }])).toBe(1);
    expect(await opened([{ column: 'n', min: 5n, max: 9n }])).toBe(1);
    expect(await opened([{ column: 'n', min: 6n, max: 9n }])).toBe(0);
    expect(await opened([{ column: 'other', min: 6n }])).toBe(2);
  });

  it('are read as they were when the query began', async () => {
    const cluster = await fixture();
    await cluster.table('T', { n: 'long' });
    await cluster.ingest('T', 'csv', '1', { kind: 'inline' });
    await cluster.ingest('T', 'csv', '2');
    const data = await cluster.data();
    const source = await data.sources().open('db', 'T');
    await cluster.ingest('T', 'csv', '3');
    await data.maintain();
    await data.clearTable('db', 'T');
    const connection = await cluster.engine.connect();
    const seen: unknown[] = [];
    for await (const chunk of connection.stream(`SELECT c1 FROM ${source.sql} ORDER BY 1`, []))
      seen.push(...(chunk[0] ?? []));
    connection.close();
    source.release();
    expect(seen).toEqual([1n, 2n]);
    expect(await readRows(data, cluster.engine, 'T')).toEqual([]);
  });

  it('whose writing ends while garbage is looked for are no garbage', async () => {
    const blobs = new MemoryBlobStore();
    let written = (): void => undefined;
    let [isSlow, listed] = [false, Promise.resolve<unknown>(undefined)];
    const cluster = await fixture({
      blobs: {
        write: async (name, pieces) => {
          const result = await blobs.write(name, pieces);
          if (isSlow) await new Promise<void>((resolve) => (written = resolve));
          return result;
        },
        delete: (name) => blobs.delete(name),
        read: (name, range) => blobs.read(name, range),
        readInto: (name, offset, target) => blobs.readInto(name, offset, target),
        // The blob is there when the list is made, and named by the catalog when the list has been read.
        list: async function* (prefix) {
          for await (const blob of blobs.list(prefix)) yield blob;
          written();
          await listed;
        },
      },
    });
    await cluster.table('T', { n: 'long' });
    await cluster.ingest('T', 'csv', '1', { kind: 'inline' });
    isSlow = true;
    listed = cluster.ingest('T', 'csv', '2', { kind: 'inline' });
    const data = await cluster.data();
    while ((await blobCount({ blobs })) < 2) await new Promise((resolve) => setImmediate(resolve));
    await data.maintain();
    await listed;
    await cluster.crash();
    expect(await cluster.rows('T', 'n')).toEqual([[1n], [2n]]);
  });

  it('tells of an operation that a crash has ended that nobody goes on with it', async () => {
    const cluster = await fixture();
    const data = await cluster.data();
    const operation = (number: number, state: 'InProgress' | 'Completed', status = '') => ({
      ...{ operationId: newGuid(systemRandomBytes), operation: `Set${number}`, state, status, shouldRetry: false },
      ...{ startedOn: instant(started - number), lastUpdatedOn: instant(started), rootActivityId: cluster.clusterId },
      ...{ database: 'db', principal: 'p', user: 'u' },
    });
    const states = (of: typeof data) => of.operations().map((one) => [one.operation, one.state, one.status]);
    await data.recordOperation(operation(1, 'InProgress'));
    await data.recordOperation(operation(2, 'Completed', 'done'));
    expect(states(data)).toEqual([
      ['Set1', 'InProgress', ''],
      ['Set2', 'Completed', 'done'],
    ]);
    const again = await cluster.crash();
    await again.recordOperation(operation(3, 'InProgress', 'Table: T'));
    const ended = 'The process of the cluster ended before the operation did.';
    expect(states(again)).toEqual([
      ['Set1', 'Abandoned', ended],
      ['Set2', 'Completed', 'done'],
      ['Set3', 'InProgress', 'Table: T'],
    ]);
    expect(states(await cluster.crash()).at(-1)).toEqual(['Set3', 'Abandoned', 'Table: T']);
  });
});

async function blobCount({ blobs }: Pick<DataFixture, 'blobs'>): Promise<number> {
  let count = 0;
  for await (const blob of blobs.list('')) count += blob.length > 0 ? 1 : 0;
  return count;
}
