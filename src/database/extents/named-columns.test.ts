import { afterEach, describe, expect, it } from 'vitest';
import type { DataFixture, DataFixtureOptions } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { factColumn } from '../../kql/plan/record-facts.ts';
import type { OpenTable } from '../../kql/query-request.ts';

let cluster: DataFixture;
afterEach(() => cluster.close());

const time = factColumn('ingestion_time').name;
const columns = { n: 'long', s: 'string' } as const;

/** Three extents of one millisecond, one of which is older than the last column, and rows in none. */
async function fill(options: DataFixtureOptions): Promise<void> {
  cluster = await openDataFixture(options);
  await cluster.table('T', columns);
  const data = await cluster.data();
  const append = async (n: number): Promise<void> => {
    const own = data.table('db', 'T').columns;
    const sql = `SELECT ${own.map(({ type }) => (type === 'long' ? `${n}::BIGINT + i` : `'text ' || i`)).join(', ')} FROM range(2) AS t(i)`;
    await data.append({
      database: 'db',
      table: 'T',
      rows: { kind: 'sql', columns: own, sql, bound: [] },
      replace: false,
    });
  };
  await append(10);
  await data.alterMergeTable('db', { name: 'T', columns: [{ name: 'later', type: 'long' }] });
  await append(20);
  await append(30);
  await cluster.ingest('T', 'csv', '40,text 0,41');
}

const opened = async (): Promise<OpenTable> =>
  (await cluster.data()).sources().open('db', 'T', { rows: [], summaries: [] });

/** @param from of a source, with at least these columns */
async function rowsOf(from: string, names: readonly string[], { columns: ids }: OpenTable): Promise<unknown[]> {
  const connection = await cluster.engine.connect();
  try {
    const shown = [...names.map((name) => ids.get(name) ?? ''), "'row'"].map((id) => `(${id})::VARCHAR`).join(', ');
    const rows: unknown[] = [];
    for await (const [chunk] of connection.stream(`SELECT to_json([${shown}]) AS r FROM ${from} ORDER BY r`, []))
      rows.push(...(chunk ?? []));
    return rows;
  } finally {
    connection.close();
  }
}

const some = [[], ['n'], ['s'], ['later'], [time], ['later', 'n'], [time, 's'], ['n', 's', 'later', time]];

describe.each<[string, DataFixtureOptions]>([
  ['files', {}],
  ['pieces', { openBytesMax: 1, cacheBytesMax: 0 }],
  ['tables in memory', { hot: { bytesMax: 64 << 20, readsMin: 1, rowsMin: 1 } }],
])('a table that is read from %s', (_where, options) => {
  it('gives the same rows when only some of its columns are named', async () => {
    await fill(options);
    if (options.hot) {
      (await opened()).release();
      await (await cluster.data()).hot?.settled();
    }
    const source = await opened();
    try {
      expect(source.sql.includes('kustody_hot')).toBe(options.hot !== undefined);
      expect(await rowsOf(source.sql, ['n', 'later'], source)).toEqual([
        '["10",null,"row"]',
        '["11",null,"row"]',
        '["20","20","row"]',
        '["21","21","row"]',
        '["30","30","row"]',
        '["31","31","row"]',
        '["40","41","row"]',
      ]);
      for (const whole of [source, { ...source, ...source.apart?.() }])
        for (const names of some) {
          const named = whole.sqlOf?.(new Set(names)) ?? '';
          expect(await rowsOf(named, names, source)).toEqual(await rowsOf(source.sql, names, source));
        }
    } finally {
      source.release();
    }
  });
});

it('names neither columns nor files that a query does not ask for', async () => {
  await fill({});
  const source = await opened();
  source.release();
  const [n = '', s = '', at = ''] = ['n', 's', time].map((name) => source.columns.get(name));
  const has = (sql: string | undefined, word: string): boolean => new RegExp(`\\b${word}\\b`).test(sql ?? '');
  const named = source.sqlOf?.(new Set(['s']));
  expect([s, n, at, 'filename'].map((word) => has(named, word))).toEqual([true, false, false, false]);
  expect([n, at, 'filename'].every((word) => has(source.sql, word))).toBe(true);
  expect(has(source.sqlOf?.(new Set([time])), 'filename')).toBe(true);
});
