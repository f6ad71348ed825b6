import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from './testing/local-engine.ts';
import { parserEntry } from './testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

const rowsOf = async (query: string): Promise<readonly (readonly unknown[])[]> =>
  (await engine.run(query))[0]?.rows ?? [];
/** Values of `x` in rows of one column, nullable. */
const longs = 'datatable(x:long)[1, long(null), 2]';
const pairs = 'datatable(a:long, b:long, k:long)[5, 4, 1, 6, 3, 1, 99, 1, 1]';
/** What no scan takes in. */
const bounded = `${pairs} | where (a - b) between (0 .. 48)`;
const reals = 'datatable(r:real)[1.0, real(nan), real(null), 2.0]';

/** Rules checked against Microsoft's engine (see vectors/kql/README.md), each as a query and its rows. */
const rules: Readonly<Record<string, readonly (readonly [string, unknown])[]>> = {
  'the first of a group, after a condition with two bounds': [
    [`${bounded} | summarize arg_max(b, *) by k`, [[1, 4, 5]]],
    [`${bounded} | summarize arg_min(b, a) by k`, [[1, 3, 6]]],
    [`${pairs} | where a - b >= 0 | where a - b <= 48 | summarize arg_max(b, a) by k`, [[1, 4, 5]]],
    [`${bounded} | sort by b asc | join (print k = 1, c = 2) on k | project a, c`, [[6, 2]]],
    [`${bounded} | partition by k (top 1 by b | project b)`, [[4]]],
    [`${bounded} | top-nested 1 of k by sum(b), top-nested 1 of a by max(b)`, [[1, 7, 5, 4]]],
    [`${bounded} | sort by b asc | extend n = row_number() | where n == 1 | project a`, [[6]]],
  ],
  'null and booleans': [
    [`${longs} | project a = x == 1`, [[true], [false], [false]]],
    [`${longs} | project a = x != 1`, [[false], [true], [true]]],
    [`${longs} | project a = x > 1`, [[false], [null], [true]]],
    [`${longs} | project a = x + 1`, [[2], [null], [3]]],
    ['print a = long(null) == long(null)', [[null]]],
    [`${longs} | where not(x == 1) | count`, [[2]]],
    [`${longs} | where x !in (1, 2) | count`, [[1]]],
    [`${longs} | where not(x > 0) | count`, [[0]]],
    [`${longs} | where x == 1 or x > 0 | count`, [[2]]],
    ['print a = bool(null) or true, b = bool(null) and false, c = bool(null) and true', [[true, false, null]]],
    [
      "print a = isnull(''), b = isempty(''), c = isnull(long(null)), d = isempty(long(null))",
      [[false, true, true, true]],
    ],
  ],
  'strings are never null': [
    ["datatable(k:long)[1] | join kind=leftouter (datatable(k:long, s:string)[2, 'x']) on k | project s", [['']]],
    ["print a = extract('(x)', 1, 'abc'), b = tostring(long(null)), c = tostring(dynamic({}).gone)", [['', '', '']]],
    ["print a = strcat('a', long(null), 'b')", [['ab']]],
  ],
  'text of values': [
    [
      'print a = tostring(true), b = tostring(dynamic(true)), c = tostring(1.5h), d = tostring(26h)',
      [['True', 'true', '01:30:00', '1.02:00:00']],
    ],
    [
      'print a = tostring(1.0), b = tostring(1e20), c = tostring(real(+inf)), d = tostring(real(nan))',
      [['1.0', '1E+20', 'inf', 'NaN']],
    ],
    ['print a = tostring(datetime(2020-01-02 03:04:05.0000001))', [['2020-01-02T03:04:05.0000001Z']]],
  ],
  conversions: [
    [
      "print a = toint('3.14'), b = toint('1e3'), c = toint(2.9), d = toint(-2.9), e = toint(' 45 '), f = toint('0x1F')",
      [[null, null, 2, -2, 45, 31]],
    ],
    [
      "print a = tolong('9223372036854775808'), b = toint('2147483648'), c = tolong(1e30)",
      [[null, null, '9223372036854775807']],
    ],
    [
      "print a = todouble('abc'), b = todatetime('nonsense'), c = totimespan('1.5'), d = toguid('x')",
      [[null, null, null, null]],
    ],
    [
      "print a = todatetime('2020-02-30'), b = todatetime(637134336000000000)",
      [[null, '2020-01-01T00:00:00.0000000Z']],
    ],
  ],
  numbers: [
    ['print a = 7 / 2, b = -7 / 2, c = 7 / 0, d = 7.0 / 0, e = -7.0 / 0', [[3, -3, null, 'Infinity', '-Infinity']]],
    ['print a = -7 % 3, b = 7 % -3, c = 7 % 0, d = -7.5 % 2', [[2, 1, null, 0.5]]],
    [
      'print a = 9223372036854775807 + 1, b = -9223372036854775807 - 2',
      [['-9223372036854775808', '9223372036854775807']],
    ],
    ['datatable(x:long)[9223372036854775807, 1] | summarize sum(x)', [['-9223372036854775808']]],
    ['datatable(i:int)[2147483647] | project i + 1, i * 2', [[2147483648, 4294967294]]],
    [`${reals} | project a = r == r`, [[true], [false], [null], [true]]],
    [
      `${reals} | project a = r > 1.5, b = r < 1.5`,
      [
        [false, true],
        [false, false],
        [null, null],
        [true, false],
      ],
    ],
    [`${reals} | where r > 0 | count`, [[2]]],
    ['datatable(r:real)[1.0, real(nan)] | summarize min(r), max(r)', [['NaN', 'NaN']]],
    ['print a = bin(-5, 10), b = bin(5.5, 2), c = bin(-0.5, 1), d = bin(37m, 15m)', [[-10, 4, -1, '00:30:00']]],
    ['print a = sqrt(-1), b = log(0), c = log(-1.0)', [['NaN', '-Infinity', null]]],
    [
      'print a = 0x1F, b = real(nan), c = timespan(1.02:03:04.5), d = time(5), e = -9223372036854775807',
      [[31, 'NaN', '1.02:03:04.5000000', '5.00:00:00', '-9223372036854775807']],
    ],
  ],
  terms: [
    [
      "print a = 'north_west' has 'west', b = 'a-b' has 'b', c = 'abc' has 'ab', d = 'x' has ''",
      [[true, true, false, true]],
    ],
    [
      "print a = 'naïve test' has 'naïve', b = 'Привет мир' has 'мир', c = 'ABC def' has 'abc', d = 'ABC' has_cs 'abc'",
      [[true, true, true, false]],
    ],
    ["print a = 'one two three' has 'one two', b = 'a.b' has '.', c = 'x(y)' has '(y)'", [[true, true, true]]],
    [
      "print a = 'hello world' hasprefix 'wor', b = 'hello world' hassuffix 'llo', c = 'hello' hasprefix 'ell'",
      [[true, true, false]],
    ],
    [
      "print a = 'aBc' contains 'ABC', b = 'aBc' contains_cs 'ABC', c = 'abc' startswith 'AB', d = 'abc' endswith_cs 'BC'",
      [[true, false, true, false]],
    ],
    [
      "print a = 'x' in ('X'), b = 'x' in~ ('X'), c = 'x' !in~ ('X'), d = 'a%b_c' contains '%b_'",
      [[false, true, false, true]],
    ],
  ],
  'string functions': [
    [
      "print a = indexof('abc', 'c'), b = indexof('abc', 'z'), c = substring('abcdef', -3), d = substring('abc', 1, 1)",
      [[2, -1, 'def', 'b']],
    ],
    [
      "print a = countof('aaaa', 'aa'), b = split('', ','), c = split('a,b', ','), d = strlen('naïve🙂')",
      [[3, '[""]', '["a","b"]', 6]],
    ],
    [
      "print a = replace_regex('abc123', @'(\\d)', @'<\\1>'), b = trim('x+', 'xxaxx'), c = extract('(\\\\d+)-(\\\\d+)', 2, '10-20')",
      [['abc<1><2><3>', 'a', '20']],
    ],
  ],
  datetimes: [
    [
      'print a = startofweek(datetime(2020-01-01)), b = endofweek(datetime(2020-01-01)), c = dayofweek(datetime(2020-01-05))',
      [['2019-12-29T00:00:00.0000000Z', '2020-01-04T23:59:59.9999999Z', '00:00:00']],
    ],
    [
      'print a = endofmonth(datetime(2020-02-10)), b = startofyear(datetime(2020-02-10), 1), c = endofday(datetime(2020-02-10), -1)',
      [['2020-02-29T23:59:59.9999999Z', '2021-01-01T00:00:00.0000000Z', '2020-02-09T23:59:59.9999999Z']],
    ],
    [
      "print a = datetime_diff('day', datetime(2020-01-02 00:00), datetime(2020-01-01 23:59)), b = datetime_add('month', 1, datetime(2020-01-31))",
      [[1, '2020-02-29T00:00:00.0000000Z']],
    ],
    [
      'print a = datetime(2020-01-01) - 1tick, b = datetime(2020-01-02) - datetime(2020-01-01), c = 1d / 1h, d = 90m / 2',
      [['2019-12-31T23:59:59.9999999Z', '1.00:00:00', 24, '00:45:00']],
    ],
    [
      "print a = format_datetime(datetime(2020-06-05 13:04:09.1234567), 'yy-M-d h:m:s tt fff'), b = format_timespan(1d + 2h, 'd.hh:mm')",
      [['20-6-5 1:4:9 PM 123', '1.02:00']],
    ],
  ],
  dynamic: [
    ['print d = dynamic([10, 20]), isLater = true | project d[isLater], d[not(isLater)]', [['20', '10']]],
    [
      'print d = dynamic({"a": {"b": [10, 20]}}) | project d.a.b[0], d.a.b[-1], d["a"]["b"][5], d.x.y',
      [['10', '20', null, null]],
    ],
    ['print a = dynamic({"a b": 1})["a b"], b = dynamic({"q\\"x": 2})["q\\"x"]', [['1', '2']]],
    ['datatable(d:dynamic)[dynamic({"a":1}), dynamic({"a":2,"b":3})] | summarize make_bag(d)', [['{"a":1,"b":3}']]],
    [
      'print a = bag_merge(dynamic({"a":1}), dynamic({"a":2,"c":3})), b = array_concat(dynamic([1]), dynamic([2,3]))',
      [['{"a":1,"c":3}', '[1,2,3]']],
    ],
    [
      'print a = tolong(dynamic({"n": 9223372036854775807}).n), b = array_sort_asc(dynamic([3, 1, 2]))',
      [['9223372036854775807', '[1,2,3]']],
    ],
    [
      'datatable(x:long)[] | summarize make_list(x), make_bag(pack("a", x)), sum(x), count(), avg(x), max(x), stdev(x)',
      [['[]', '{}', 0, 0, 'NaN', null, 0]],
    ],
  ],
  operators: [
    ['datatable(a:long)[1] | extend a = 5, b = a + 1', [[5, 2]]],
    ['datatable(a:long)[3, 1, 2] | order by a | project a', [[3], [2], [1]]],
    ['datatable(a:long)[2, long(null), 1] | order by a asc', [[null], [1], [2]]],
    [
      'datatable(k:long, v:string)[1, "a", long(null), "b"] | join kind=inner (datatable(k:long, w:string)[long(null), "n"]) on k | project v, w',
      [['b', 'n']],
    ],
    ['datatable(k:real)[real(nan)] | join kind=inner (datatable(k:real)[real(nan)]) on k | count', [[1]]],
    ['range x from 1 to 3 step 1 | as T | union (T | take 1) | count', [[4]]],
    [
      'print d = dynamic([1, 2]), e = dynamic(["a"]) | mv-expand d, e',
      [
        ['1', '"a"'],
        ['2', null],
      ],
    ],
    [
      'datatable(x:long)[1, 2, 3, 4] | serialize | extend s = row_cumsum(x, x == 3), p = prev(x, 1, -1), n = row_number()',
      [
        [1, 1, -1, 1],
        [2, 3, 1, 2],
        [3, 3, 2, 3],
        [4, 7, 3, 4],
      ],
    ],
    [
      `let S = datetime(2020-01-01); datatable(t:datetime, S:string)[datetime(2020-01-01), 'z']
       | make-series n = count() on t from S to S + 2d step 1d | project n`,
      [['[1,0]']],
    ],
    [
      'range t from 0 to 2 step 1 | make-series n = count() default = 0 on t from 0 to 5 step 2',
      [['[2,1,0]', '[0,2,4]']],
    ],
    ["print s = 'a=1; b=two' | parse s with 'a=' a:long '; b=' b", [['a=1; b=two', 1, 'two']]],
    [
      `print a = 'x' has_any (dynamic([null])), b = 'x' has_all (dynamic([])), c = 'a' has_all (dynamic(['a', null])),
             d = 'x' has_any (dynamic([]))`,
      [[true, true, true, false]],
    ],
    [
      "let T = datatable(d:dynamic)[dynamic([null]), dynamic([]), dynamic(['b', null])]; T | project 'x' has_any (d), 'x' has_all (d)",
      [
        [true, true],
        [false, true],
        [true, false],
      ],
    ],
    ["print s = 'n=27x' | parse s with 'n=' n:long", [['n=27x', null]]],
    ["print s = 'n=27x' | parse s with 'n=' n:long *", [['n=27x', 27]]],
    ["print s = 'n=27x' | parse kind=relaxed s with 'n=' n:long", [['n=27x', null]]],
  ],
};

describe.each(Object.entries(rules))('%s', (_family, table) => {
  it.each(table)('%s', async (query, expected) => {
    expect(await rowsOf(query)).toEqual(expected);
  });
});

describe('what the engine refuses', () => {
  it.each([
    ['row_number() of rows in no order', 'datatable(x:long)[1, 2] | extend n = row_number()', 'semantic'],
    ['a name that does not exist', 'print x', 'semantic'],
    ['text that does not parse', 'print |', 'syntax'],
    ['a letter that a format cannot have', "print format_datetime(now(), 'yyyyT')", 'semantic'],
    ['a plugin that runs code, by name', "print x = 1 | evaluate python(typeof(*), 'result = df')", 'notSupported'],
    [
      'a kind that parse-where does not have',
      "print s = 'n=1' | parse-where kind=relaxed s with 'n=' n:long",
      'semantic',
    ],
    ['a literal beyond 64 bits', 'print 9223372036854775808', 'syntax'],
  ])('%s', async (_what, query, code) => {
    await expect(engine.run(query)).rejects.toMatchObject({ code });
  });

  it('with the place in the text', async () => {
    await expect(engine.run('print a = 1\n| evaluate r(typeof(*), "x")')).rejects.toMatchObject({
      code: 'notSupported',
      position: 23,
    });
  });
});

describe('query parameters', () => {
  it.each([
    ['long', '5', [[6]]],
    ['long', 5, [[6]]],
    ['real', 'real(1.5)', [[2.5]]],
    ['timespan', 'time(1h)', undefined],
  ])('of type %s take %s', async (type, value, expected) => {
    const result = engine.run(`declare query_parameters(p:${type}); print p + 1`, { p: value });
    if (expected) expect((await result)[0]?.rows).toEqual(expected);
    else await expect(result).rejects.toThrow();
  });

  it('are values, never text of the query', async () => {
    const hostile = `x'; DROP TABLE t; --" | union (print 1)`;
    expect((await engine.run('declare query_parameters(p:string); print p', { p: hostile }))[0]?.rows).toEqual([
      [hostile],
    ]);
  });
});

describe('hostile text', () => {
  it.each(["'", '"', '\\', '\0', '`', '${x}', "'; select 1; --", '\u2019', '$1', '%', '_'])(
    '%j comes back as it was',
    async (text) => {
      const literal = JSON.stringify(text).replace('\\u0000', '\\u0000');
      expect(
        await rowsOf(
          `print a = ${literal} | where a == ${literal} and a contains ${literal} | extend b = strcat(a, a)`,
        ),
      ).toEqual([[text, text + text]]);
    },
  );

  it('as a column name stays a name', async () => {
    const [table] = await engine.run(`print ['a"b'] = 1, ["c'd; drop"] = 2, ['A"B'] = 3 | where ['a"b'] == 1`);
    expect(table?.columns.map((column) => column.name)).toEqual(['a"b', "c'd; drop", 'A"B']);
  });

  it('nested 10,000 deep is refused, and the parser goes on', async () => {
    await expect(engine.run(`print ${'('.repeat(10_000)}1${')'.repeat(10_000)}`)).rejects.toMatchObject({
      code: 'limits',
    });
    expect(await rowsOf('print 1')).toEqual([[1]]);
  });
});
