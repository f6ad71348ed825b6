import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

const rowsOf = async (query: string): Promise<readonly (readonly unknown[])[]> =>
  (await engine.run(query))[0]?.rows ?? [];
const sorted = (rows: readonly (readonly unknown[])[]): unknown[] =>
  [...rows].sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));

const mixed = `let A = datatable(v:string, n:long)['7',1, 'x',2]; let B = datatable(v:long, n:long)[7,1, 8,2];`;

/** More of what the documentation says of tabular operators: a query and its rows in any order. */
const rules: Readonly<Record<string, readonly (readonly [string, unknown])[]>> = {
  'expanded values': [
    [
      'print n = 7, tags = "x,y" | mv-expand split(tags, ",") to typeof(string)',
      [
        [7, 'x'],
        [7, 'y'],
      ],
    ],
    ['print t = "[4, 5]" | mv-apply parse_json(t) to typeof(long) on (summarize sum(t))', [['[4, 5]', 9]]],
    ['print n = 7 | mv-apply range(1, n) to typeof(long) on (count)', [[7, 7]]],
    ['print a = range(1, 200) | mvexpand a | count', [[128]]],
    ['print a = range(1, 200) | mv-expand a | count', [[200]]],
    // Elements are cast, not read: a text is no number, a number no instant.
    [
      'print d = dynamic(["2"]) | mv-expand n = d to typeof(long), b = d to typeof(bool) | project n, b',
      [[null, null]],
    ],
    [
      'print d = dynamic([2.5]) | mv-expand n = d to typeof(long), t = d to typeof(datetime) | project n, t',
      [[2, null]],
    ],
    ['print x = real(nan) | summarize l = make_list(x) | mv-expand l to typeof(real)', [['NaN']]],
  ],
  'keys that are null, empty or a star': [
    ['print dynamic({"1":"a"})[tostring(int(null))]', [[null]]],
    ['print dynamic({"1":"a", "":3})[tostring(int(null))]', [['3']]],
    ['print parse_json(\'{"a":1}\')[tostring(dynamic(null))]', [[null]]],
    ['print d = dynamic({"a":1, "*":2, "":3}) | project d["*"], d[strcat("*", "")], d[""]', [['2', '2', '3']]],
    ['print d = dynamic({"a":1, "b":2}) | project d["*"], d.["*"], d[strcat("*", "")]', [[null, null, null]]],
  ],
  'columns that are named like helpers': [
    ["print ['$parsed a'] = 5, a = 'x' | parse a with a", [[5, 'x']]],
    [
      `print ['$parsed'] = 3, ['$parsed k'] = 4, ['$parsed1 k'] = 5, a = 'k=x', k = 7
       | parse-kv a as (k:string) with (pair_delimiter=',', kv_delimiter='=') | project-away a`,
      [[3, 4, 5, 'x']],
    ],
    [
      "datatable(['$computed0']:long, x:long)[9, 1, 9, 2] | reduce by strcat('a b', x) with threshold=1.0 | project Pattern",
      [['a *']],
    ],
    [
      "datatable(['$computed0']:string, x:string)['k', 'v 1', 'k', 'v 2'] | reduce by tolower(x) | project Count, Pattern",
      [[2, 'v *']],
    ],
    [
      `datatable(['$partition']:long, x:long)[9, 1, 8, 1, 7, 2]
       | partition by x (sort by ['$partition'] asc | scan with (step s: true;))`,
      [
        [7, 2],
        [8, 1],
        [9, 1],
      ],
    ],
  ],
  'names of sources': [
    [
      'print x = 1 | as P | union withsource=t (print x = 2 | as Q)',
      [
        ['P', 1],
        ['Q', 2],
      ],
    ],
    [
      'union withsource=t (print x = 1 | as P), (print x = 2)',
      [
        ['P', 1],
        ['union_arg1', 2],
      ],
    ],
    [
      'print x = 1 | as P | where x > 0 | union withsource=t P',
      [
        ['P', 1],
        ['union_arg0', 1],
      ],
    ],
    [
      'let V = view() { print x = 1 }; V | union withsource=t (print x = 2 | as Q)',
      [
        ['Q', 2],
        ['V', 1],
      ],
    ],
    ['print x = "n" | as P | search "n"', [['P', 'n']]],
  ],
  'parse-kv': [
    // Blanks around keys and values do not count, quoted ones do; the first value of a key counts.
    [
      `print t = 'n : 1 ;n:2; who : Ann B ;q: " z "' | parse-kv t as (n:int, who:string, q:string) with (pair_delimiter=';', kv_delimiter=':', quote='"') | project-away t`,
      [[1, 'Ann B', ' z ']],
    ],
    [
      `print t = '[a]=[1 2] {b}={3}' | parse-kv t as (a:string, b:int) with (pair_delimiter=' ', kv_delimiter='=', quote='[]', quote='{}') | project-away t`,
      [['1 2', 3]],
    ],
    [
      `print t = 'a=1 b=2 3 c=4 5 a=6 7' | parse-kv t as (a:int, b:string, c:string) with (pair_delimiter=' ', kv_delimiter='=', greedy=true) | project-away t`,
      [[1, '2 3', '4 5']],
    ],
    [
      `print t = '<n:1> <who: Ann B > <who:C>' | parse-kv t as (n:int, who:string) with (regex=@'<(\\w+):([^>]*)>') | project-away t`,
      [[1, 'Ann B']],
    ],
    // Without delimiters a value is the next word, whatever stands between.
    [
      `print t = 'Level: Text, Text -> it|x "Code" 7' | parse-kv t as (Text:string, Level:string, Code:int) | project-away t`,
      [['it', 'Text', 7]],
    ],
    [
      `print t = "id 5 note: 'it \\\\' is'" | parse-kv t as (note:string, id:int) with (quote="'", escape='\\\\') | project-away t`,
      [["it ' is", 5]],
    ],
    [
      `print t = 'd={"k":[1]}' | parse-kv t as (d:dynamic) with (pair_delimiter=';', kv_delimiter='=') | project n = d.k[0]`,
      [['1']],
    ],
  ],
  parse: [[`print t = 'd {"k":1}' | parse t with * ' ' d:dynamic | project n = d.k`, [['1']]]],
  'top-nested of expressions': [
    [
      `datatable(s:string, v:long)['k',6, 't',9] | top-nested 1 of toupper(s) by sum(v), top-nested of v * 2 by max(1) | project Column1, aggregated_Column1, Column2`,
      [['T', 9, 18]],
    ],
  ],
  'set best_effort': [
    ['set best_effort=true; union (print x = 1), Gone', [[1]]],
    ['set best_effort; union (print x = 1), (Gone | where x > 0)', [[1]]],
  ],
  'fuzzy unions': [
    // What is missing leaves no columns.
    [
      'union isfuzzy=true (Gone | where x > 0), (print x = 1), (Gone2 | where x > 0 | extend y = 1) | where x == 1',
      [[1]],
    ],
    ['print x = 1 | union isfuzzy=true (print x = 2), (Gone | where x > 0)', [[1], [2]]],
  ],
  'any column': [
    [
      `datatable(s:string, t:string, n:long, r:real)['a','b',5,1.5, 'b','c',7,5.0, '5','c',7,2.0] | where * == 'b' | project n`,
      [[5], [7]],
    ],
    [`datatable(s:string, n:long, r:real)['a',5,1.5, 'b',7,5.0, '5',7,2.0] | where * == 5 | project s`, [['a'], ['b']]],
    [`datatable(s:string, n:long)['a',5, 'b',7] | where not(* == 'a') | project s`, [['b']]],
  ],
  'getschema of columns that depend on data': [
    [
      `datatable(n:string, d:dynamic)['q',dynamic({"a":1,"b":"x"})] | evaluate bag_unpack(d) | project-away n | getschema | project ColumnName, ColumnType`,
      [
        ['a', 'long'],
        ['b', 'string'],
      ],
    ],
    [
      `datatable(k:string, v:long)['x',1, 'y',2] | evaluate pivot(k, sum(v)) | getschema | project ColumnName`,
      [['x'], ['y']],
    ],
  ],
  'scan without a match id': [
    ['range x from 1 to 1 step 1 | scan with (step s: true;) | getschema | project ColumnName', [['x']]],
    ['range x from 1 to 1 step 1 | scan with (step s: true;) | project p = pack_all()', [['{"x":1}']]],
  ],
  'numbers of rows': [
    ['let n = 2; range x from 1 to 3 step 1 | take n | count', [[2]]],
    ['range x from 1 to 3 step 1 | take toscalar(print 1 + 1) | count', [[2]]],
    ['range x from 1 to 3 step 1 | take toscalar(print 1 - 2) | count', [[0]]],
  ],
  'find over a column of several types': [
    [`${mixed} find in (A, B) where v == 7 | count`, [[2]]],
    [
      `let A = view() { print t = now() }; let B = view() { print t = now() }; let C = view() { print t = 'c' };
       find in (A, B, C) where t > ago(1d) or t has 'c' project t | project source_, isnull(t_datetime), t_string`,
      [
        ['A', false, ''],
        ['B', false, ''],
        ['C', true, 'c'],
      ],
    ],
    [
      `${mixed} let F = find in (A, B) where n > 0; F | project source_, v_string, v_long, n | where n == 1`,
      [
        ['A', '7', null, 1],
        ['B', '', 7, 1],
      ],
    ],
    [`${mixed} find in (A, B) where n == 2 | summarize s = sum(v_long), m = max(v_string)`, [[8, 'x']]],
  ],
  'toscalar of what is random, in a function': [
    [
      'let r = () { toscalar(rand(1000000000)) }; print a = r, b = r(), c = rand(1000000000) | project a == b, a == c',
      [[true, false]],
    ],
  ],
  'getschema before other operators': [
    [
      'print a = 1 | getschema | where ColumnOrdinal == 0 | getschema | where ColumnName == "ColumnOrdinal" | project ColumnType',
      [['int']],
    ],
    [
      'print l = dynamic([1]) | mv-apply l on (getschema) | getschema | where ColumnName == "ColumnOrdinal" | project ColumnType',
      [['int']],
    ],
  ],
  'scan before plugins that take the whole row': [
    [
      'print a = 5 | scan declare (c:long) with (step s: true => c = a;) | evaluate narrow()',
      [
        [0, 'a', '5'],
        [0, 'c', '5'],
      ],
    ],
    ['print a = 5 | scan with (step s: true;) | evaluate autocluster() | where Count > 0 | project Count, a', [[1, 5]]],
  ],
  consume: [
    ['print x = 1 | consume', []],
    ['print x = 1 | consume decodeblocks=true', []],
  ],
};

describe.each(Object.entries(rules))('%s', (_name, rows) => {
  it.each(rows)('%s', async (query, expected) => {
    expect(sorted(await rowsOf(query))).toEqual(expected);
  });
});

it.each([
  ["print t = '' | parse-kv t as (a:int) with (regex='(a)')", 'semantic'],
  ["print t = '' | parse-kv t as (a:int) with (pair_delimiter=' ', kv_delimiter='=', quote='abc')", 'semantic'],
  ['declare query_parameters(d:dynamic = dynamic([1])); print d', 'semantic'],
  [`${mixed} find in (A, B) where n == 2 | project nothing`, 'semantic'],
  ['set best_effort=false; union (print x = 1), Gone', 'semantic'],
  ['set best_effort=true; union Gone, Gone2', 'semantic'],
  ['print g = 1, x = 2 | partition hint.strategy=native by g (where x > 0 | union (print x = 1))', 'semantic'],
  ['print g = 1, x = 2 | partition hint.strategy=shuffle by g (evaluate narrow())', 'semantic'],
  ['range x from 1 to 4 step 1 | scan with (step s: true; step s: false;)', 'semantic'],
  ['range x from 1 to 4 step 1 | scan declare (x:long = 0) with (step s: true => x = 1;)', 'semantic'],
  ['range x from 1 to 3 step 1 | take -1', 'semantic'],
  ['let n = -1; range x from 1 to 3 step 1 | top n by x', 'semantic'],
  ['range x from 1 to 3 step 1 | sample -1', 'semantic'],
  ['range x from 1 to 3 step 1 | take int(null)', 'semantic'],
  ['range x from 1 to 3 step 1 | top-nested -1 of x by max(x)', 'semantic'],
  ["print a = 1, b = 'n' | make-graph a --> b | graph-match (x)-[e]->(y)", 'notSupported'],
  ['range x from 1 to 3 step 1 | sample-distinct -1 of x', 'semantic'],
  ['print a = 1, b = "n" | make-graph a --> b | graph-match (x)-[e]->(y) project e.a', 'semantic'],
  ['print x = 1, s = "a" | make-series make_list(s) on x from 0 to 2 step 1', 'semantic'],
])('refuses %s', async (query, code) => {
  await expect(engine.run(query)).rejects.toMatchObject({ code });
});

it('lists the references that no pattern is declared for, each once', async () => {
  const declared = "declare pattern p = (n:string)[k:string] { ('a').['b'] = { print x = 1 }; };";
  await expect(engine.run(`${declared} union p('z').b, p("z").["b"], p('y').['*'], p('a').c`)).rejects.toThrow(
    /\["p\('z'\)\.\['b'\]", "p\('y'\)\.\['\*'\]", "p\('a'\)\.\['c'\]"\]$/,
  );
  await expect(engine.run(`${declared} p('a').['*']`)).rejects.toThrow(/\["p\('a'\)\.\['\*'\]"\]$/);
  await expect(engine.run("declare pattern q; q('1', '2')")).rejects.toThrow(/\["q\('1','2'\)"\]$/);
});

describe('a step of 0 is refused', () => {
  const [day, next] = ['datetime(2020-01-01)', 'datetime(2020-01-02)'];

  it.each([
    `range t from ${day} to ${next} step 0s`,
    `let s = 0s; range t from ${day} to ${next} step s`,
    'range t from 1h to 5h step timespan(0)',
    'range x from 1 to 5 step 0',
    'range x from 1.0 to 5.0 step 0.0',
  ])('%s', async (query) => {
    await expect(engine.run(query)).rejects.toMatchObject({
      code: 'semantic',
      message: 'The expression must not be the value: 0',
    });
  });

  it.each(['0', '0s', '0.0'])('when it is computed: %s', async (step) => {
    const ends = step === '0s' ? `from ${day} to ${next}` : step === '0' ? 'from 1 to 5' : 'from 1.0 to 5.0';
    await expect(engine.run(`let s = toscalar(print ${step}); range t ${ends} step s`)).rejects.toMatchObject({
      code: 'runtime',
      message: 'range: the step is 0.',
    });
  });
});
