import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fuzz } from '../../tests/support/fuzz.ts';
import type { KqlCatalog } from './plan/catalog.ts';
import { createKqlParser } from './parser/parser-client.ts';
import type { EngineSources, OpenTable } from './query-request.ts';
import { plannedReads } from '../database/extents/extent-statistics.ts';
import type { ScanRange, TableUses } from './scan-ranges.ts';
import { tableUses } from './scan-ranges.ts';
import type { LocalEngine } from './testing/local-engine.ts';
import { openLocalEngine } from './testing/local-engine.ts';
import { parserEntry, parserSnapshots } from './testing/parser-entry.ts';
import { functionFacts } from './language.ts';
import { orderingOf } from './values/ordering.ts';

const columns = [
  { name: 'x', type: 'long' },
  { name: 'i', type: 'int' },
  { name: 'w', type: 'datetime' },
  { name: 's', type: 'timespan' },
  { name: 'r', type: 'real' },
] as const;
const catalog: KqlCatalog = {
  version: '1',
  cluster: 'c',
  databases: [
    {
      name: 'db',
      tables: [
        { name: 'T', columns },
        { name: 'U', columns: [{ name: 't', type: 'string' }] },
      ],
      functions: [],
    },
  ],
};

interface TestRow {
  readonly x: number | null;
  readonly i: number | null;
  /** Days since 2020-01-01. */
  readonly w: number | null;
  readonly r: number | null;
}

const day = 864_000_000_000n;
const start = 637_134_336_000_000_000n; // 2020-01-01

/** Parts of the table as a store would keep them: with the least and greatest value of each column. */
let parts: readonly (readonly TestRow[])[] = [];
const read: number[] = [];

const valueOf = (row: TestRow, column: string): bigint | null => {
  if (column === 'w') return row.w === null ? null : start + BigInt(row.w) * day;
  const value = column === 'x' ? row.x : column === 'i' ? row.i : null;
  return value === null ? null : BigInt(value);
};
/** What the record of an extent with these rows says; `s` was added to the table later. */
function statisticsOf(part: readonly TestRow[]) {
  const reals = part.map(({ r }) => r);
  const orders = reals.filter((r) => r !== null).map((r) => orderingOf('real')?.(String(r)) ?? null);
  const sortedOrders = orders.filter((order) => order !== null).toSorted((one, other) => Number(one - other));
  const isTold = sortedOrders.length === orders.length;
  const facts = ['x', 'i', 'w'].map((column, index) => {
    const values = part.map((row) => valueOf(row, column)).filter((value) => value !== null);
    const sorted = values.toSorted((left, right) => (left < right ? -1 : left > right ? 1 : 0));
    const range = values.length === 0 ? [] : [[String(index), [String(sorted[0]), String(sorted.at(-1))]] as const];
    return { range, nulls: [String(index), part.length - values.length] as const };
  });
  return {
    part,
    columnIds: [0, 1, 2, 4],
    rowCount: part.length,
    ranges: Object.fromEntries([
      ...facts.flatMap(({ range }) => range),
      ...(isTold && orders.length > 0
        ? [['4', [String(sortedOrders[0]), String(sortedOrders.at(-1))]] as [string, [string, string]]]
        : []),
    ]),
    nulls: Object.fromEntries([
      ...facts.map(({ nulls }) => nulls),
      ...(isTold ? [['4', part.length - orders.length] as const] : []),
    ]),
  };
}
const literal = (value: number | bigint | null, type: string): string =>
  `CAST(${value === null ? 'NULL' : `'${value}'`} AS ${type})`;
const sourceOf = (rows: readonly TestRow[]): OpenTable => ({
  sql: `(SELECT * FROM (VALUES ${[...rows, undefined]
    .map((row) =>
      [
        literal(row?.x ?? null, 'BIGINT'),
        literal(row?.i ?? null, 'INTEGER'),
        literal(row === undefined ? null : valueOf(row, 'w'), 'BIGINT'),
        literal(null, 'BIGINT'),
        literal(row?.r ?? null, 'DOUBLE'),
        row === undefined ? 'false' : 'true',
      ].join(', '),
    )
    .map((cells) => `(${cells})`)
    .join(', ')}) AS v(x, i, w, s, r, real_row) WHERE real_row)`,
  columns: new Map(columns.map(({ name }) => [name, name])),
  release: () => undefined,
});
const sources = (prunes: boolean): EngineSources => ({
  open: (_database, _table, uses) => {
    const asked: TableUses = prunes ? uses : { rows: [], summaries: [] };
    const stored = columns.map(({ name, type }, columnId) => ({ name, type, columnId }));
    const { wanted, known } = plannedReads(stored, parts.map(statisticsOf), asked, () => []);
    if (prunes) read.push(wanted.length);
    return Promise.resolve({ ...sourceOf(wanted.flatMap(({ part }) => part)), known });
  },
});

let whole: LocalEngine;
let pruned: LocalEngine;
let parser: ReturnType<typeof createKqlParser>;
beforeAll(async () => {
  whole = await openLocalEngine(parserEntry, { catalog, sources: sources(false) });
  pruned = await openLocalEngine(parserEntry, { catalog, sources: sources(true) });
  parser = createKqlParser({
    entry: parserEntry,
    snapshots: parserSnapshots,
    limits: { textMax: 100_000, parseMsMax: 60_000 },
    functions: functionFacts,
    after: () => () => undefined,
  });
});
afterAll(() => {
  whole.close();
  pruned.close();
  parser.stop();
});

/** `x: 5..` and the like; days since 2020-01-01 for `w`. */
async function rangesOf(text: string): Promise<string> {
  const program = await parser.compile(text, 'db', catalog);
  const found = tableUses(program, {
    now: start + 100n * day,
    parameters: new Map([['p', { k: 'literal', type: 'long', value: '7' }]]),
  });
  const shown = ({ column, min, max, texts }: ScanRange): string => {
    if (texts !== undefined) return `${column}: ${texts.toSorted().join('|')}`;
    const unit = (value: bigint | undefined): string =>
      value === undefined ? '' : String(column === 'w' ? (value - start) / day : value);
    return `${column}: ${unit(min)}..${unit(max)}`;
  };
  return [...found.values()]
    .flatMap(({ rows }) => rows ?? [])
    .map(shown)
    .join(', ');
}

describe('ranges of a scan', () => {
  it.each([
    ['T | where x > 5', 'x: 6..'],
    ['T | where 5 > x and x >= -3', 'x: -3..4'],
    ['T | where x == 5 | where x == 7', 'x: 7..5'],
    ['T | where x in (9, 3, 4)', 'x: 3..9'],
    ['T | where x !in (9, 3) and x != 5', ''],
    ['T | where i between (2 .. 4) and x > 1', 'i: 2..4, x: 2..'],
    ['T | where i !between (2 .. 4)', ''],
    ['T | where x > 1.5 and x < 2.5', 'x: 1..3'],
    ['T | where x > real(nan) or x > 3', ''],
    ['T | where r > real(nan) or r == real(null)', ''],
    [
      'T | where r between (-0.0 .. 1.5) and r >= x',
      `r: ${String(orderingOf('real')?.('0'))}..${String(orderingOf('real')?.('1.5'))}`,
    ],
    ['T | where x > 1e300', ''],
    ['T | where not(x > 5)', ''],
    ['T | where x > 5 or i > 5', ''],
    ['T | where x == long(null) or x > i', ''],
    ['declare query_parameters(p:long); T | where x >= p', 'x: 7..'],
    ['T | where w between (ago(1d) .. now())', 'w: 99..100'],
    ['T | where w >= now(-2d) and w < datetime(2020-01-01) + 5d', 'w: 98..4'],
    ['T | where w between (datetime(2020-01-03) .. 2d)', 'w: 2..4'],
    ['let from = ago(10d); T | where w > from - 1d', 'w: 89..'],
    ['T | project y = x, i | where y > 5', 'x: 6..'],
    ['T | extend x = x + 1 | where x > 5', ''],
    ['T | extend y = 1 | where x > 5', 'x: 6..'],
    ['T | sort by w | where x > 5', 'x: 6..'],
    ['T | take 5 | where x > 5', ''],
    ['T | sort by w | extend n = row_number() | where x > 5', ''],
    ['T | sort by w | where prev(x) > 3 and x > 5', ''],
    ['T | where x > 5 | sort by w | extend n = row_number()', 'x: 6..'],
    ['union (T | where x > 5), (T | where x > 9 | where i < 3)', 'x: 6..'],
    ['T | union (T | where x > 5)', ''],
    ['T | union T | where x > 5', 'x: 6..'],
    ['let A = T | where x < 9; A | where x > 5', 'x: 6..8'],
    ['let A = materialize(T | where x < 9); A | where x > 5 | union (A | where x > 6)', 'x: 6..8'],
    ['T | where x > toscalar(T | summarize max(x))', ''],
    ['T | where x > 5 | join (T | where x < 3) on x', ''],
    ['T | where x > 5 | summarize count() by i', 'x: 6..'],
    ['T | where w > datetime(9999-12-31) + 9999d * 9999', ''],
    ['T | where w > datetime(9999-12-31) + 9999d', ''],
    ['T | where w > datetime(0001-01-01) - 1d', ''],
    ['U | where "a" == t', 't: a'],
    ['U | where t in ("a", "b") | where t != "c"', 't: a|b'],
    ['U | where t in ("a", "b") and t == "b"', 't: b'],
    ['U | where t == "a" and t == "b"', 't: '],
    ['U | where t =~ "a" or t == "b"', ''],
    ['U | where t in (U)', ''],
    ['union (U | where t == "a"), (U | where t == "b")', 't: a|b'],
    ['declare query_parameters(p:string = "q"); U | where t == p', ''],
  ])('%s', async (text, expected) => {
    expect(await rangesOf(text)).toBe(expected);
  });

  it('leave out parts that cannot match', async () => {
    parts = [[{ x: 1, i: 1, w: 0, r: 1 }], [{ x: 9, i: 9, w: 9, r: 9 }], [{ x: 5, i: null, w: null, r: NaN }]];
    read.length = 0;
    expect((await pruned.run('T | where x > 6 | project r'))[0]?.rows).toEqual([[9]]);
    expect((await pruned.run('T | where w between (datetime(2020-01-01) .. 1d) | project r'))[0]?.rows).toEqual([[1]]);
    expect((await pruned.run('T | where s > 1d | project r'))[0]?.rows).toEqual([]);
    // Nothing is told of the part with a NaN.
    expect((await pruned.run('T | where r > 5.5 | project r'))[0]?.rows).toEqual([[9]]);
    expect(read).toEqual([1, 1, 0, 2]);
  });

  const whole1 = fc.constantFrom(null, -2, -1, 0, 1, 2, 3, 5, 8);
  const rows = fc.record<TestRow>({
    x: whole1,
    i: whole1,
    w: fc.constantFrom(null, 0, 1, 2, 3, 10),
    r: fc.constantFrom(null, NaN, -1, -0, 0.5, 2, Infinity),
  });
  const operator = fc.constantFrom('<', '<=', '>', '>=', '==', '!=');
  const number = fc.constantFrom('-2', '0', '1', '2.5', '3', 'long(null)', '5', 'real(nan)', 'int(2)', 'real(+inf)');
  const time = fc.constantFrom('datetime(2020-01-02)', 'datetime(2020-01-01) + 2d', 'now() - 5y', 'datetime(null)');
  const simple = fc.oneof(
    fc.tuple(fc.constantFrom('x', 'i', 'r'), operator, number).map((part) => part.join(' ')),
    fc.tuple(number, operator, fc.constantFrom('x', 'i', 'r')).map((part) => part.join(' ')),
    fc.tuple(operator, time).map(([op, at]) => `w ${op} ${at}`),
    fc.constantFrom(
      ...[
        'x in (1, 3)',
        'i in (long(null), 2)',
        'x !in (1, 2)',
        'i between (1 .. 3)',
        'r in (-1, 2.0)',
        'r between (0.0 .. 1.0)',
        'x !between (0 .. 2)',
        'isnull(x)',
        'x > i',
      ],
      ...['w between (datetime(2020-01-02) .. 1d)', 'not(x > 1)', 'r > x', 'prev(x) > 0 and x > 1'],
    ),
  );
  const condition = fc.oneof(
    simple,
    fc
      .tuple(simple, fc.constantFrom('and', 'or'), simple, fc.constantFrom('and', 'or'), simple)
      .map((part) => part.join(' ')),
  );
  const step = fc.oneof(
    condition.map((text) => `where ${text}`),
    fc.constantFrom(
      ...[
        'extend x = i',
        'extend n = row_number()',
        'project x = i, i = x, w, r',
        'sort by w asc, x asc, i asc, r asc',
      ],
      ...[
        'union (T | where x > 1)',
        'extend y = x + 1',
        'top 3 by w, x, i, r',
        'summarize r = max(r) by x, i, w',
        'project x, i, w, r',
        'count',
        'summarize count()',
      ],
      ...[
        'summarize max(x), n = count(), min(x), min(w), max(i)',
        'summarize x = max(x), w = max(w), i = min(i)',
        'summarize min(s), max(s), min(r)',
      ],
    ),
  );

  it('change no answer', async () => {
    const answer = async (engine: LocalEngine, text: string): Promise<string> => {
      try {
        const [result] = await engine.run(text);
        return (result?.rows ?? [])
          .map((row) => JSON.stringify(row))
          .sort()
          .join('\n');
      } catch (error) {
        return error instanceof Error ? error.message : 'failed';
      }
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(rows, { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
        fc.array(step, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('T', 'T | sort by w asc, x asc, i asc, r asc', 'let A = T | where x > 0; A'),
        async (table, steps, from) => {
          parts = table;
          const text = `${from} | ${steps.join(' | ')}`;
          expect(await answer(pruned, text)).toBe(await answer(whole, text));
        },
      ),
      fuzz(150, 40),
    );
  });
});
