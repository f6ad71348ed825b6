import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fuzz } from '../../tests/support/fuzz.ts';
import type { LocalEngine } from './testing/local-engine.ts';
import { openLocalEngine } from './testing/local-engine.ts';
import { parserEntry } from './testing/parser-entry.ts';

let engine: LocalEngine;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

const rows = async (query: string): Promise<readonly (readonly unknown[])[]> =>
  (await engine.run(query))[0]?.rows ?? [];

describe('take_any', () => {
  const source = `datatable(k:string, a:long, s:string, y:dynamic)["x", 1, "", dynamic(null), "x", long(null), "t", dynamic([1])]`;
  it('takes several values from one row', async () => {
    expect(await rows(`${source} | summarize take_any(*) by k`)).toEqual([['x', 1, '', null]]);
    expect(await rows(`${source} | summarize take_any(a, s)`)).toEqual([[1, '']]);
    expect(await rows(`${source} | summarize take_anyif(a, s == "t"), take_any(y)`)).toEqual([[null, '[1]']]);
    expect(await rows(`${source} | where a > 7 | summarize take_any(a, s)`)).toEqual([[null, '']]);
  });
  it('takes one value from a row that has one', async () => {
    expect(await rows(`${source} | summarize take_any(s), take_any(y)`)).toEqual([['t', '[1]']]);
  });
});

describe('extract_json', () => {
  it('finds no property in an array', async () => {
    expect(await rows(`print extract_json("$.a", "[1,2]"), extract_json("$[1]", "[1,2]")`)).toEqual([['', '2']]);
    expect(await rows(`print bag_has_key(dynamic({"b":[1,2]}), "$.b.a")`)).toEqual([[false]]);
  });
});

describe('a table inside an expression', () => {
  const tables =
    'let T = datatable(s:string)["A", "b"]; let U = datatable(s:string)["A"]; let f = () { union T, U | count };';
  it('has rows of its own, whatever operator it begins with', async () => {
    const count = async (query: string): Promise<unknown> => (await rows(`${tables} ${query}`))[0]?.at(-1);
    expect(await count('T | extend q = toscalar(union T, U | count)')).toBe(3);
    expect(await count('T | extend q = toscalar(f())')).toBe(3);
    expect(await count('T | extend q = toscalar(search in (T, U) "*" | count)')).toBe(3);
    expect(await count('T | extend q = toscalar(find in (T, U) where s == "A" | count)')).toBe(2);
    expect(await count('T | where s in ((union U, U)) | count')).toBe(1);
    expect(await count('T | extend x = dynamic([1]) | mv-apply x on (extend q = toscalar(union T, U | count))')).toBe(
      3,
    );
    expect(await count('T | fork (extend q = toscalar(union T, U | count))')).toBe(3);
    expect(await count('T | partition by s (union U | count)')).toBe(2);
  });
  it('in a function does not see what the function is called on', async () => {
    const given = 'let g = (X:(s:string)) { union X, U | count };';
    expect(await rows(`${tables} ${given} T | invoke g()`)).toEqual([[3]]);
    expect(await rows(`${tables} ${given} T | extend q = toscalar(g((union T, U)))`)).toEqual([
      ['A', 4],
      ['b', 4],
    ]);
    expect(
      await rows(`${tables} let h = () { let V = union T, U; toscalar(V | count) }; T | take 1 | project q = h()`),
    ).toEqual([[3]]);
  });
});

// Few values of each type, so that nulls, duplicates and what only looks alike meet often.
const cells = {
  b: ['bool', 'true', 'false', 'bool(null)'],
  i: ['int', 'int(1)', 'int(2)', 'int(-1)', 'int(null)', 'int(2147483647)'],
  l: ['long', '1', '2', '0', '5', 'long(null)', '-9007199254740993'],
  r: ['real', '1.0', '0.0', '-0.0', '1.5', 'real(nan)', 'real(+inf)', 'real(null)'],
  m: ['decimal', 'decimal(1)', 'decimal(2.50)', 'decimal(null)'],
  d: ['datetime', 'datetime(2020-01-01)', 'datetime(2020-01-02 12:34:56.7891234)', 'datetime(null)'],
  n: ['timespan', '1h', '-30m', 'timespan(null)', '0s'],
  s: ['string', '""', '"a"', '"A"', '"ab cd"', '"é"', '"10"'],
  y: ['dynamic', 'dynamic(null)', 'dynamic({"a":1,"b":"x"})', 'dynamic([1,2])', 'dynamic([])', 'dynamic("a")'],
  g: ['guid', 'guid(null)', 'guid(74be27de-1e4e-49d9-b579-fe0b331d3642)'],
} as const;
const names = Object.keys(cells).join(', ');
const all = `id, ${names}`;
const table = fc
  .array(fc.tuple(...Object.values(cells).map(([, ...values]) => fc.constantFrom(...values))), { maxLength: 9 })
  .map((lines) => lines.map((line, index) => [index, ...line].join(', ')).join(', '))
  .map(
    (data) =>
      `datatable(id:long, ${Object.entries(cells)
        .map(([name, [type]]) => `${name}:${type}`)
        .join(', ')})[${data}]`,
  );
const key = fc.constantFrom('b', 'i', 'l', 'r', 'm', 'd', 'n', 's', 'g');
const condition = fc.constantFrom(
  ...[
    'b',
    'i > 0',
    'l == 1',
    'r > 1',
    'm >= 1',
    'n > 0s',
    's == "a"',
    's has "ab"',
    'isnull(l)',
    'l in (1, 2)',
    'l != i',
  ],
  ...['not(b)', 'y.a == 1', 'd > datetime(2020-01-01)', 'l > 0 or s =~ "a"'],
);
type Drawn = readonly [k: string, p: string, n: number];
type Pair = (...drawn: Drawn) => readonly [string, string];
/** Pairs of queries that mean the same. */
const same: Readonly<Record<string, Pair>> = {
  'where, its negation and null are everything': (_k, p) => [
    'T',
    `union (T | where ${p}), (T | where not(${p})), (T | where isnull(tobool(${p})))`,
  ],
  'countif is where and count': (k, p) => [
    `T | summarize c = countif(${p}) by ${k} | where c > 0`,
    `T | where ${p} | summarize c = count() by ${k}`,
  ],
  'distinct is summarize by': (k) => [`T | distinct ${k}, s1 = s`, `T | summarize by ${k}, s1 = s`],
  'top is sort and take': (k, _p, n) => [
    `T | top ${n} by ${k} | summarize c = count() by ${k}`,
    `T | sort by ${k} | take ${n} | summarize c = count() by ${k}`,
  ],
  'leftouter is inner and leftanti': (k) => [
    `T | join kind=leftouter U on ${k}`,
    `union (T | join kind=inner U on ${k}), (T | join kind=leftanti U on ${k})`,
  ],
  'rightouter is leftouter the other way': (k) => [
    `T | join kind=rightouter U on ${k} | project id, s, id1, s1, y1`,
    `U | join kind=leftouter T on ${k} | project id1, s1, id, s, y`,
  ],
  'fullouter is leftouter and rightanti': (k) => [
    `T | join kind=fullouter U on ${k} | project id, s, id1, s1`,
    `union (T | join kind=leftouter U on ${k} | project id, s, id1, s1), (T | join kind=rightanti U on ${k} | project id1 = id, s = "", s1 = s)`,
  ],
  'innerunique is inner over distinct keys': (k) => [
    `T | join U on ${k} | project id1`,
    `T | distinct ${k} | join kind=inner U on ${k} | project id`,
  ],
  'leftsemi and leftanti are everything': (k) => [
    'T',
    `union (T | join kind=leftsemi U on ${k}), (T | join kind=leftanti U on ${k})`,
  ],
  'a join with itself counts squares': (k) => [
    `T | join kind=inner T on ${k} | count`,
    `T | summarize c = count() by ${k} | summarize Count = sum(c * c)`,
  ],
  'partition is summarize by': (k, p) => [
    `T | partition by ${k} (where ${p} | summarize c = count(), x = max(id))`,
    `T | summarize c = countif(${p}), x = maxif(id, ${p}) by ${k} | project c, x`,
  ],
  'arg_max takes the row of max': (k, p) => [
    `T | where ${p} | summarize arg_max(id, *) by ${k} | project ${all}`,
    `T | where ${p} | where id in ((T | where ${p} | summarize max(id) by ${k} | project max_id))`,
  ],
  'take_any takes a row that there is': (k, p) => [
    `T | summarize take_any(*) by ${k} | where ${p} | project ${all}`,
    `let any = materialize(T | summarize take_any(*) by ${k} | project id); T | where id in (any) | where ${p}`,
  ],
  'scan knows row_cumsum': (k, p) => [
    `T | sort by ${k} asc, id asc | extend z = row_cumsum(id, ${p}) | project id, z`,
    `T | sort by ${k} asc, id asc | scan declare(z:long = 0) with (step a: true => z = id + iff(${p}, 0, a.z);) | project id, z`,
  ],
  'mv-apply of everything is mv-expand': (_k, p) => [
    `T | mv-expand with_itemindex=ix v = y to typeof(string) | where ${p} | project id, ix, v`,
    `T | mv-apply with_itemindex=ix v = y to typeof(string) on (where ${p}) | project id, ix, v`,
  ],
  'make-series is summarize by bin': (k, p) => [
    `T | where ${p} | make-series v = count() on d from datetime(2020-01-01) to datetime(2020-01-04) step 12h by ${k === 'd' ? 's' : k} | mv-expand v to typeof(long), d to typeof(datetime) | where v > 0 | summarize sum(v) by d`,
    `T | where (${p}) and d >= datetime(2020-01-01) and d < datetime(2020-01-04) | summarize sum_v = count() by d = bin(d, 12h)`,
  ],
  'a union has the rows of its legs': (k, p) => [
    `union T, (U | where ${p}) | summarize c = count(), x = sum(id) by ${k}`,
    `T | union U | extend own = iff(${p}, 1, 0) | summarize c = count() by ${k} | project ${k} | join kind=inner (union (T | summarize c = count(), x = sum(id) by ${k}), (U | where ${p} | summarize c = count(), x = sum(id) by ${k}) | summarize c = sum(c), x = sum(x) by ${k}) on ${k} | project ${k}, c, x`,
  ],
  'toscalar sees no rows but its own': (k, p) => [
    `T | extend z = toscalar(union T, U | where ${p} | distinct ${k} | count) | project id, z`,
    `let z = toscalar((T | union U) | where ${p} | distinct ${k} | count); T | project id, z`,
  ],
  'a function of a table is its body': (k, p) => [
    `let f = (X:(id:long, ${k}:${cells[k as keyof typeof cells][0]})) { union X, (X | extend id = -id) | summarize sum(id), count() by ${k} }; T | where ${p} | invoke f()`,
    `let X = T | where ${p}; union X, (X | extend id = -id) | summarize sum(id), count() by ${k}`,
  ],
};

describe('queries that mean the same', () => {
  it.each(Object.entries(same))('%s', async (_name, pair) => {
    const property = fc.asyncProperty(
      table,
      table,
      key,
      condition,
      fc.integer({ min: 0, max: 6 }),
      async (t, u, k, p, n) => {
        const [one, other] = pair(k, p, n);
        const tables = `let T = ${t};\nlet U = ${u};\n`;
        const sorted = (given: readonly (readonly unknown[])[]): string[] =>
          given.map((row) => JSON.stringify(row)).toSorted();
        expect(sorted(await rows(tables + one)), tables + one).toEqual(sorted(await rows(tables + other)));
      },
    );
    await fc.assert(property, fuzz(8, 3));
  });
});
