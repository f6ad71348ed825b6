/** A request that would take minutes or for ever, in one stage of its way. Tables: `heavyTables`. */
export interface HeavyRequest {
  readonly name: string;
  readonly of: 'query' | 'mgmt';
  readonly csl: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** What the requests name, made by commands; and an account of storage `slowbox` whose blobs never come to their end. */
export const heavyTables = [
  '.set-or-replace Few <| range i from 1 to 1000 step 1 | extend s = strcat("row ", i)',
  '.set-or-replace Big <| range i from 1 to 1000000 step 1 | extend s = strcat("row ", hash(i))',
  '.create table Slow (a: long, b: string)',
];

const many = (count: number, one: (index: number) => string, between: string): string =>
  Array.from({ length: count }, (_each, index) => one(index)).join(between);
const endless = 'range i from 1 to 1000000000000 step 1';
const slowBlob = "'https://slowbox.blob.core.windows.net/c/slow.csv'";
const timed = 'Big | extend t = datetime(2020-01-01) + i * 1s';
const kinds = 'a = i % 7, b = tostring(i % 51), c = tostring(i % 100), d = tostring(i % 30), e = tostring(i % 13)';
const times = 'datetime(2020-01-01), datetime(2021-01-01)';

const queries: Readonly<Record<string, string>> = {
  // Before anything is read.
  'bodies of functions': `${many(1_500, (at) => `let f${at} = (x: long) { ${at === 0 ? 'x' : `f${at - 1}(x) + f${at - 1}(x)`} };`, '\n')} print f1499(1)`,
  // Wide, for what is deep is refused for want of stack, on a machine at rest before its time is over.
  'parse and bind': `Few | project ${many(12_000, (at) => `c${at} = s has "a${at}" and i * ${at} > ${at + 1}`, ', ')} | count`,
  'legs of a union': `union ${many(2_000, (at) => `(Few | extend c${at} = i | where s has "x${at}")`, ', ')} | count`,
  'plan of many joins': `Few ${many(60, (at) => `| join kind=leftouter (Few | project i, s${at} = s) on i`, ' ')} | count`,
  // In the engine.
  count: `${endless} | count`,
  aggregate: `${endless} | summarize count(), max(i * 3) by i % 1000 | count`,
  sort: 'range i from 1 to 300000000 step 1 | extend h = hash(i) | sort by h asc | extend p = prev(h) | summarize max(p)',
  join: `Few | extend k = 1 ${many(3, () => '| join kind=inner (Few | extend k = 1) on k | project k, i', ' ')} | summarize sum(i)`,
  lookup: 'Big | extend k = i % 3 | lookup kind=leftouter (Big | extend k = i % 3) on k | summarize count()',
  'mv-expand': 'Big | mv-expand j = range(1, 9000, 1) to typeof(long) | where j + strlen(s) == -1 | count',
  'make-series': `${timed} | make-series n = count() default=0 on t from datetime(2000-01-01) to datetime(2030-01-01) step 20m by k = i % 1000`,
  dcount: `${endless} | summarize dcount(i), hll(i), tdigest(i)`,
  percentiles: `${endless} | summarize percentiles(i, 1, 50, 99) by i % 10`,
  make_list: `${endless} | summarize make_list(i), make_set(i % 100000)`,
  distinct: `${endless} | distinct i | count`,
  'a list of 3,000 terms': `Big | extend t = strcat_array(repeat(s, 500), " ") | where t has_any (${many(3_000, (at) => `"q${at}"`, ',')}) | count`,
  'a regular expression':
    'Big | extend t = strcat_array(repeat("ab1", 3000), "") | extend x = extract_all("([a-z]+)([0-9])", t) | summarize sum(array_length(x))',
  materialize:
    'let m = materialize(Big | mv-expand j = range(1, 9000, 1) to typeof(long)); m | join kind=inner m on j | count',
  toscalar: 'let a = toscalar(Big | extend k = 1 | join kind=inner (Big | extend k = 1) on k | count); print a',
  // Functions in JavaScript.
  'one call of a function':
    'print x = array_length(series_fir(range(1, 200000, 1), range(1, 200000, 1), false, false))',
  'a decomposition': 'print x = series_decompose(range(1, 500000, 1))',
  'a transform of each row': 'Few | extend x = series_fft(range(1, 100000, 1)) | summarize take_any(x)',
  'calls for many rows':
    'range i from 1 to 500000000 step 1 | extend x = parse_url(strcat("https://h/", i)) | summarize take_any(x), count() by tostring(x.Host)',
  'sets of many rows':
    'Few | extend x = set_union(range(1, 100000, 1), range(50000, 150000, 1)) | summarize sum(array_length(x))',
  'a union of polygons':
    'Big | extend b = geo_point_buffer(toreal(i % 180), toreal(i % 89), 1000000.0) | summarize a = make_list(b) | project geo_union_polygons_array(a)',
  // Operators and plugins that walk rows.
  scan: 'range x from 1 to 1999999 step 1 | scan declare (a: long = 0) with (step s: true => a = s.a + array_length(range(1, x % 900, 1));) | count',
  'mv-apply':
    'Big | extend a = range(1, 500, 1) | mv-apply a to typeof(long) on (top 2 by a desc | summarize x = sum(a)) | summarize sum(x)',
  'partition, legacy':
    'Big | extend k = i % 60 | partition hint.strategy=legacy by k (join kind=inner (Big | extend k = 1) on i | top 10 by i)',
  'partition, native':
    'Big | partition hint.strategy=native by s (scan declare (a: long = 0) with (step s1: true => a = s1.a + array_length(range(1, i % 900, 1));)) | count',
  row_window_session:
    'range i from 1 to 30000000 step 1 | extend t = datetime(2020-01-01) + i * 1s | serialize s = row_window_session(t, 1h, 1m, i % 100 == 0) | summarize dcount(s)',
  reduce:
    'Big | extend t = strcat("word", i % 1000, " x ", hash(i), " y ", i % 77, s) | reduce by t with threshold=0.01',
  autocluster: `Big | extend ${kinds}, s1 = s | evaluate autocluster()`,
  diffpatterns: `Big | extend ${kinds}, g = tostring(i % 2) | evaluate diffpatterns(g, "0", "1")`,
  'columns of bag_unpack':
    'Big | extend k = 1 | join kind=inner (Big | extend k = 1) on k | project d = bag_pack(s, i) | evaluate bag_unpack(d)',
  narrow:
    'Big | project a = i, b = s, c = s, d = s, e = s, f = s, g = s, h = s, k = s | evaluate narrow() | summarize dcount(Value) by Column',
  sliding_window_counts: `Big | extend t = datetime(2020-01-01) + i * 1m | evaluate sliding_window_counts(s, t, ${times}, 300d, 1h)`,
  ipv4_lookup:
    'Big | extend ip = format_ipv4(i) | evaluate ipv4_lookup((Big | project n = strcat(format_ipv4(i * 256), "/24"), i2 = i), ip, n) | count',
  'paths of a graph':
    'Big | project a = i % 2000, b = hash(i, 2000) | make-graph a --> b with_node_id=n | graph-match (x)-[e*1..6]->(y) where x.n == 1 project z = y.n | count',
  'components of a graph':
    'Big | project a = i, b = hash(i, 5000000) | make-graph a --> b with_node_id=n | graph-mark-components kind=weak | graph-to-table nodes | summarize count() by ComponentId | count',
  // What comes from elsewhere.
  'data from elsewhere': `externaldata(a: long, b: string)[${slowBlob}] | count`,
};
/** What goes out. */
const results: Readonly<Record<string, string>> = {
  'encoding of results': `${endless} | extend s = strcat("row ", i)`,
  'encoding of large values': `${endless} | extend s = range(1, 500, 1)`,
};
const commands: Readonly<Record<string, string>> = {
  'the query of a command': `.set-or-append Out <| ${endless} | summarize n = count() by i % 10`,
  'the rows of a command': `.set-or-append Rows <| ${endless} | extend s = strcat("row ", i)`,
  'ingestion from elsewhere': `.ingest into table Slow (${slowBlob})`,
};

const listOf = (texts: Readonly<Record<string, string>>, of: HeavyRequest['of'], more = {}): HeavyRequest[] =>
  Object.entries(texts).map(([name, csl]) => ({ name, of, csl, ...more }));

export const heavyRequests: readonly HeavyRequest[] = [
  ...listOf(queries, 'query'),
  ...listOf(results, 'query', { options: { notruncation: true } }),
  ...listOf(commands, 'mgmt'),
];

/** Of a kilobyte each. */
const wide = `${endless} | extend s = strcat(i, "${'x'.repeat(1_000)}")`;

/** Queries that keep more and more, in the stages that keep anything. */
export const hungryQueries: Readonly<Record<string, string>> = {
  'groups of an aggregate': `${wide} | summarize make_list(s) by i % 1000`,
  'one group': `${wide} | summarize make_list(s), dcount(s)`,
  sketches: `${endless} | summarize hll(i), tdigest(i)`,
  'distinct rows': `${wide} | distinct s | count`,
  'a sort': `${wide} | sort by s asc | extend p = prev(s) | summarize max(p)`,
  'a join': `${endless} | join kind=inner (${wide}) on i | summarize max(s)`,
  'materialized rows': `let m = materialize(${wide}); m | summarize count(), max(s)`,
  'rows of a series': `${wide} | extend j = i % 100 | make-series n = count() on j from 0 to 100 step 1 by s`,
  'rows of an operator': `${wide} | scan declare (a: string) with (step x: true => a = s;) | summarize max(a)`,
  'rows of a plugin': `${wide} | project a = tostring(i % 7), s | evaluate autocluster()`,
  'columns of a plugin': `${wide} | project d = bag_pack(strcat("k", i % 10), s) | evaluate bag_unpack(d)`,
  partitions: `${wide} | partition hint.strategy=native by s (top 3 by i)`,
  'a graph': `${wide} | project a = s, b = strcat(s, "y") | make-graph a --> b with_node_id=n | graph-mark-components kind=weak | graph-to-table nodes | count`,
  'values of a function': 'Few | extend a = range(i, i + 1000000, 1) | summarize max(strlen(tostring(a)))',
  'an argument of many rows':
    'print l = range(1, 300000, 1) | mv-expand x = l to typeof(long) | summarize m = make_list(l) | extend f = series_fft(m)',
  'a value that grows':
    'Few | extend s = strcat_array(repeat("abcdefghij", 1000000), "") | summarize strlen(strcat_array(make_list(s), ""))',
};

/** Endless queries whose first rows are known long before: nothing is put in order for them. */
export const flowingQueries: Readonly<Record<string, string>> = {
  columns: `${endless} | extend s = strcat("row ", i)`,
  'a filter': `${endless} | where i % 2 == 1 | project s = strcat("row ", i)`,
  'a union': `union (${endless} | project s = strcat("row ", i)), (${endless} | project s = strcat("other ", i))`,
  'a lookup': `${endless} | lookup kind=leftouter (Few | project i, t = s) on i | project s = strcat("row ", i), t`,
  'mv-expand': `${endless} | mv-expand j = range(1, 3, 1) to typeof(long) | project s = strcat("row ", i), j`,
  'mv-expand of columns': `${endless} | project s = strcat("row ", i), a = pack_array(i, i) | mv-expand a, b = a | where a > 0`,
  'a function in JavaScript': `${endless} | project s = strcat("row ", i), u = parse_url(strcat("https://h/", i))`,
};
