import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from './testing/local-engine.ts';
import { parserEntry } from './testing/parser-entry.ts';

const functions = [
  { name: 'Nothing', parameters: '()', body: '{ Nowhere | where a > 1 }' },
  { name: 'Drawn', parameters: '()', body: '{ print a = 1 | render timechart }' },
];
const catalog = { version: '1', cluster: 'local', databases: [{ name: 'db', tables: [], functions }] };
let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry, { catalog });
});
afterAll(() => engine.close());

const rowsOf = async (query: string): Promise<unknown> => (await engine.run(query))[0]?.rows;
const bags = 'print k = 2, d = dynamic({"b":1}) | union (print k = 3, d = dynamic({"k":5}))';
const dynamics = "datatable(a:dynamic)[dynamic('x1')]";

/** Smallest queries of what real ones have asked and got wrong, beside those of `rules.test.ts`, `following.test.ts` and the functions. */
describe.each<[string, readonly (readonly [string, unknown])[]]>([
  [
    'what ended as a fault of ours',
    [
      ['print dynamic({"1":"a"})[tostring(int(null))]', [[null]]],
      [
        `let F1 = datatable(T:datetime)[datetime(2020-01-01)]; let F3 = datatable(T:string)['x'];
         find in (F1, F3) where T > ago(1d) project T`,
        [],
      ],
      ['union isfuzzy=true Nothing(), (print a = 1)', [[1]]],
    ],
  ],
  [
    'what was refused',
    [
      [
        `print '{a}' matches regex @'{(.*)}', 'ab{c}' matches regex @'\\w+{.*}', '1{1.3}' matches regex @'\\d{1.3}',
               '{' matches regex @'(\\{|%7B)', '[' matches regex @'[[",\\]]', extract('{?([^<]*?)}?$', 1, '{g}')`,
        [[true, true, true, true, true, 'g']],
      ],
      ["print replace_regex('a', 'a', '\\\\0'), replace_regex('a', 'a', '\\\\60')", [['a', '0']]],
      ['print todynamic(dynamic([1]))', [['[1]']]],
      [`print split("a/b", "/")['-1']`, [['"b"']]],
      ['print a = 1 | summarize hint.strategy=partitioned count() by a', [[1, 1]]],
      ["print a = 'abc' | where a notcontains 'x' and a containscs 'b' | count", [[1]]],
      ['Drawn()', [[1]]],
      ['print datetime(now) > datetime(2020-01-01), timespan(24:00:00), toint(1h)', [[true, '24.00:00:00', null]]],
      ['print d = dynamic([1]) | project estimate_data_size(d) > 0', [[true]]],
      ['print a = 1 | summarize h = hll(a) | project estimate_data_size(h) > 0', [[true]]],
    ],
  ],
  [
    'what was answered otherwise',
    [
      ["print 'x' has_any (dynamic([null])), 'x' has_all (dynamic([]))", [[true, true]]],
      ["print s = 'abc' | project substring(s, long(null))", [['']]],
      ["print s = 'n=27x' | parse s with 'n=' n:long | project n", [[null]]],
      [
        `${bags} | evaluate bag_unpack(d, columnsConflict='replace_source') | project k, b`,
        [
          [null, 1],
          [5, null],
        ],
      ],
    ],
  ],
  [
    'what others have measured, and is not followed (docs/kql.md)',
    [
      ['print d = dynamic([1, true]) | mv-expand a = d to typeof(bool) | project a', [[null], [true]]],
      ["print d = dynamic(['1.00:00:00']) | mv-expand a = d to typeof(timespan) | project a", [['1.00:00:00']]],
      ["print hash_md5('')", [['d41d8cd98f00b204e9800998ecf8427e']]],
      ['print iff(true, decimal(1), 1.0)', [['1']]],
      [
        `${dynamics} | project countof(a, 'x'), extract('(.)', 1, a), replace_string(a, 'x', 'y'), trim('x', a)`,
        [[1, 'x', 'y1', '1']],
      ],
    ],
  ],
])('%s', (_what, cases) => {
  it.each(cases)('%s', async (query, expected) => {
    expect(await rowsOf(query)).toEqual(expected);
  });
});

it.each([
  ['let v = 5; print a = 1 | summarize count() by v', ['v', 'count_']],
  ['print C = 1 | distinct -C', ['Column1']],
])('names that others have measured, and are not followed (docs/kql.md): %s', async (query, names) => {
  expect((await engine.run(query))[0]?.columns.map(({ name }) => name)).toEqual(names);
});

it.each([
  'range t from datetime(2020-01-01) to datetime(2020-01-02) step 0s',
  'let gap = 0s; range t from datetime(2020-01-01) to datetime(2020-01-02) step gap',
  'print not(1)',
  'union isfuzzy=true Nothing()',
])('is refused, and no fault of ours: %s', async (query) => {
  await expect(engine.run(query)).rejects.toMatchObject({ name: 'KqlError', code: 'semantic' });
});
