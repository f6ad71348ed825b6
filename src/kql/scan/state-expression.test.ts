import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalEngine } from '../testing/local-engine.ts';
import { openLocalEngine } from '../testing/local-engine.ts';
import type { KqlParser } from '../parser/parser-client.ts';
import { createKqlParser } from '../parser/parser-client.ts';
import { parserEntry, parserSnapshots } from '../testing/parser-entry.ts';
import { stateExpression } from './state-expression.ts';
import { cases } from '../functions/all.cases.ts';
import { columns, edgeRows } from '../functions/case-rows.ts';
import type { Typed } from './state-expression.random.ts';
import { allTemplates, nested, randomRow } from './state-expression.random.ts';
import { fuzz } from '../../../tests/support/fuzz.ts';
import { sample } from '../../../tests/support/sample.ts';
import { functionFacts } from '../language.ts';

let engine: LocalEngine;
let parser: KqlParser;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
  const limits = { textMax: 100_000, parseMsMax: 60_000 };
  parser = createKqlParser({
    entry: parserEntry,
    snapshots: parserSnapshots,
    limits,
    functions: functionFacts,
    after: () => () => undefined,
  });
});
afterAll(() => {
  engine.close();
  parser.stop();
});

/** What bin_auto() needs. */
const settings = 'set query_bin_auto_size = 10;';
const schema = Object.entries(columns);
const tableOf = (rows: readonly (readonly string[])[]): string =>
  `datatable(${schema.map(([name, type]) => `${name}:${type}`).join(', ')})[${rows.flat().join(',\n')}]`;
/** Columns outside texts become what the step keeps of the row before. */
const ofState = (expression: string): string =>
  expression
    .split(/("(?:\\.|[^"\\])*")/)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part.replace(/(?<![\w.@])([ijxmstdbog])(?![\w(:])/g, (_whole, name: string) => `z.v_${name}`),
    )
    .join('');

type Table = readonly (readonly unknown[])[];
/** The expressions over the rows, computed in SQL. */
const inSql = async (rows: readonly (readonly string[])[], expressions: readonly string[]): Promise<Table> => {
  const items = expressions.map((expression, index) => `r${index} = tostring(${expression})`);
  return (await engine.run(`${settings} ${tableOf(rows)} | project ${items.join(', ')}`))[0]?.rows ?? [];
};
/** The same by scan, of a state of nulls and then of each row: a partition for each, whose second row sees the first as its state. */
const inScan = async (
  rows: readonly (readonly string[])[],
  expressions: readonly string[],
  likes: readonly Typed['like'][] = [],
): Promise<Table> => {
  const state = schema.map(([name, type]) => `v_${name}:${type}`);
  const results = expressions.map((_expression, index) => `r${index}:${columns[likes[index] ?? 's']}`);
  const kept = schema.map(([name]) => `v_${name} = ${name}`);
  const own = (expression: string, index: number): string =>
    likes[index] === undefined ? `tostring(${ofState(expression)})` : ofState(expression);
  const items = expressions.map((expression, index) => `r${index} = ${own(expression, index)}`);
  const pairs = rows.map((row, pair) => [row, nulls].map((cells) => [...cells, pair].join(', ')));
  const source = `datatable(${schema.map(([name, type]) => `${name}:${type}`).join(', ')}, pair:long)[${pairs.flat().join(',\n')}]`;
  const query = `${settings} ${source} | serialize | scan partition by pair declare (${[...state, ...results].join(', ')})
    with (step z: true => ${[...kept, ...items].join(', ')};) | project ${items.map((_item, index) => `r${index} = tostring(r${index})`).join(', ')}`;
  const found = (await engine.run(query))[0]?.rows ?? [];
  return [...found.slice(0, 1), ...found.filter((_row, index) => index % 2 === 1)];
};

const nulls = edgeRows[0] ?? [];
const edges = edgeRows.slice(1);

/** Whose last digit is left to the mathematical library of the system, in SQL. */
const ofLibrary = /\b(exp|exp2|exp10|log|log10|log2|sin|cos|tan|cot|asin|acos|atan|atan2|pow)\(/;
const isNear = (a: unknown, b: unknown): boolean => {
  const [x, y] = [Number(a), Number(b)];
  return a === b || (a !== '' && b !== '' && Math.abs(x - y) <= Math.abs(y) * 1e-15);
};

/** What SQL refuses while it runs, such as a sum that is too large, is refused here too. */
async function attempt(run: () => Promise<Table>): Promise<Table | string> {
  try {
    return await run();
  } catch (error) {
    return `refused: ${String(error)}`;
  }
}

async function compare(
  list: readonly string[],
  rows: readonly (readonly string[])[],
  likes: readonly Typed['like'][] = [],
): Promise<void> {
  const sql = await attempt(() => inSql([nulls, ...rows], list));
  const walked = await attempt(() => inScan(rows, list, likes));
  if (typeof sql === 'string' || typeof walked === 'string') {
    if (list.length > 1) {
      const half = Math.ceil(list.length / 2);
      await compare(list.slice(0, half), rows, likes.slice(0, half));
      await compare(list.slice(half), rows, likes.slice(half));
    }
    // The texts may differ: they name the columns, and the first row that fails.
    else expect([list[0], typeof walked, walked, sql]).toEqual([list[0], typeof sql, walked, sql]);
    return;
  }
  expect(walked.length).toBe(sql.length);
  for (const [index, expression] of list.entries()) {
    const [expected = [], found = []] = [sql, walked].map((table) => table.map((row) => row[index]));
    const near = ofLibrary.test(expression) && expected.every((value, row) => isNear(found[row], value));
    if (!near) expect({ expression, values: found }).toEqual({ expression, values: expected });
  }
}

describe('scalar functions over the state of a step give what SQL gives:', () => {
  it.each(sample(Object.entries(cases), 3))('%s', async (_family, functions) => {
    const list = Object.values(functions).flat();
    for (let at = 0; at < list.length; at += 25) await compare(list.slice(at, at + 25), edges);
  });
});

/** What each of the two had wrong once. */
it.each([
  ['m/3', '0.75'],
  ['decimal(1)/i/3', '0.333333333333333333'],
  ['tolong(x*1e300)', '9223372036854775807'],
  ['toint(i+3000000000)', ''],
  ['toint(x*1e300)', '2147483647'],
  ['x+real(nan) between (-3.0 .. 2.0)', 'False'],
  ['o.b.a', ''],
  ['o.b["a"]', ''],
  ['array_length(o.b[0])', ''],
  ['sign(-x)', '-1.0'],
  ['bin(m+4.873456789,decimal(0.1))', '7.1'],
  ['coalesce(decimal(null),m+1.001,round(m,1))', '3.251'],
  ['coalesce(round(m,1),m/3)', '2.3'],
  ['pack_array(m,decimal(null))', '["2.25",null]'],
  ['replace("[lo]+","0",s)', 'He0, W0r0d 12'],
  ['totimespan(strcat("9999999999",i))', ''],
  ['make_datetime(2024,1,2,3,4,x+real(nan))', ''],
  ['make_timespan(1,2,3,x+real(nan))', ''],
  ['i + 9223372036854775806 in (dynamic([9223372036854775807]))', 'True'],
  ['i + 9223372036854775806 in (dynamic([[9223372036854775806]]))', 'False'],
  ['isempty(iff(b,dynamic(""),o))', 'True'],
  ['toupper(strcat("ßᾳᾀ",i))', 'ßᾼᾈ1'],
  ['ipv4_is_in_any_range("10.1.2.3",strcat("10.0.0.0/",j+6))', 'True'],
  ['format_ipv4(i+167838210)', '10.1.2.3'],
])('%s is %s in both', async (expression, expected) => {
  const rows = edges.slice(0, 1);
  expect((await inSql(rows, [expression]))[0]).toEqual([expected]);
  expect((await inScan(rows, [expression]))[1]).toEqual([expected]);
});

it('of several results a step keeps the first', async () => {
  const query = (argument: string): string =>
    `range n from 1 to 3 step 1 | scan declare (d:long = 1, r:real) with (step s: true => d = n + 1, r = series_stats(pack_array(${argument}, 2, 3));) | project r`;
  expect((await engine.run(query('s.d')))[0]?.rows).toEqual((await engine.run(query('n')))[0]?.rows);
});

it('the clock may be moved by what a step keeps', async () => {
  const [table] = await engine.run(
    'range n from 1 to 2 step 1 | scan declare (d:timespan = 1h, r:datetime, q:datetime) with (step s: true => r = ago(s.d), q = now(s.d);) | project same = r == ago(1h) and q == now(1h)',
  );
  expect(table?.rows).toEqual([[true], [true]]);
});

it.each(['s.d in ((range x from 1 to 2 step 1))', 'prev(s.d) > 0'])('%s is refused by name', async (condition) => {
  await expect(
    engine.run(`range n from 1 to 2 step 1 | scan declare (d:long) with (step s: ${condition} => d = n;)`),
  ).rejects.toThrow('is not supported in an operator that walks rows.');
});

// Of two rows that n % 5 divides, the second goes on in b, and begins a match of its own in a.
it('partitions are asked about together, and give what they give alone', async () => {
  const scanned = `scan with_match_id=m partition by k declare (c:string) with (step a: n % 5 == 0 => c = tohex(n);
    step b: true => c = reverse(strcat(a.c, b.c, tohex(n)));) | project k, m, n, c`;
  const rows = `range n from 0 to 599 step 1 | extend k = n % 300`;
  const [all] = await engine.run(`${rows} | ${scanned} | sort by k asc, n asc`);
  const [alone] = await engine.run(`${rows} | where k == 5 | ${scanned}`);
  const found = all?.rows.filter(([k]) => k === 5).map(([, , ...rest]) => rest);
  expect([all?.rows.length, new Set(all?.rows.map(([, m]) => m)).size]).toEqual([180, 120]);
  expect(found).toEqual(alone?.rows.map(([, , ...rest]) => rest));
});

it('every template is of what a scan computes by itself', async () => {
  const items = allTemplates.map((template, index) => `r${index} = ${template}`);
  const catalog = { version: '1', cluster: 'c', databases: [{ name: 'db', tables: [], functions: [] }] };
  const { results } = await parser.compile(`${tableOf([nulls])} | project ${items.join(', ')}`, 'db', catalog);
  const projected = results.flatMap(({ plan }) => (plan.op === 'project' ? plan.items : []));
  expect(projected.length).toBe(items.length);
  const others = projected.filter(({ expression }) => stateExpression(expression) === undefined);
  expect(others.map(({ names: [name = ''] }) => allTemplates[Number(name.slice(1))])).toEqual([]);
});

it('random expressions over random rows give what SQL gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(nested, { minLength: 6, maxLength: 6 }),
      fc.array(randomRow, { minLength: 6, maxLength: 6 }),
      async (list, rows) => {
        const texts = list.map(({ text }) => text);
        const sql = await attempt(() => inSql([nulls, ...rows], texts));
        fc.pre(typeof sql !== 'string' || !/overflowed|converted/.test(sql));
        await compare(
          texts,
          rows,
          list.map(({ like }) => like),
        );
      },
    ),
    fuzz(40, 12),
  );
});

it.each([
  'array_concat',
  'array_length',
  'bag_merge',
  'bag_pack',
  'datetime_diff',
  'path',
  'index',
  'substring',
  'tostring',
  'max_of',
])('%s needs no question to SQL for each record', (name) => {
  const args = [1, 2, 3].map(() => ({ k: 'column', name: 'x', type: 'long' }) as const);
  expect(stateExpression({ k: 'call', name, args, type: 'long' })).toBeTypeOf('function');
});
