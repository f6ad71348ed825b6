import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalEngine } from './testing/local-engine.ts';
import { openLocalEngine } from './testing/local-engine.ts';
import { parserEntry } from './testing/parser-entry.ts';

const tableCount = 200;
const read: string[] = [];
const catalog = {
  version: '1',
  cluster: 'local',
  databases: [
    {
      name: 'db',
      functions: [],
      tables: Array.from({ length: tableCount }, (_table, table) => ({
        name: `T${table}`,
        columns: [
          { name: 's', type: 'string' as const },
          ...Array.from({ length: 30 }, (_column, index) => ({ name: `own${table}_${index}`, type: 'long' as const })),
        ],
      })),
    },
  ],
};
/** One table has a row; where SQL reads another, that is noted. */
const sources = {
  open: (_database: string, table: string) => {
    const rows = table === 'T7' ? 1 : 0;
    const columns = catalog.databases[0]?.tables.find(({ name }) => name === table)?.columns ?? [];
    const select = columns.map(({ name }) => (name === 's' ? "'x' AS s" : `7::BIGINT AS ${name}`)).join(', ');
    return Promise.resolve({
      get sql() {
        read.push(table);
        return `(SELECT ${select} WHERE ${rows} > 0)`;
      },
      columns: new Map(columns.map(({ name }) => [name, name])),
      counts: { extents: rows, extentsScanned: rows, rows, rowsScanned: rows },
      release: () => undefined,
    });
  },
};

describe('tables without rows', () => {
  let engine: LocalEngine;
  beforeAll(async () => {
    engine = await openLocalEngine(parserEntry, { catalog, sources });
  }, 60_000);
  afterAll(() => engine.close());

  it.each<[string, number, number]>([
    ['search "x"', 1, 1],
    ['search "nowhere"', 1, 0],
    ['search kind=case_sensitive "x" or "y"', 1, 1],
    ['union withsource=t * | where s == "x"', 1, 1],
    ['union T1, T2', 1, 0],
    ['union (T1 | count), (T2 | count)', 2, 2],
    ['union (T1 | where s == "x"), T7', 2, 1],
  ])('are not read in a union: %s', async (text, tables, rows) => {
    read.length = 0;
    const [result] = await engine.run(text);
    expect(result?.rows).toHaveLength(rows);
    expect(new Set(read).size).toBe(tables);
  });

  it('do not hide what is wrong in a condition', async () => {
    await expect(engine.run('union T7, (T1 | where s matches regex "(")')).rejects.toThrow();
  });
});
