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
const views = 'let V1 = view() { print x = 1 }; let V2 = view() { print x = 1 }; let W = view() { print x = 1 };';
const events = `let E1 = view() { datatable(Id:string, Level:string, Version:string)['a','Info','v1', 'a','Error','v1', 'b','Error','v2'] };
  let E2 = view() { datatable(Id:string, Level:string, Name:string)['c','Info','n1', 'a','Error','n2'] };`;
const hidden = `let D = datatable(u:string, s:long)['a',1, 'b',2]; let R = view() { D | where u == 'a' }; let inc = (x:long) { x + 1 };`;
const secret = `let S = view () { print c = 'b', n = 1 }; let R = view () { print c = 'a b' };`;
const sales = `datatable(s:string, p:string, v:long)['K','p',6, 'K','q',3, 'K','r',2, 'T','p',9, 'T','q',1, 'U','p',1, 'V','q',2]`;

/** The documentation's examples and rules of tabular operators, each as a query and its rows in any order. */
const rules: Readonly<Record<string, readonly (readonly [string, unknown])[]>> = {
  scan: [
    [
      // "Sessions tagging": one id for all records of the first step until the sequence moves on.
      `datatable(Ts:timespan)[0m, 1m, 3m, 32m, 38m, 75m] | sort by Ts asc
       | scan with_match_id=id declare (start:timespan) with (
           step inSession: true => start = iff(isnull(inSession.start), Ts, inSession.start);
           step endSession output=none: Ts - inSession.start > 30m;) | project Ts, id`,
      [
        ['00:00:00', 0],
        ['00:01:00', 0],
        ['00:03:00', 0],
        ['00:32:00', 1],
        ['00:38:00', 1],
        ['01:15:00', 2],
      ],
    ],
  ],
  partition: [
    ['range x from 1 to 2 step 1 | partition by x { range y from 1 to 3 step 1 | where y == toscalar(x) }', [[1], [2]]],
    ['range x from 1 to 2 step 1 | partition by x { union (print y = x), (print y = 9) }', [[1], [2], [9], [9]]],
    ['range x from 1 to 64 step 1 | partition by x (take 1) | count', [[64]]],
    ['range x from 1 to 99 step 1 | partition hint.strategy=native by x (take 1) | count', [[99]]],
  ],
  union: [
    [`${views} union isfuzzy=true (V1 | where x > 0), (V2 | where x > 0), (V3 | where x > 0) | count`, [[2]]],
    [`${views} union isfuzzy=true V*, Gone*, W* | count`, [[3]]],
    [
      `${views} union withsource=t V*`,
      [
        ['V1', 1],
        ['V2', 1],
      ],
    ],
  ],
  'union kind=inner': [
    ['print a = 1 | union kind=inner (print a = 2, b = 3)', [[1], [2]]],
    [
      'let V1 = view() { print a = 1, c = 2 }; let V2 = view() { print a = 1, b = 3 }; union kind=inner withsource=t V* | extend b = 5',
      [
        ['V1', 1, 5],
        ['V2', 1, 5],
      ],
    ],
    ['let V = view() { print d = dynamic({"k":7}) }; union V* | evaluate bag_unpack(d) | project k', [[7]]],
  ],
  'make-series': [
    ['datatable(t:long)[] | make-series n = count() on t from 0 to 4 step 2', []],
    ['datatable(t:long)[] | make-series kind=nonempty n = count() on t from 0 to 4 step 2', [['[0,0]', '[0,2]']]],
    [
      "datatable(t:long, g:string)[1,'a', 5,'a', 3,'b', 4,'b'] | make-series n = count() on t step 2 by g",
      [
        ['a', '[1,0,1]', '[0,2,4]'],
        ['b', '[1,1]', '[2,4]'],
      ],
    ],
    ['range t from 1 to 5 step 1 | make-series n = count() on t in range(1, 5, 2)', [['[1,2,2]', '[0,2,4]']]],
    ...['4', 'toscalar(print 4)'].map((end): readonly [string, unknown] => [
      `datatable(t:long, g:string)[-1,'no', 1,'a', 5,'a', 3,'', 4,'no'] | make-series n = count(), m = max(t) default = -1 on t from 0 to ${end} step 2 by g`,
      [
        ['', '[0,1]', '[-1,3]', '[0,2]'],
        ['a', '[1,0]', '[1,-1]', '[0,2]'],
      ],
    ]),
    [
      'datatable(t:real, g:long)[0.1,1, 0.6,long(null), 1.4,1] | make-series n = count() on t from 0.0 to 1.5 step 0.5 by g',
      [
        [1, '[1,0,1]', '[0.0,0.5,1.0]'],
        [null, '[0,1,0]', '[0.0,0.5,1.0]'],
      ],
    ],
  ],
  find: [
    [
      `${events} find in (E1, E2) where Id == 'a' and Level == 'Error' project Version, Name, pack_all()`,
      [
        ['E1', 'v1', '', '{"Id":"a","Level":"Error"}'],
        ['E2', '', 'n2', '{"Id":"a","Level":"Error"}'],
      ],
    ],
    [
      `${events} find Version == 'v2' or Name == 'n1' project Id, Version, Name`,
      [
        ['E1', 'b', 'v2', ''],
        ['E2', 'c', '', 'n1'],
      ],
    ],
    [
      `${events} find Id == 'a' and Level == 'Error'`,
      [
        ['E1', 'a', 'Error', '{"Version":"v1"}'],
        ['E2', 'a', 'Error', '{"Name":"n2"}'],
      ],
    ],
    [`${events} find Version == 'v2' | count`, [[1]]],
    [
      `let A = datatable(p:string)['7', '8']; let B = datatable(p:int)[7, 8]; find in (A, B) where p == 7`,
      [
        ['A', '7', null],
        ['B', '', 7],
      ],
    ],
    [
      `let A = datatable(p:string)['7']; let B = datatable(p:int)[7]; find in (A, B) where p == 7 project p:string`,
      [
        ['A', '7'],
        ['B', '7'],
      ],
    ],
  ],
  search: [
    [
      `${events} search 'n2' or 'v*2' | project ['$table'], Id, Level, Version, Name`,
      [
        ['E1', 'b', 'Error', 'v2', ''],
        ['E2', 'a', 'Error', '', 'n2'],
      ],
    ],
  ],
  'top-nested with others': [
    [
      `${sales} | top-nested 1 of s with others = 'Other' by sum(v), top-nested 1 of p by sum(v)`,
      [
        ['K', 11, 'p', 6],
        ['Other', 13, '', null],
      ],
    ],
    [
      `${sales} | top-nested 2 of s with others = 'Other' by sum(v), top-nested 1 of p by sum(v), top-nested 1 of v with others = -1 by sum(v)`,
      [
        ['K', 11, '', null, -1, 5],
        ['K', 11, 'p', 6, 6, 6],
        ['Other', 3, '', null, -1, 3],
        ['T', 10, '', null, -1, 1],
        ['T', 10, 'p', 9, 9, 9],
      ],
    ],
    [
      `${sales} | top-nested 9 of s with others = 'Other' by sum(v)`,
      [
        ['K', 11],
        ['T', 10],
        ['U', 1],
        ['V', 2],
      ],
    ],
  ],
  toscalar: [
    ['let g = toscalar(new_guid()); range x from 1 to 9 step 1 | extend y = g | summarize dcount(y)', [[1]]],
    [
      'let r = toscalar(range x from 1 to 99 step 1 | sample 1); range x from 1 to 9 step 1 | where r == r | count',
      [[9]],
    ],
  ],
  'order that lasts': [
    [
      'range x from 1 to 4 step 1 | extend k = x % 2 | partition hint.strategy=native by k (order by x desc) | extend n = next(x)',
      [
        [1, 1, null],
        [2, 0, 3],
        [3, 1, 1],
        [4, 0, 2],
      ],
    ],
    [
      'range x from 1 to 4 step 1 | extend k = x % 2 | partition by k (order by x | scan with (step s: true;)) | extend n = prev(x) | where n == 3 | project x',
      [[1]],
    ],
    [
      'print v = dynamic([3, 5, 2]) | mv-apply v to typeof(long) on (extend p = prev(v), s = row_cumsum(v))',
      [
        [2, 5, 10],
        [3, null, 3],
        [5, 3, 8],
      ],
    ],
    [
      `range x from 1 to 2 step 1 | scan declare(a:long = 0) with (step s: true => a = s.a + x;)
       | scan declare(b:long = 0) with (step s: true => b = s.b + a;) | extend c = b | scan with (step s: true;)`,
      [
        [1, 1, 1, 1],
        [2, 3, 4, 4],
      ],
    ],
  ],
  'operators that walk rows after subqueries': [
    [
      'print d = dynamic([{"a":1}, {"b":2}]) | mv-apply d on (summarize b = make_bag(d)) | evaluate bag_unpack(b) | project a, b',
      [[1, 2]],
    ],
    [
      'range x from 1 to 3 step 1 | partition by x (top 1 by x) | sort by x asc | scan declare(s:long = 0) with (step q: true => s = q.s + x;) | project s',
      [[1], [3], [6]],
    ],
  ],
  'columns that are known after a first run': [
    [
      "datatable(k:string, v:long)['a',1, 'b',2] | evaluate pivot(k, sum(v)) | extend c = a + b, d = a < b",
      [[1, 2, 3, true]],
    ],
    ['print d = dynamic({"a":1, "b":2}) | evaluate bag_unpack(d) | where a != b | project s = a * b', [[2]]],
  ],
  'columns of one name': [
    [
      'range x from 1 to 2 step 1 | serialize r = row_number() | serialize r = r * 10, x | project x, r',
      [
        [1, 10],
        [2, 20],
      ],
    ],
    [
      "datatable(a:string, b:string)['p','x', 'p','y'] | evaluate basket(0.9) | evaluate basket(0.9) | extend q = 1 | count",
      [[1]],
    ],
  ],
  'names and literals': [
    [
      'set query_now = datetime(2020-01-02); print now(), ago(1d)',
      [['2020-01-02T00:00:00.0000000Z', '2020-01-01T00:00:00.0000000Z']],
    ],
    ['print t = dynamic([datetime(2020-01-02)]) | mv-expand t to typeof(DateTime)', [['2020-01-02T00:00:00.0000000Z']]],
    ['print datetime(8:05) - startofday(now())', [['08:05:00']]],
    ['print x = 1 | fork (take 1) (project x) | render timechart with (series=x)', [[1]]],
    ["let T = print x = 1; let f = (name:string) { table(name) | extend y = 2 }; f('T')", [[1, 2]]],
  ],
  'windows of the calendar': [
    [
      `datatable(u:string, t:datetime)['z',datetime(2017-07-31), 'a',datetime(2017-08-01), 'b',datetime(2017-08-31), 'a',datetime(2017-09-04)]
       | evaluate activity_metrics(u, t, datetime(2017-08-01), datetime(2017-09-10), 'month')`,
      [
        ['2017-08-01T00:00:00.0000000Z', 2, 2, 1, 0],
        ['2017-09-01T00:00:00.0000000Z', 1, 0, 0.5, 0.5],
      ],
    ],
    [
      `datatable(u:string, t:datetime)['a',datetime(2017-08-01), 'b',datetime(2017-08-06)]
       | evaluate new_activity_metrics(u, t, datetime(2017-08-01), datetime(2017-08-10), 'week')
       | project from_t, to_t, dcount_new_values, dcount_retained_values`,
      [
        ['2017-07-30T00:00:00.0000000Z', '2017-07-30T00:00:00.0000000Z', 1, 1],
        ['2017-07-30T00:00:00.0000000Z', '2017-08-06T00:00:00.0000000Z', 1, 0],
        ['2017-08-06T00:00:00.0000000Z', '2017-08-06T00:00:00.0000000Z', 1, 1],
      ],
    ],
  ],
  'plugins over other types': [
    [
      'range i from 0 to 5 step 1 | extend r = i * 0.5 | evaluate rolling_percentile(i, 50, r, 1.0, 2)',
      [
        [0, 0],
        [1, 1],
        [2, 3],
      ],
    ],
    [
      `datatable(id:string, t:datetime, s:int)['a',datetime(2020-01-01),1, 'a',datetime(2020-01-02),2, 'b',datetime(2020-01-01),2]
       | evaluate funnel_sequence_completion(id, t, datetime(2020-01-01), datetime(2020-01-05), 10d, s, dynamic([1, 2]), dynamic([5d]))
       | project s, dcount`,
      [
        ['1', 1],
        ['2', 1],
      ],
    ],
    ['datatable(x:decimal)[1.5, 2.5, 3.5] | summarize percentile(x, 50)', [[2.5]]],
  ],
  'arguments of bag_unpack by name': [
    [
      `datatable(d:dynamic)[dynamic({"Name":"John", "Age":20, "Address":"x"})] | evaluate bag_unpack(d, ignoredProperties=dynamic(['Address', 'Age']))`,
      [['John']],
    ],
  ],
  'restrict statement': [
    [`${hidden} restrict access to (R); R | summarize sum(s)`, [[1]]],
    [
      `${hidden} restrict access to (R); let X = R | extend q = 1; let f = (n:long) { X | take n }; f(1) | join kind=inner (R) on u | count`,
      [[1]],
    ],
    [`${hidden} restrict access to (D); D | extend y = inc(s) | summarize sum(y)`, [[5]]],
    [`${hidden} restrict access to (*); D | count`, [[2]]],
    // Wildcards, and operators over all tables, see what is left.
    [`${secret} restrict access to (R); union withsource=t *`, [['R', 'a b']]],
    [`${secret} restrict access to (R); search 'b' | project-rename t = $table`, [['R', 'a b']]],
    [`${secret} restrict access to (R); find 'b' | count`, [[1]]],
    [`${secret} restrict access to (R); let L = view () { R | take 0 }; union * | getschema | count`, [[1]]],
    [`${secret} let all = () { union * }; restrict access to (R, all); union (all()), (R) | count`, [[3]]],
  ],
  'parse into columns that are there': [
    [`print c = 'a=7', p = 'x', q = 1 | parse c with * '=' p:long | extend r = p + 1`, [['a=7', 7, 1, 8]]],
    [`print c = 'a=7' | parse-where c with a '=' c:int`, [[7, 'a']]],
    [
      `print c = 'c=1;d=2', d = 'x' | parse-kv c as (c:long, d:int, e:string) with (kv_delimiter='=', pair_delimiter=';')`,
      [[1, 2, '']],
    ],
    [
      `print l = dynamic(['k1', 'k2']) | mv-apply l to typeof(string) on (parse l with 'k' l:long | summarize s = sum(l))`,
      [[3]],
    ],
  ],
  'the columns of views': [
    [
      `let A = view () { print x = 'k', y = 1 }; let B = view () { print z = 'k' }; search 'k' | getschema | project ColumnName`,
      [['$table'], ['x'], ['y'], ['z']],
    ],
    [
      `let A = view () { print x = 'k', y = 1 }; let B = view () { print z = 'k' }; union * | getschema | project ColumnName`,
      [['x'], ['y'], ['z']],
    ],
  ],
  'texts of a table that is read several times': [
    [
      `let T = datatable(a:long, c:string)[1, 'x', 2, '', 3, 'y']; union T, T | top 2 by a`,
      [
        [3, 'y'],
        [3, 'y'],
      ],
    ],
    [
      `let T = datatable(c:string)['a', 'k'] | where c != 'k' | extend d = strcat(c, '!'); union T, T | take 1`,
      [['a', 'a!']],
    ],
    [`let T = print c = 'x'; T | extend d = toscalar(T) | take 1`, [['x', 'x']]],
    [
      `let T = datatable(a:long, c:string)[1, 'x', 2, 'y']; T | top-nested 1 of c by sum(a), top-nested 1 of a by count() | take 1`,
      [['y', 2, 2, 1]],
    ],
  ],
  'tables that are not there': [
    ["search 'x'", []],
    ["search 'x' | extend n = 1 | where n == 1", []],
  ],
  'joins that keep one side': [
    [
      `let U = datatable(a:long)[1, 5]; U | join kind=leftanti (U | join kind=fullouter (print a = 1) on a | extend s = set_union(dynamic([1]), pack_array(a)) | where a1 == 1) on a`,
      [[5]],
    ],
    [
      `let U = datatable(a:long)[1, 5, 5]; U | join kind=fullouter (print a = 1) on a | extend s = pack_array(a1) | join kind=rightsemi (U | where a == 5) on a`,
      [[5], [5]],
    ],
  ],
  'types that depend on a call': [
    [
      `let f = (T:(*), name:string) { T | extend y = column_ifexists(name, '') | where y and true }; datatable(a:bool)[true, false] | invoke f('a')`,
      [[true, true]],
    ],
    [
      `let f = (unit:string) { print datetime_diff(unit, datetime(2020-01-03), datetime(2020-01-01)) }; f('day')`,
      [[2]],
    ],
  ],
};

describe.each(Object.entries(rules))('%s', (_name, rows) => {
  it.each(rows)('%s', async (query, expected) => {
    expect(sorted(await rowsOf(query))).toEqual(expected);
  });
});

it.each([
  ['range x from 1 to 65 step 1 | partition by x (take 1)', 'limits'],
  [`${hidden} restrict access to (R); D | count`, 'semantic'],
  [`${hidden} restrict access to (R); let f = () { D }; f()`, 'semantic'],
  [`${hidden} restrict access to (R); table('D')`, 'semantic'],
  [`${hidden} restrict access to (R); union R, (D | take 1)`, 'semantic'],
  // A later restriction brings nothing back.
  [`${hidden} restrict access to (R); restrict access to (D); D`, 'semantic'],
  [`${hidden} restrict access to (R); restrict access to (D, R); D`, 'semantic'],
  ["print c = 'a=b' | parse c with p '=' p", 'semantic'],
  ['union isfuzzy=true Gone, (Gone2 | take 1)', 'semantic'],
  [
    `let f = (T:(*), name:string) { T | where column_ifexists(name, '') and true }; print a = 'x' | invoke f('a')`,
    'semantic',
  ],
  [`datatable(unit:string)['day'] | extend d = datetime_diff(unit, now(), now())`, 'semantic'],
])('refuses %s', async (query, code) => {
  await expect(engine.run(query)).rejects.toMatchObject({ code });
});
