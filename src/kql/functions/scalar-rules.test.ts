import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

const json = (value: unknown): unknown =>
  typeof value === 'string' && /^[[{]/.test(value) ? JSON.parse(value) : value;

/** Expressions and their values: what the pages of the KQL documentation (MicrosoftDocs/dataexplorer-docs, CC BY 4.0) say of
 * scalar functions and types, by the page. */
const rules: Readonly<Record<string, readonly (readonly [string, unknown])[]>> = {
  'spellings of older queries': [
    ['todynamic(dynamic([1]))', [1]],
    ['toobject(dynamic([1]))', [1]],
    ["tostring(split('a/b', '/')['-1'])", 'b'],
    ["tolong(dynamic({'0':5})['0'])", 5],
    ['datetime(now) == now()', true],
    ['int(0xf090013d) == toint(-258997955)', true],
    ["'abc' notcontains 'x' and 'abc' containscs 'b' and not('abc' containscs 'B')", true],
    ['toscalar(range x from 1 to 3 step 1 | summarize hint.strategy=partitioned count() by x | count)', 3],
  ],
  tohex: [
    ["tohex(toint(-256), 8) == 'ffffff00'", true],
    ["tohex(-256) == 'ffffffffffffff00'", true],
    ['tohex(toint(-1))', 'ffffffff'],
    ['tohex(255, 20)', '00000000000000ff'],
  ],
  toguid: [
    ["toguid('0123456789abcdef0123456789abcdef and more')", '01234567-89ab-cdef-0123-456789abcdef'],
    ["toguid('0123456789ab-cdef-0123-456789abcdef')", '01234567-89ab-cdef-0123-456789abcdef'],
    ["toguid('a string that is not a guid')", null],
  ],
  'strings of null': [
    ['substring(long(null), 0)', ''],
    ["substring('abc', long(null))", ''],
    ["split(int(null), 'u')", ['']],
    ["indexof(guid(null), 'u')", -1],
    ["strcat_delim('-', int(null), 'x', long(null), real(null), guid(null))", '-x---'],
    ['hash_md5(long(null)) == hash_md5(real(null))', true],
  ],
  'array-sort-asc and array-sort-desc': [
    [`array_sort_asc(dynamic([true, "b", 2, [1], "a", 1.5, false]))`, [1.5, 2, 'a', 'b', false, true, [1]]],
    ['array_sort_asc(pack_array(1d, 23h, -1h, time(null)))', ['-01:00:00', '23:00:00', '1.00:00:00', null]],
    ['array_sort_desc(pack_array(23h, 2d, 1.5d))', ['2.00:00:00', '1.12:00:00', '23:00:00']],
    ["array_sort_asc(dynamic(['1.00:00:00', '23:00:00', 'none']))", ['1.00:00:00', '23:00:00', 'none']],
  ],
  'arrays and bags that are none': [
    ["bag_set_key(dynamic([1]), 'a', 1)", null],
    ["array_length(dynamic({'a': 1}))", null],
    ['bag_keys(dynamic([1]))', null],
    ["bag_zip(dynamic(['a']), dynamic(1))", { a: null }],
    ["array_concat(dynamic([1]), dynamic({'a': 1}))", [1]],
  ],
  'bag-has-key': [
    ["bag_has_key(dynamic({'a': {'b': null}}), '$.a.b')", true],
    ["bag_has_key(dynamic({'a': [1]}), '$.a[0]')", false],
    ["bag_has_key(dynamic({'a': 1}), '$')", false],
  ],
  'extract and extract-json': [
    [`extract_json('$.a', '{"a": [7, {"b": 8}]}', typeof(dynamic))[1].b`, '8'],
    [`extract(@'(\\[.*\\])', 1, 'list: [7, 8]', typeof(dynamic))`, [7, 8]],
    [`extract('(z)', 1, 'list', typeof(dynamic))`, null],
    [`extract('([0-9]+)', 1, 'no 12', typeof(int))`, 12],
  ],
  'format-ipv4-mask': [
    ["format_ipv4_mask('10.1.2.3/8')", '10.0.0.0/8'],
    ['format_ipv4_mask(3232235777)', '192.168.1.1/32'],
    ["format_ipv4_mask('10.1.2.3', 16)", '10.1.0.0/16'],
  ],
  'gzip-base64-decompress': [
    ["gzip_decompress_from_base64_string('H4sIAAAAAAACA0tMSgYAwkEkNQMAAAA=')", 'abc'],
    ["gzip_decompress_from_base64_string('H4sICAAAAAAC/2EudHh0AEtMSgYAwkEkNQMAAAA=')", ''],
  ],
  'unicode-codepoints-to-string': [['unicode_codepoints_to_string(55296)', '']],
  'zlib-base64-compress': [
    ["zlib_compress_to_base64_string('1234567890qwertyuiop')", 'eAEBFADr/zEyMzQ1Njc4OTBxd2VydHl1aW9wOAkGdw=='],
  ],
  bin: [['bin(5.5, -1.0)', null]],
  'datetime, beyond its years': [
    ['datetime(9999-12-31) + 2d', null],
    ['datetime(0001-01-01) - 1h', null],
    ['1d - datetime(2020-01-01)', null],
    ['ago(9000000d)', null],
    ['todatetime(-5)', null],
    ['todatetime(4000000000000000000)', null],
    ['startofday(datetime(9999-12-31), 1)', null],
    ['endofmonth(datetime(9999-12-31), 1)', null],
    ['startofyear(datetime(0001-06-01), -1)', null],
    ["datetime_utc_to_local(datetime(9999-12-31 23:00), 'Asia/Tokyo')", null],
    ['datetime(9999-12-30) + 1d + 2d - 3d', '9999-12-30T00:00:00.0000000Z'],
    ['bin_at(datetime(0001-01-01 00:10), 1h, datetime(2020-01-01 00:30))', null],
    ['bin_at(datetime(0001-01-01 00:40), 1h, datetime(2020-01-01 00:30))', '0001-01-01T00:30:00.0000000Z'],
    [
      'toscalar(print t = datetime(0001-01-01) | scan declare (b:datetime) with (step s: true => b = bin_at(t, 1h, t + 1m);) | project b)',
      null,
    ],
  ],
  'toupper and tolower, one letter for one': [
    ["toupper('Straße ı ǆ ŉ')", 'STRAßE ı Ǆ ŉ'],
    ["tolower('ẞ İ Ǆ')", 'ß İ ǆ'],
  ],
  'series-add and series-subtract of datetimes': [
    ['series_subtract(pack_array(datetime(2020-01-01 00:00:02)), pack_array(datetime(2020-01-01)))', [20_000_000]],
    ["series_subtract(dynamic(['2020-01-01']), 1)", [null]],
    ['series_greater(pack_array(datetime(2020-01-02)), pack_array(datetime(2020-01-01)))', [true]],
  ],
  'series-fill-const': [["tostring(series_fill_const(dynamic([1, null]), 0.0)) == '[1,0.0]'", true]],
  'array-sum': [['array_sum(dynamic([1, true]))', null]],
  'array-index-of': [
    ["array_index_of(dynamic(['a']), 'a', 0, -2)", null],
    ["array_index_of(dynamic(['a']), 'a', 0, -1, -1)", null],
  ],
  indexof: [
    ["indexof('abc', 'b', 0, -2)", null],
    ["indexof('abc', 'b', 0, -1, -1)", null],
    ["indexof_regex('abcabc', @'a|ab', -1)", null],
    ["indexof_regex('abcabcdefg', @'a.c', 0, 9, 2)", 3],
    ["indexof('😀b😀b', 'b', 2)", 3],
    ["indexof('x😀b', 'b', 0, 3)", 2],
    ["indexof('😀😀b', '😀', -2)", 1],
    ["indexof_regex('😀b1', '[0-9]')", 2],
  ],
  treepath: [
    [`treepath(parse_json('{"list":[100, "abc", {"x":"y"}]}'))`, ["['list']", "['list'][0]", "['list'][0]['x']"]],
  ],
  'bag-set-key': [
    ["bag_set_key(dynamic(null), 'a', 1)", null],
    ["bag_set_key(dynamic({'a': 1}), '$', 1)", null],
    ["bag_set_key(dynamic({'a': [1]}), '$.a[0]', 1)", null],
    ["bag_set_key(dynamic({'a': 1}), '$.b.c', 2)", { a: 1, b: { c: 2 } }],
  ],
  'beta-inv and beta-pdf': [
    ['beta_inv(0.0, 1.0, 2.0)', null],
    ['beta_inv(1.0, 1.0, 2.0)', 1],
    ['beta_pdf(1.0, 1.0, 2.0)', 'NaN'],
  ],
  'set-difference': [['set_difference(dynamic(null), dynamic([1]))', null]],
  ceiling: [
    ['ceiling(9223372036854775807)', '9223372036854775807'],
    ['ceiling(toint(5))', 5],
    ['ceiling(-1.5)', -1],
  ],
  'parse-user-agent': [['bag_keys(parse_user_agent("x"))', ['Browser', 'OperatingSystem', 'Device']]],
  'geo-azimuth and geo-angle': [
    ['geo_azimuth(5, 10, 5, 10)', null],
    ['geo_azimuth(5, 10, -175, -10)', null],
    ['geo_angle(0, 10, 0, 10, 3, -10)', null],
  ],
  'geo-polygon-to-s2cells': [
    [
      'array_length(geo_polygon_to_s2cells(dynamic({"type":"Polygon","coordinates":[[[0,0],[0,50],[100,50],[0,0]]]}), 5))',
      286,
    ],
  ],
  'geo-polygon-area': [
    [
      'geo_polygon_area(dynamic({"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9],[0,9],[0,0]],[[5,5],[5,8],[10,8],[10,5],[5,5]]]}))',
      null,
    ],
    [
      'geo_polygon_area(dynamic({"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9],[0,0]],[[9,0],[9,9],[8,4],[9,0]]]}))',
      null,
    ],
  ],
  'geo-polygon-to-h3cells': [
    [
      'array_length(geo_polygon_to_h3cells(dynamic({"type":"Polygon","coordinates":[[[-3.659,40.553],[-3.913,40.409],[-3.729,40.273],[-3.524,40.440],[-3.659,40.553]]]}), 6, 3000.0)) > 13',
      true,
    ],
  ],
  'geo-line-simplify and geo-polygon-simplify': [
    [
      'array_length(geo_line_simplify(dynamic({"type":"MultiLineString","coordinates":[[[0,0],[0.1,0.00001],[0.2,0]],[[2,2],[2.00001,2]]]})).coordinates)',
      2,
    ],
    [
      'array_length(geo_polygon_simplify(dynamic({"type":"Polygon","coordinates":[[[0,0],[0.5,0.00001],[1,0],[1,1],[0,0]],[[0.7,0.4],[0.8,0.41],[0.70001,0.40001],[0.7,0.4]]]})).coordinates)',
      1,
    ],
  ],
  'geo-polygon-buffer': [
    ['geo_polygon_buffer(dynamic({"type":"Polygon","coordinates":[[[10,10],[0,10],[0,0],[10,10]]]}), 0)', null],
    [
      'geo_polygon_buffer(dynamic({"type":"Polygon","coordinates":[[[10,10],[0,10],[0,0],[10,10]]]}), 10000).type',
      '"Polygon"',
    ],
  ],
  'parse-path': [
    ["parse_path('file://C:/temp/file.txt:some.exe').RootPath", '"C:"'],
    [`parse_path(@'\\\\shared\\users\\temp\\file.txt.gz').RootPath`, '""'],
    ["parse_path('/usr/lib/temp/file.txt').RootPath", '""'],
    [`parse_path(@'C:\\temp\\file.txt').RootPath`, '"C:"'],
  ],
  'ipv6-compare': [
    ["ipv6_compare('::192.168.1.1/30', '192.168.1.255/24')", 0],
    ["ipv6_is_match('::192.168.1.1/30', '192.168.1.255/24', 127)", true],
  ],
  'punycode-domain': [
    ["punycode_domain_from_string('xn--Ry-lja8c.xn--Jng-uta63a.xn--Bng-9ka.com')", 'Rúyì.Jīngū.Bàng.com'],
    ["punycode_domain_to_string('Lê Lợi。Thuận Thiên。com')", 'xn--L Li-gpa4517b.xn--Thun Thin-s4a7194f.com'],
    ["punycode_domain_to_string('Riðill｡Skáldskaparmál｡org')", 'xn--Riill-jta.xn--Skldskaparml-dbbj.org'],
    [`punycode_domain_to_string("Kaledvoulc'h.Artorījos.edu")`, "Kaledvoulc'h.xn--Artorjos-ejb.edu"],
  ],
  'dynamic-to-json': [
    ['dynamic_to_json(1h)', '01:00:00'],
    [
      'strcat("=", dynamic_to_json(dynamic({"b":[1234567890123456789, 1.0],"a":{"d":1,"c":2}})))',
      '={"a":{"c":2,"d":1},"b":[1234567890123456789,1.0]}',
    ],
  ],
  'series-cosine-similarity': [
    ['series_cosine_similarity(dynamic([3, 4, 5]), dynamic([3, 4]))', 1],
    ["series_cosine_similarity(dynamic([3, 'a', 4]), dynamic([3, 5, 4]))", expect.closeTo(1 / Math.sqrt(2), 12)],
    ['series_cosine_similarity(dynamic([]), dynamic([1]))', null],
  ],
  'unixtime-seconds-todatetime': [
    ['unixtime_seconds_todatetime(1e18)', null],
    ['unixtime_milliseconds_todatetime(9223372036854775807)', null],
    ['unixtime_seconds_todatetime(-62135596800)', '0001-01-01T00:00:00.0000000Z'],
    ['unixtime_seconds_todatetime(1546300800.5)', '2019-01-01T00:00:00.5000000Z'],
  ],
  'parse-command-line': [
    [String.raw`parse_command_line("echo \"hello world!\"", "windows")`, ['echo', 'hello world!']],
    [String.raw`parse_command_line(@'x a\\b d"e f"g h', "windows")`, ['x', 'a\\\\b', 'de fg', 'h']],
    [String.raw`parse_command_line(@'x "a\\" b\"c', "windows")`, ['x', 'a\\', 'b"c']],
    [String.raw`parse_command_line(@'"C:\a b\x.exe" "a""" b', "windows")`, ['C:\\a b\\x.exe', 'a" b']],
    [String.raw`parse_command_line(@'a\"b "" c', "windows")`, ['a\\"b', '', 'c']],
  ],
  'parse-url-query': [
    [`toscalar(print p = 'k2' | extend d = parse_urlquery('k1=v1&k2=v2') | project d['Query Parameters'].[p])`, '"v2"'],
  ],
  'regex-quote': [["regex_quote('(so$me.Te^xt) a-b&~')", String.raw`\(so\$me\.Te\^xt\) a\-b\&\~`]],
  'parse-version': [
    ["parse_version('3.1.4.1')", '3000000010000000400000001'],
    ["parse_version('3.1') > decimal(3000000000000000000000000)", true],
    ["parse_version('3.1') != 7 and parse_version('3.1') > 7 and parse_version('3.1') !in (1, 2)", true],
    ["parse_version('3.1') between (1 .. 2)", false],
    ["ceiling(parse_version('0.0.1.5'))", '100000005'],
    [
      "toscalar(print p = parse_version('3.1') | union (print p = parse_version('4')) | summarize min(p))",
      '3000000010000000000000000',
    ],
    [
      "toscalar(print v = '3.1' | scan declare (p:decimal) with (step s: true => p = parse_version(v);) | project p)",
      '3000000010000000000000000',
    ],
  ],
  regex: [
    ["'café' matches regex @'^\\w+$'", true],
    ["'éa' matches regex @'\\ba'", false],
    ["'a' matches regex strcat('[a', '-c--b]')", true],
    ["replace_regex('x1y22', @'(\\d+)', @'<\\1>')", 'x<1>y<22>'],
    [
      "extract_all(@'(?P<a>.)(?P<b>.)', dynamic(['b', 'a']), 'wxyz')",
      [
        ['x', 'w'],
        ['z', 'y'],
      ],
    ],
  ],
};

describe.each(Object.entries(rules))('%s', (_page, cases) => {
  it.each(cases)('%s', async (expression, value) => {
    const [table] = await engine.run(`print ${expression}`);
    expect(json(table?.rows[0]?.[0])).toEqual(value);
  });
});

it.each([
  "print p = parse_version('3.1') | union (print p = decimal(1.5))",
  "print p = parse_version('3.1') | extend p + 1",
  "print p = parse_version('3.1') | extend iff(p > 1, p, decimal(1.5))",
  "print p = parse_version('3.1') | summarize sum(p)",
  "print p = parse_version('3.1') | summarize avg(p)",
  "print p = parse_version('3.1') | scan declare (q:decimal) with (step s: true => q = p + 1;)",
  'print decimal(10000000000) * decimal(10000000000)',
])('%s is refused: it needs more digits than decimals have here', async (query) => {
  await expect(engine.run(query)).rejects.toMatchObject({
    code: 'notSupported',
    message: 'Decimals of more than 20 digits before the point are not supported.',
  });
});

it('sketches of different accuracy are not merged', async () => {
  const sketches = 'print x = 1 | summarize a = hll(x, 2), b = hll(x)';
  for (const merge of [
    'project hll_merge(a, b)',
    'project h = pack_array(a, b) | mv-expand h | summarize hll_merge(h)',
  ])
    await expect(engine.run(`${sketches} | ${merge}`), merge).rejects.toMatchObject({ code: 'runtime' });
});

it('the average of decimals has all its digits', async () => {
  const [table] = await engine.run(
    'datatable(d:decimal)[decimal(12345678901234567.1), decimal(0.2), decimal(null)] | summarize avg(d), avgif(d, d > 1)',
  );
  expect(table?.rows).toEqual([['6172839450617283.65', '12345678901234567.1']]);
});

it.each([
  ["extract('(?=a)a', 0, 'a')", 'look-around'],
  ["'a' matches regex '(?=a)'", 'look-around'],
  ["extract_all(@'\\d+', 'a 123')", '[1..16] matching groups'],
  ["extract('(', 0, 'a')", 'a group is not closed'],
  ["array_length('[1]')", 'must be a dynamic array'],
  ["bag_keys('{}')", 'must be a dynamic bag'],
])('%s is refused: %s', async (expression, reason) => {
  await expect(engine.run(`print ${expression}`)).rejects.toThrow(reason);
});
