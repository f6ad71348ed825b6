import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalEngine, LocalTable } from './testing/local-engine.ts';
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
/** One table has a row, or all have; where SQL reads another, that is noted. */
let filled = (table: string): boolean => table === 'T7';
const sources = {
  open: (_database: string, table: string) => {
    const rows = filled(table) ? 1 : 0;
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

let engine: LocalEngine;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry, { catalog, sources });
});
afterAll(() => engine.close());

describe('tables without rows', () => {
  it.each<[string, number, number]>([
    ['search "x"', 1, 1],
    ['search "nowhere"', 1, 0],
    ['search kind=case_sensitive "x" or "y"', 1, 1],
    ['search s == "x" and strlen(s) == 1', 1, 1],
    ['find "x"', 1, 1],
    ['find "nowhere"', 1, 0],
    ['find withsource=from where s == "x"', 1, 1],
    ['find where own7_1 == 7', 1, 1],
    ['find where s == "x" and own8_1 == 7', 1, 0],
    ['find in (T1*, T7) where s == "x"', 1, 1],
    ['let V = view () { T7 | where own7_0 == 7 }; find in (T1, V) where s == "x"', 1, 1],
    ['let V = view () { T2 | where own2_0 == 7 }; find in (T1, V) where s == "x"', 1, 0],
    ['find withsource=from where s == "x" project s, pack(*)', 1, 1],
    ['find where s == "x" project s, own7_3: string', 1, 1],
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

  it('change nothing of the columns and values of a find', async () => {
    const packed = Object.fromEntries(Array.from({ length: 30 }, (_column, index) => [`own7_${index}`, 7]));
    const [all] = await engine.run('find "x"');
    expect(all?.columns.map(({ name }) => name)).toEqual(['source_', 's', 'pack_']);
    expect(all?.rows.map(([from, s, pack]) => [from, s, JSON.parse(String(pack)) as unknown])).toEqual([
      ['T7', 'x', packed],
    ]);
    const [named] = await engine.run('find withsource=from where own7_0 == 7 and own8_0 != 7 project s, own8_0');
    expect([named?.columns.map(({ name }) => name), named?.rows]).toEqual([
      ['from', 's', 'own8_0'],
      [['T7', 'x', null]],
    ]);
    const [none] = await engine.run('find "nowhere" | getschema | project ColumnName');
    expect(none?.rows).toEqual([['source_'], ['s'], ['pack_']]);
  });

  it('do not hide what is wrong in a condition', async () => {
    await expect(engine.run('union T7, (T1 | where s matches regex "(")')).rejects.toThrow();
    await expect(engine.run('find in (T1, T2) where s matches regex "("')).rejects.toThrow();
  });
});

describe('results of very many columns', () => {
  beforeAll(() => {
    filled = () => true;
  });

  const rowOf = (result: LocalTable | undefined, table: string): Record<string, unknown> => {
    const { columns = [], rows = [] } = result ?? {};
    const source = columns.findIndex(({ name }) => name === '$table');
    const row = rows.find((one) => one[source] === table) ?? [];
    return Object.fromEntries(columns.map(({ name }, index) => [name, row[index]]));
  };

  it('are made leg by leg, each value in its column', async () => {
    const [result] = await engine.run('search "x"');
    expect(result?.rows).toHaveLength(tableCount);
    expect(result?.columns).toHaveLength(2 + tableCount * 30);
    expect(rowOf(result, 'T7')).toMatchObject({ $table: 'T7', s: 'x', own7_0: 7, own7_29: 7, own8_0: null });
    expect(rowOf(result, 'T199')).toMatchObject({ $table: 'T199', s: 'x', own199_29: 7, own7_0: null });
  });

  it('have their columns in the order that is asked for, without those that are not', async () => {
    const [result] = await engine.run('search "x" | project-reorder own9_1, own7_0 | project-away own7_29');
    expect(result?.columns.slice(0, 2).map(({ name }) => name)).toEqual(['own9_1', 'own7_0']);
    expect(result?.columns).toHaveLength(1 + tableCount * 30);
    expect(rowOf(result, 'T7')).toMatchObject({ own9_1: null, own7_0: 7, own7_1: 7, s: 'x' });
    expect(rowOf(result, 'T9')).toMatchObject({ own9_1: 7, own7_0: null });
  });

  it.each<[string, number]>([
    ['search "x" | take 3', 3],
    ['search "x" | take 3 | take 2', 2],
    ['search "x" | take 0', 0],
    ['search "nowhere"', 0],
    ['union *', tableCount],
    ['union withsource=t * | take 150', 150],
    ['search "x" | take 3 | project-reorder own7_0', 3],
    ['search "x" | project-away own7_0 | take 4', 4],
  ])('have as many rows as they should: %s', async (text, rows) => {
    expect((await engine.run(text))[0]?.rows).toHaveLength(rows);
  });

  it('are refused where one statement would have all columns of all', async () => {
    await expect(engine.run('union T* | sort by s')).rejects.toMatchObject({ code: 'memory' });
  });
});
