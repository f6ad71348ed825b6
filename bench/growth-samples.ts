/** What each operator, plugin, aggregate and function is measured with. The names are the product's own (bench/growth.ts): one without
 * a sample, and a sample without a name, is an error. Scalar functions are called as in `kql/functions/*.cases.ts` where that has a case.
 *
 * Every text goes on from `source`: rows with a column of each type, under the names that those cases use, and n from 1 on. */
export const source = `range n from 1 to rows step 1
  | extend i = n, j = toint(n % 1000), x = n * 0.5, m = todecimal(n), s = strcat("Hello, World ", n), t = datetime(2024-01-01) + n * 1s,
    d = n * 1s, b = n % 2 == 0, o = pack_array(n, 3, 1, 2), g = toguid(strcat("0e4f1c5a-1111-2222-3333-", 100000000000 + n)), k = n / 20`;

const shapes = `extend lon = (n % 3000) * 0.1 - 150, lat = (n % 1500) * 0.1 - 75
  | extend line = dynamic_to_json(bag_pack("type", "LineString", "coordinates", pack_array(pack_array(lon, lat), pack_array(lon + 0.01, lat), pack_array(lon + 0.01, lat + 0.02)))),
    area = bag_pack("type", "Polygon", "coordinates", pack_array(pack_array(pack_array(lon, lat), pack_array(lon + 0.01, lat), pack_array(lon + 0.01, lat + 0.02), pack_array(lon, lat))))
  | extend line = parse_json(line), cell = geo_point_to_s2cell(lon, lat, 12), hash = geo_point_to_geohash(lon, lat, 6), hexagon = geo_point_to_h3cell(lon, lat, 6)`;

/** Expressions for scalar functions and operators that have no case; of geometry, over the columns of `shapes`. */
const calls: Readonly<Record<string, string>> = {
  '==filter': 's == "Hello, World 7"',
  neg: '-i',
  search: '',
  search_cs: '',
  bin_auto: 'bin_auto(n)',
  pi: 'pi() * n',
  rand: 'rand(n)',
  now: 'now() - n * 1s',
  ago: 'ago(d)',
  datetime_list_timezones: 'datetime_list_timezones()',
  path: 'o.a',
  index: 'o[j]',
  treepath: 'treepath(bag_pack("a", n, "b", bag_pack("c", s)))',
  bag_pack_nonempty: 'pack_all(true)',
  current_database: 'strcat(current_database(), n)',
  current_cluster_endpoint: 'strcat(current_cluster_endpoint(), n)',
  current_principal: 'strcat(current_principal(), n)',
  current_principal_is_member_of: 'current_principal_is_member_of("aadapp=a")',
  new_guid: 'new_guid()',
  geo_point_to_geohash: 'geo_point_to_geohash(lon, lat)',
  geo_geohash_to_central_point: 'geo_geohash_to_central_point(hash)',
  geo_geohash_to_polygon: 'geo_geohash_to_polygon(hash)',
  geo_geohash_neighbors: 'geo_geohash_neighbors(hash)',
  geo_point_to_s2cell: 'geo_point_to_s2cell(lon, lat)',
  geo_s2cell_to_central_point: 'geo_s2cell_to_central_point(cell)',
  geo_s2cell_to_polygon: 'geo_s2cell_to_polygon(cell)',
  geo_s2cell_neighbors: 'geo_s2cell_neighbors(cell)',
  geo_polygon_to_s2cells: 'geo_polygon_to_s2cells(area, 10)',
  geo_line_to_s2cells: 'geo_line_to_s2cells(line, 10)',
  geo_polygon_to_h3cells: 'geo_polygon_to_h3cells(area, 6)',
  geo_point_to_h3cell: 'geo_point_to_h3cell(lon, lat)',
  geo_h3cell_to_central_point: 'geo_h3cell_to_central_point(hexagon)',
  geo_h3cell_to_polygon: 'geo_h3cell_to_polygon(hexagon)',
  geo_h3cell_neighbors: 'geo_h3cell_neighbors(hexagon)',
  geo_h3cell_rings: 'geo_h3cell_rings(hexagon, 2)',
  geo_h3cell_level: 'geo_h3cell_level(hexagon)',
  geo_h3cell_parent: 'geo_h3cell_parent(hexagon, 4)',
  geo_h3cell_children: 'geo_h3cell_children(hexagon, 7)',
  geo_line_simplify: 'geo_line_simplify(line, 10)',
  geo_polygon_simplify: 'geo_polygon_simplify(area, 10)',
  geo_simplify_polygons_array: 'geo_simplify_polygons_array(pack_array(area), 10)',
  geo_point_buffer: 'geo_point_buffer(lon, lat, 100)',
  geo_line_buffer: 'geo_line_buffer(line, 100)',
  geo_polygon_buffer: 'geo_polygon_buffer(area, 100)',
  geo_intersection_2lines: 'geo_intersection_2lines(line, line)',
  geo_intersects_2lines: 'geo_intersects_2lines(line, line)',
  geo_intersection_line_with_polygon: 'geo_intersection_line_with_polygon(line, area)',
  geo_intersects_line_with_polygon: 'geo_intersects_line_with_polygon(line, area)',
  geo_intersection_2polygons: 'geo_intersection_2polygons(area, area)',
  geo_intersects_2polygons: 'geo_intersects_2polygons(area, area)',
  geo_from_wkt: 'geo_from_wkt(strcat("POINT(", lon, " ", lat, ")"))',
  geo_distance_2points: 'geo_distance_2points(lon, lat, 1.0, 2.0)',
  geo_azimuth: 'geo_azimuth(lon, lat, 1.0, 2.0)',
  geo_angle: 'geo_angle(lon, lat, 1.0, 2.0, 3.0, 4.0)',
  geo_point_in_circle: 'geo_point_in_circle(lon, lat, 1.0, 2.0, 1000)',
  geo_point_in_polygon: 'geo_point_in_polygon(lon, lat, area)',
  geo_closest_point_on_line: 'geo_closest_point_on_line(lon, lat, line)',
  geo_closest_point_on_polygon: 'geo_closest_point_on_polygon(lon, lat, area)',
  geo_distance_point_to_line: 'geo_distance_point_to_line(lon, lat, line)',
  geo_distance_point_to_polygon: 'geo_distance_point_to_polygon(lon, lat, area)',
  geo_line_length: 'geo_line_length(line)',
  geo_line_centroid: 'geo_line_centroid(line)',
  geo_line_densify: 'geo_line_densify(line, 1000)',
  geo_line_locate_point: 'geo_line_locate_point(line, lon, lat)',
  geo_line_interpolate_point: 'geo_line_interpolate_point(line, 0.5)',
  geo_polygon_area: 'geo_polygon_area(area)',
  geo_polygon_perimeter: 'geo_polygon_perimeter(area)',
  geo_polygon_centroid: 'geo_polygon_centroid(area)',
  geo_polygon_densify: 'geo_polygon_densify(area, 1000)',
  geo_union_polygons_array: 'geo_union_polygons_array(pack_array(area, area))',
  geo_union_lines_array: 'geo_union_lines_array(pack_array(line, line))',
};
/** Pipes for functions that take what only an aggregate makes, and for terms of `search`. */
const pipes: Readonly<Record<string, string>> = {
  search: 'search "World 7"',
  search_cs: 'search kind=case_sensitive "World 7"',
  dcount_hll: 'summarize h = hll(n) by k | project r = dcount_hll(h)',
  hll_merge: 'summarize h = hll(n) by k | project r = dcount_hll(hll_merge(h, h))',
  tdigest_merge: 'summarize h = tdigest(n) by k | project r = percentile_tdigest(tdigest_merge(h, h), 50)',
  rank_tdigest: 'summarize h = tdigest(n) by k | project r = rank_tdigest(h, k)',
  percentrank_tdigest: 'summarize h = tdigest(n) by k | project r = percentrank_tdigest(h, k)',
  percentile_tdigest: 'summarize h = tdigest(n) by k | project r = percentile_tdigest(h, 50)',
  percentiles_array_tdigest: 'summarize h = tdigest(n) by k | project r = percentiles_array_tdigest(h, 25, 50)',
};
/** Functions that cannot be called here. */
export const notMeasured: Readonly<Record<string, string>> = {
  geo_info_from_ip_address: 'needs a database of the user',
  row_window_session: 'takes at most 20,000 rows, and each row carries them all',
};

/** @param cases expressions over the columns of `source` @returns what follows the source; undefined where nothing is known */
export function functionPipe(name: string, cases: readonly string[]): string | undefined {
  const pipe = Object.hasOwn(pipes, name) ? pipes[name] : undefined;
  if (pipe !== undefined) return pipe;
  const called = /^\w+$/.test(name) ? new RegExp(String.raw`(?<!\w)${name}[ (]`) : undefined;
  const expression = calls[name] ?? cases.find((text) => (called ? called.test(text) : text.includes(name)));
  if (expression === undefined) return undefined;
  return `${name.startsWith('geo_') ? `${shapes} | ` : ''}project r = tostring(${expression}) | summarize sum(strlen(r))`;
}
export const sampledFunctions = [...Object.keys(calls), ...Object.keys(pipes)];

export const windowCalls: Readonly<Record<string, string>> = {
  row_number: 'row_number()',
  prev: 'prev(s)',
  next: 'next(s, 2)',
  row_cumsum: 'row_cumsum(n, n % 100 == 0)',
  row_rank: 'row_rank(k)',
  row_rank_dense: 'row_rank_dense(k)',
  row_rank_min: 'row_rank_min(k)',
};

/** Aggregates, each measured over all rows, and by groups of twenty. */
export const aggregateCalls: Readonly<Record<string, string>> = {
  count: 'count()',
  countif: 'countif(b)',
  sum: 'sum(x)',
  sumif: 'sumif(x, b)',
  avg: 'avg(x)',
  avgif: 'avgif(x, b)',
  min: 'min(s)',
  minif: 'minif(s, b)',
  max: 'max(s)',
  maxif: 'maxif(s, b)',
  dcount: 'dcount(s)',
  dcountif: 'dcountif(s, b)',
  count_distinct: 'count_distinct(s)',
  count_distinctif: 'count_distinctif(s, b)',
  stdev: 'stdev(x)',
  stdevif: 'stdevif(x, b)',
  stdevp: 'stdevp(x)',
  variance: 'variance(x)',
  varianceif: 'varianceif(x, b)',
  variancep: 'variancep(x)',
  variancepif: 'variancepif(x, b)',
  percentile: 'percentile(x, 90)',
  percentiles: 'percentiles(x, 10, 90)',
  make_list: 'make_list(s)',
  makelist: 'makelist(s, 100)',
  make_list_if: 'make_list_if(s, b)',
  make_list_with_nulls: 'make_list_with_nulls(s)',
  make_set: 'make_set(s)',
  makeset: 'makeset(s, 100)',
  make_set_if: 'make_set_if(s, b)',
  make_bag: 'make_bag(bag_pack(s, n))',
  make_dictionary: 'make_dictionary(bag_pack(s, n))',
  make_bag_if: 'make_bag_if(bag_pack(s, n), b)',
  arg_max: 'arg_max(x, s, o)',
  argmax: 'argmax(x, s)',
  arg_min: 'arg_min(x, *)',
  argmin: 'argmin(x, s)',
  take_any: 'take_any(s)',
  any: 'any(s)',
  take_anyif: 'take_anyif(s, b)',
  anyif: 'anyif(s, b)',
  buildschema: 'buildschema(bag_pack(strcat("a", n % 50), n, "o", o))',
  hll: 'hll(s)',
  hll_if: 'hll_if(s, b)',
  hll_merge: 'hll_merge(h)',
  tdigest: 'tdigest(x % 100000)',
  tdigest_merge: 'tdigest_merge(h)',
  binary_all_or: 'binary_all_or(n)',
  binary_all_and: 'binary_all_and(n)',
  binary_all_xor: 'binary_all_xor(n)',
  covariance: 'covariance(x, n)',
  covarianceif: 'covarianceif(x, n, b)',
  covariancep: 'covariancep(x, n)',
  covariancepif: 'covariancepif(x, n, b)',
  percentilew: 'percentilew(x, j, 90)',
  percentilesw: 'percentilesw(x, j, 10, 90)',
  percentiles_array: 'percentiles_array(x, 10, 90)',
  percentilesw_array: 'percentilesw_array(x, j, 10, 90)',
};

const [start, end] = ['datetime(2024-01-01)', 'datetime(2024-01-01) + rows * 1s'];
const networks =
  'let N = range q from 1 to rows step 1 | extend net = strcat("10.", q % 250, ".", q / 250 % 250, ".0/24"), owner = q;';

/** The query, with `SOURCE` where the rows come in. `let` statements may stand in front. */
export const pluginQueries: Readonly<Record<string, string>> = {
  bag_unpack: 'SOURCE | project n, d = bag_pack("a", n, "b", s, strcat("c", n % 30), x) | evaluate bag_unpack(d)',
  pivot: 'SOURCE | project k, v = strcat("p", n % 30), x | evaluate pivot(v, sum(x), k)',
  narrow: 'SOURCE | project n, s, x | evaluate narrow()',
  ipv4_lookup: `${networks} SOURCE | extend ip = strcat("10.", n % 250, ".", n / 250 % 250, ".7"), owner = n | evaluate ipv4_lookup(N, ip, net, owner)`,
  ipv6_lookup:
    'let N = range q from 1 to rows step 1 | extend net = strcat("fe80::", tohex(q % 60000), ":0/112"); SOURCE | extend ip = strcat("fe80::", tohex(n % 60000), ":7") | evaluate ipv6_lookup((N | take 1000), ip, net)',
  geo_polygon_lookup:
    'let P = print area = dynamic({"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}), name = "a"; SOURCE | extend lon = n % 360 - 180.0, lat = n % 150 - 75.0 | evaluate geo_polygon_lookup(P, area, lon, lat)',
  geo_line_lookup:
    'let P = print line = dynamic({"type":"LineString","coordinates":[[0,0],[10,0]]}), name = "a"; SOURCE | extend lon = n % 360 - 180.0, lat = n % 150 - 75.0 | evaluate geo_line_lookup(P, line, lon, lat, 1000)',
  rows_near: 'SOURCE | sort by t asc | evaluate rows_near(n % 10 == 0, 3)',
  rolling_percentile: 'SOURCE | sort by t asc | evaluate rolling_percentile(x, 90, t, 1s, 100)',
  dcount_intersect: 'SOURCE | summarize h1 = hll(n), h2 = hll(n + 5) by k | evaluate dcount_intersect(h1, h2)',
  activity_counts_metrics: `SOURCE | extend u = n % 500 | evaluate activity_counts_metrics(u, t, ${start}, ${end}, 1h)`,
  activity_metrics: `SOURCE | extend u = n % 500 | evaluate activity_metrics(u, t, ${start}, ${end}, 1h)`,
  activity_engagement: `SOURCE | extend u = n % 500 | evaluate activity_engagement(u, t, ${start}, ${end}, 1h, 4h)`,
  new_activity_metrics: `SOURCE | extend u = n % 500 | evaluate new_activity_metrics(u, t, ${start}, ${end}, 4h)`,
  sliding_window_counts: `SOURCE | extend u = n % 500 | evaluate sliding_window_counts(u, t, ${start}, ${end}, 4h, 1h)`,
  session_count: `SOURCE | extend u = n % 500 | evaluate session_count(u, t, ${start}, ${end}, 1h, 10m)`,
  active_users_count: `SOURCE | extend u = n % 500 | evaluate active_users_count(u, t, ${start}, ${end}, 4h, 1h, 2, 1h)`,
  basket: 'SOURCE | project a = n % 7, c = n % 3, e = n % 5 | evaluate basket()',
  autocluster: 'SOURCE | project a = n % 7, c = n % 3, e = n % 5 | evaluate autocluster()',
  diffpatterns: 'SOURCE | project a = n % 7, c = n % 3, e = iff(b, "x", "y") | evaluate diffpatterns(e, "x", "y")',
  sequence_detect:
    'SOURCE | extend u = n % 500 | evaluate sequence_detect(t, 10s, 20s, begins = n % 10 == 1, ends = n % 10 == 3, u)',
  funnel_sequence: `SOURCE | extend u = n / 10, state = strcat("s", n % 4) | evaluate funnel_sequence(u, t, ${start}, ${end}, 1h, 1h, state, dynamic(["s1", "s2"]))`,
  funnel_sequence_completion: `SOURCE | extend u = n / 10, state = strcat("s", n % 4) | evaluate funnel_sequence_completion(u, t, ${start}, ${end}, 1h, state, dynamic(["s1", "s2"]), dynamic([10m, 1h]))`,
  preview: 'SOURCE | evaluate preview(10)',
  estimate_rows_count: 'SOURCE | evaluate estimate_rows_count()',
  schema_merge:
    'SOURCE | project ColumnName = strcat("c", n), ColumnOrdinal = toint(n), DataType = "System.Int64", ColumnType = "long" | evaluate schema_merge()',
  diffpatterns_text:
    'SOURCE | extend text = strcat("request ", n % 7, " to ", n % 3, " took ", n % 11) | evaluate diffpatterns_text(text, b)',
};

const graph = 'SOURCE | project a = n, c = n / 2 | make-graph a --> c with_node_id=id';
export const operatorQueries: Readonly<Record<string, string>> = {
  FilterOperator: 'SOURCE | where s has "7" | count',
  ExtendOperator: 'SOURCE | extend y = x * 2 | summarize sum(y)',
  ProjectOperator: 'SOURCE | project y = x * 2, s',
  ProjectAwayOperator: 'SOURCE | project-away o, g',
  ProjectKeepOperator: 'SOURCE | project-keep n, s',
  ProjectReorderOperator: 'SOURCE | project-reorder s',
  ProjectByNamesOperator: 'SOURCE | project-by-names "n", "s"',
  ProjectRenameOperator: 'SOURCE | project-rename y = x',
  PrintOperator: 'print r = range(1, rows) | mv-expand r to typeof(long) | count',
  RangeOperator: 'range r from 1 to rows step 1 | summarize sum(r)',
  DataTableExpression: 'datatable(a:long)[1, 2] | extend n = range(1, rows) | mv-expand n to typeof(long) | count',
  ContextualDataTableExpression:
    'datatable(a:long)[1] | extend n = range(1, rows) | mv-expand n to typeof(long) | count',
  SortOperator: 'SOURCE | sort by s desc | project n',
  TopOperator: 'SOURCE | top 100 by s desc',
  TakeOperator: 'SOURCE | take rows / 2 | summarize sum(x)',
  SampleOperator: 'SOURCE | sample 100',
  SampleDistinctOperator: 'SOURCE | sample-distinct 100 of s',
  SummarizeOperator: 'SOURCE | summarize sum(x), max(s) by k',
  DistinctOperator: 'SOURCE | distinct s',
  CountOperator: 'SOURCE | where x > 1 | count',
  SerializeOperator: 'SOURCE | serialize q = row_number() | summarize sum(q)',
  AsOperator: 'SOURCE | as A | where x > 1 | count',
  GetSchemaOperator: 'SOURCE | getschema',
  JoinOperator: 'SOURCE | join kind=inner (SOURCE) on n | count',
  LookupOperator: 'SOURCE | lookup (SOURCE | project n, y = x) on n | count',
  UnionOperator: 'union (SOURCE), (SOURCE) | count',
  InvokeOperator: 'let f = (T:(n:long)) { T | where n > 3 }; SOURCE | invoke f() | count',
  MvExpandOperator: 'SOURCE | mv-expand o to typeof(long) | summarize sum(o)',
  MvApplyOperator: 'SOURCE | mv-apply o to typeof(long) on (summarize y = sum(o)) | summarize sum(y)',
  PartitionOperator: 'SOURCE | extend p = n % 50 | partition hint.strategy=native by p (top 2 by x) | count',
  TopNestedOperator: 'SOURCE | top-nested 10 of j by sum(x), top-nested 2 of b by count()',
  TopHittersOperator: 'SOURCE | top-hitters 10 of j',
  ParseOperator: 'SOURCE | parse s with "Hello, " word " " number:long | summarize sum(number)',
  ParseWhereOperator: 'SOURCE | parse-where s with "Hello, " word " " number:long | summarize sum(number)',
  ParseKvOperator:
    'SOURCE | extend text = strcat("a=", n, ", b=", x) | parse-kv text as (a:long, b:real) with (pair_delimiter=",", kv_delimiter="=") | summarize sum(a)',
  MakeSeriesOperator: 'SOURCE | make-series sum(x) on t from datetime(2024-01-01) to datetime(2024-01-03) step 1h by j',
  SearchOperator: 'SOURCE | search "7" | count',
  FindOperator: 'let T = view() { SOURCE }; find in (T) where s has "7" project n | count',
  EvaluateOperator: 'SOURCE | project n, s | evaluate narrow() | count',
  ReduceByOperator: 'SOURCE | reduce by s with threshold=0.1',
  MakeGraphOperator: `${graph} | graph-match (p)-[e]->(q) project p.id | count`,
  GraphToTableOperator: `${graph} | graph-to-table nodes | count`,
  GraphMatchOperator: `${graph} | graph-match (p)-[e]->(q)-[f]->(r) project p.id, r.id | count`,
  GraphShortestPathsOperator: `${graph} | graph-shortest-paths (p)-[e*1..3]->(q) where p.id < 50 project p.id, q.id | count`,
  MacroExpandOperator: 'macro-expand entity_group [database("db")] as X (SOURCE | count)',
  ScanOperator:
    'SOURCE | sort by n asc | scan declare (total:real = 0.0) with (step one: true => total = x + one.total;) | summarize max(total)',
  GraphMarkComponentsOperator: `${graph} | graph-mark-components | graph-to-table nodes | count`,
  RenderOperator: 'SOURCE | summarize sum(x) by k | render timechart',
  ForkOperator: 'SOURCE | fork (count) (summarize sum(x))',
  FacetOperator: 'SOURCE | facet by j, b',
  ConsumeOperator: 'SOURCE | consume',
};
