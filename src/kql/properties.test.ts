import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fuzz } from '../../tests/support/fuzz.ts';
import type { KqlCatalog } from './plan/catalog.ts';
import { createKqlParser } from './parser/parser-client.ts';
import type { NativeValue } from './sql/native.ts';
import type { LocalEngine } from './testing/local-engine.ts';
import { openLocalEngine } from './testing/local-engine.ts';
import { parserEntry, parserSnapshots } from './testing/parser-entry.ts';
import { referenceRows } from './testing/reference-evaluator.ts';
import { formatDatetime, formatTimespan } from './values/ticks.ts';
import { functionFacts } from './language.ts';

const catalog: KqlCatalog = { version: '1', cluster: 'c', databases: [{ name: 'db', tables: [], functions: [] }] };
let engine: LocalEngine;
let parser: ReturnType<typeof createKqlParser>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
  parser = createKqlParser({
    entry: parserEntry,
    snapshots: parserSnapshots,
    limits: { textMax: 100_000, parseMsMax: 60_000 },
    functions: functionFacts,
    after: () => () => undefined,
  });
});
afterAll(() => {
  engine.close();
  parser.stop();
});

// Values that rules turn on: null, zero, signs, size, empty and folded text. Ends of the range are in the rules: DuckDB moves
// constants across comparisons, so that a sum that wraps may compare otherwise there.
const longs = fc.constantFrom('0', '1', '-1', '2', '7', '-8', 'long(null)', '123456789012', '-99999999999');
const reals = fc.constantFrom('0.0', '1.5', '-2.25', '100.0', 'real(null)', 'real(nan)', 'real(+inf)');
const texts = fc.constantFrom('""', '"a"', '"A"', '"ab cd"', '"x_y"', '"10"', '"naïve"');
const times = fc.constantFrom(
  'datetime(2020-01-01)',
  'datetime(2020-01-01 12:34:56.7891234)',
  'datetime(null)',
  'datetime(1999-12-31 23:59:59.9999999)',
);
const bools = fc.constantFrom('true', 'false', 'bool(null)');
const row = fc.tuple(longs, longs, reals, texts, texts, times, bools).map((cells) => cells.join(', '));
const table = fc
  .array(row, { minLength: 0, maxLength: 6 })
  .map((rows) => `datatable(a:long, b:long, r:real, s:string, u:string, t:datetime, p:bool)[${rows.join(', ')}]`);

const long: fc.Arbitrary<string> = fc.oneof(
  { depthSize: 'small', maxDepth: 2 },
  fc.constantFrom('a', 'b'),
  longs,
  fc
    .tuple(fc.constantFrom('a', 'b'), fc.constantFrom('+', '-', '*', '/', '%'), fc.constantFrom('a', 'b', '3', '-4'))
    .map(([x, op, y]) => `(${x} ${op} ${y})`),
  fc.constantFrom(
    'strlen(s)',
    'tolong(s)',
    'iff(p, a, b)',
    'coalesce(a, b, 5)',
    'bin(a, 4)',
    'abs(b)',
    'case(a > b, a, p, b, 0)',
  ),
);
const condition: fc.Arbitrary<string> = fc.letrec<{ one: string; simple: string }>((tie) => ({
  simple: fc.oneof(
    fc.tuple(long, fc.constantFrom('==', '!=', '<', '<=', '>', '>='), long).map((parts) => parts.join(' ')),
    fc
      .tuple(
        fc.constantFrom('r', 'r * 2', 'r + a'),
        fc.constantFrom('==', '!=', '<', '>='),
        fc.constantFrom('r', '1.5', '0.0'),
      )
      .map((parts) => parts.join(' ')),
    fc
      .tuple(
        fc.constantFrom('s', 'u'),
        fc.constantFrom('==', '!=', '=~', 'has', '!has', 'contains', 'startswith', '!endswith', 'hasprefix', 'in~'),
        fc.constantFrom('"a"', '"AB"', '"cd"', '"y"', '""'),
      )
      .map(([x, op, y]) => (op === 'in~' ? `${x} in~ (${y}, "10")` : `${x} ${op} ${y}`)),
    fc.constantFrom(
      't > datetime(2000-01-01)',
      't + 1d < datetime(2020-01-02)',
      't - datetime(2020-01-01) >= 1h',
      'isnull(a)',
      'isnotempty(s)',
      'p',
      'a in (1, 2, 7)',
      'a !in (0, -1)',
      'a between (-1 .. 7)',
      'isnull(t) or p',
    ),
  ),
  one: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    tie('simple'),
    fc.tuple(tie('one'), fc.constantFrom('and', 'or'), tie('one')).map(([x, op, y]) => `(${x} ${op} ${y})`),
    tie('one').map((inner) => `not(${inner})`),
  ),
})).one;
const operator: fc.Arbitrary<string> = fc.oneof(
  condition.map((test) => `where ${test}`),
  fc.tuple(long, condition).map(([value, test]) => `extend a = ${value}, q = ${test}, c = strcat(s, "-", u, a)`),
  fc.constant('extend b = a, a = b'),
);
const ending: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'count',
    'distinct s, a',
    'summarize count(), sum(a), min(b), max(t) by s',
    'summarize dcount(a), countif(a > b), max(s)',
    'summarize min(r) by p, bin(a, 4)',
    'project s, z = a + b, w = tostring(t)',
  ),
  fc
    .tuple(
      fc.constantFrom('inner', 'leftouter', 'fullouter', 'leftanti', 'leftsemi'),
      table,
      fc.constantFrom('a', 's, p', '$left.a == $right.b', 't'),
    )
    .map(([kind, other, on]) => `project a, s, p, t | join kind=${kind} (${other} | project a, b, s, p, t) on ${on}`),
);

const shown = (value: NativeValue, type: string): unknown => {
  if (value === null) return null;
  if (type === 'datetime' && typeof value === 'bigint') return formatDatetime(value);
  if (type === 'timespan' && typeof value === 'bigint') return formatTimespan(value);
  return typeof value === 'bigint' ? value.toString() : typeof value === 'number' ? String(value) : value;
};

describe('random queries over random tables', () => {
  it('give the rows of the reference evaluator', async () => {
    const property = fc.asyncProperty(
      table,
      fc.array(operator, { maxLength: 3 }),
      ending,
      async (source, operators, last) => {
        const query = [source, ...operators, last].join('\n| ');
        const program = await parser.compile(query, 'db', catalog);
        const plan = program.results[0]?.plan;
        if (!plan) throw new Error('a query has a result');
        const wanted = referenceRows(plan).map((cells) =>
          JSON.stringify(plan.cols.map((column) => shown(cells.get(column.name) ?? null, column.type))),
        );
        const [result] = await engine.run(query);
        const got = (result?.rows ?? []).map((cells) =>
          JSON.stringify(cells.map((cell) => (typeof cell === 'number' ? String(cell) : cell))),
        );
        expect(got.toSorted(), query).toEqual(wanted.toSorted());
      },
    );
    await fc.assert(property, fuzz(100, 30));
  });
});
