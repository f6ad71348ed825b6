// The plan builder's modules refer to each other; this one must come first.
import { graphToGraph } from '../../src/kql/parser/process/build/operators/graph.ts';
import { patternFunctions } from '../../src/kql/parser/process/build/operators/graph-patterns.ts';
import { recordFactNames } from '../../src/kql/plan/record-facts.ts';
import { endings } from '../../src/kql/parser/process/build/results.ts';
import { operatorBuilders } from '../../src/kql/parser/process/build/tables.ts';
import { aggregateRows } from '../../src/kql/aggregates/table.ts';
import { functionRows } from '../../src/kql/functions/table.ts';
import { windowFunctions } from '../../src/kql/functions/window.ts';
import { pluginShapes } from '../../src/kql/plan/row-settings.ts';
import { extraPluginNames } from '../../src/kql/parser/process/binder/extra-plugins.ts';
import { loadLanguage } from '../../src/kql/parser/process/load-language.ts';
import { specialCalls } from '../../src/kql/parser/process/build/expressions/expressions.ts';
import { codes, madeFrom, wrapped } from './markdown.ts';

interface Named {
  readonly Name: string;
}
interface LanguagePackage {
  readonly Language: {
    readonly Functions: { readonly All: unknown };
    readonly Aggregates: { readonly All: unknown };
    readonly PlugIns: { readonly All: unknown };
    readonly Syntax: { readonly SyntaxKind: Readonly<Record<string, unknown>> };
  };
}

/** Their value is always there beforehand. */

/** Functions of the statement level, which are no rows: they change how a query is put together. */
const structural = new Set([
  'materialize',
  'toscalar',
  'database',
  'table',
  'cluster',
  'view',
  'stored_query_result',
  'graph',
  ...recordFactNames,
]);

/** The page docs/kql.md, made from the tables that the engine itself works with and the names that the official parser knows. */
export function kqlPage(): string {
  loadLanguage();
  const scope = globalThis as unknown as { Kusto: LanguagePackage; Bridge: { toArray(list: unknown): Named[] } };
  const names = (list: unknown): readonly string[] =>
    [...new Set(scope.Bridge.toArray(list).map(({ Name }) => Name))].toSorted();
  const { Functions, Aggregates, PlugIns, Syntax } = scope.Kusto.Language;
  const scalar = names(Functions.All).filter((name) => !name.startsWith('__'));
  const aggregates = names(Aggregates.All);
  const plugins = [...names(PlugIns.All), ...extraPluginNames].toSorted();
  const operators = Object.keys(Syntax.SyntaxKind)
    .filter((kind) => kind.endsWith('Operator') && kind !== 'BadQueryOperator')
    .toSorted();
  const hasScalar = (name: string): boolean =>
    Object.hasOwn(functionRows, name) ||
    Object.hasOwn(windowFunctions, name) ||
    Object.hasOwn(specialCalls, name) ||
    structural.has(name) ||
    patternFunctions.has(name);
  return [
    '# KQL in Kustody',
    '',
    madeFrom('the tables that the engine works with'),
    '',
    wrapped(
      'What stands under *refused* is refused by its own name, with its position in the text. Nothing is answered approximately in its place.',
    ),
    '',
    ...section(
      'Tabular operators',
      operators.map(operatorWord),
      new Set([operatorBuilders, graphToGraph, endings].flatMap((rows) => Object.keys(rows)).map(operatorWord)),
    ),
    ...section('Scalar functions', scalar, new Set(scalar.filter(hasScalar))),
    wrapped(`Only where graph operators speak of nodes and edges: ${codes([...patternFunctions].toSorted())}.`),
    '',
    wrapped(
      'In conditions and assignments of `scan`, comparisons, arithmetic and choices among plain values of the state of a step, conversions, members of dynamics and functions that are JavaScript cost next to nothing; any other function of it is a statement of its own for each row (for one row of each partition, with `partition by`). Functions of neighbouring rows, and `in`, `has_any` and `has_all` over a table, are refused there.',
    ),
    '',
    'Only with a city database of your own (`--geoip-database FILE`): `geo_info_from_ip_address`.',
    '',
    ...section('Aggregates', aggregates, new Set(Object.keys(aggregateRows))),
    ...section('Plugins (`evaluate`)', plugins, pluginShapes),
    ...differences.map((line) => wrapped(line, '  ')),
  ].join('\n');
}

function section(title: string, all: readonly string[], supported: { has(name: string): boolean }): readonly string[] {
  const known = [...new Set(all)];
  const yes = known.filter((name) => supported.has(name));
  const no = known.filter((name) => !supported.has(name));
  const listed = (of: readonly string[]): string => (of.length === 0 ? 'none' : codes(of));
  return [
    `## ${title}`,
    '',
    wrapped(`Supported, ${yes.length} of ${known.length}: ${listed(yes)}.`),
    '',
    wrapped(`Refused: ${listed(no)}.`),
    '',
  ];
}

/** `ProjectAwayOperator` → `project-away`. */
function operatorWord(kind: string): string {
  const word = kind
    .replace(/Operator$/, '')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-')
    .toLowerCase();
  return spelled.get(word) ?? word;
}

const spelled = new Map([
  ['filter', 'where'],
  ['make-series', 'make-series'],
  ['mv-expand', 'mv-expand'],
  ['get-schema', 'getschema'],
]);

const differences = [
  '## Differences from Data Explorer',
  '',
  '- `dcount`, `count_distinct` and percentiles are exact; the service estimates them within a documented error.',
  '- `hll` and `tdigest` states have their own form: they merge and answer here, and cannot be exchanged with the service.',
  '- `decimal` keeps 18 digits after the point and 20 before it. Longer whole numbers, as `parse_version` gives them, compare with whole numbers; what joins them with other decimals or computes with them is refused.',
  '- How the service scores the period of a series is not published. `series_periods_detect`, `series_periods_validate`, `series_seasonal` and `series_decompose*` score it by a formula of our own, from the autocorrelation. It gives every period, and every score to the two digits printed, of the examples whose series the documentation prints; further digits, other series, and so whether a period comes above a threshold, may differ. A multiple of a period that scores better is not listed as found unless it repeats clearly better.',
  '- `geo_info_from_ip_address` reads the English names of the database that it is given, and leaves out the parts that are not known there. Null when nothing is known, and for text that is no address (a prefix such as `/24` is none). What the service leaves out is not documented.',
  "- `graph()`: the steps of a graph model must give a property of one name one type, and name static labels that the model's schema defines. A snapshot whose properties are others than those of the newest one is refused. A node that only edges name has its id as a property where all `AddNodes` steps call the id the same.",
  '- `stored_query_result()` with a second argument is refused. Two principals may store results under the same name; each reads its own.',
  '- Lines and polygons are simplified only where what S2 makes of them is certain, and buffered up to 5,000 km; the rest is refused.',
  '- `ingestion_time()`, `extent_id()` and `extent_tags()` are known for the records of a table with nothing but conditions, sorting, new columns and `union` before them; after other operators they are refused.',
  '- Row order without `order by` may differ, as the service promises none.',
  '- `pack_array(*)` in a `project` leaves out the columns that the same `project` lists before it as they are. The documentation does not say so; results that it prints do.',
  '- `bag_unpack` and `pivot` without a schema need the same columns in all calls of a function that holds them, and are refused in functions of a database that the query names. In `partition` and `mv-apply` they have the columns of all runs, which must not differ in type. `pivot` refuses values that are named like a column it groups by.',
  '- `basket` misses no pattern; the service begins with a sample and may, near the threshold.',
  '- `autocluster` (seed rows at even steps, segments of 5 % and more), `diffpatterns` and `reduce` follow their definitions, but which patterns they choose to show may differ from the service; the counts of those they show are exact. `reduce` takes numbers for variable parts where a value has other frequent words.',
  '- `session_count` counts the sessions that have records in a bin. `sequence_detect`, `funnel_sequence` and `funnel_sequence_completion` take records of equal time in the order of the rows; `funnel_sequence` takes records of one state in a row for one, and the shortest stretches that hold the sequence. Their documentation leaves these points open.',
  '- Other clusters, external tables, callouts, and plugins that need a network, a model or a sandbox (Python, R) are refused.',
  '',
];
