// The plan builder's modules refer to each other; this one must come first.
import { graphToGraph } from '../../src/kql/parser/process/build/operators/graph.ts';
import { patternFunctions } from '../../src/kql/parser/process/build/operators/graph-patterns.ts';
import { recordFactNames } from '../../src/kql/plan/record-facts.ts';
import { endings } from '../../src/kql/parser/process/build/results.ts';
import { operatorBuilders } from '../../src/kql/parser/process/build/tables.ts';
import { aggregateRows } from '../../src/kql/aggregates/table.ts';
import { functionRows } from '../../src/kql/functions/table.ts';
import { windowFunctions } from '../../src/kql/functions/window.ts';
import type { FunctionFacts } from '../../src/kql/plan/function-facts.ts';
import { pluginShapes } from '../../src/kql/plan/row-settings.ts';
import { extraPluginNames } from '../../src/kql/parser/process/binder/extra-plugins.ts';
import { loadLanguage } from '../../src/kql/parser/process/load-language.ts';
import { compiledCalls } from '../../src/kql/parser/process/build/expressions/compiled-calls.ts';
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

/** The page docs/kql.md: what it lists is made from the tables that the engine itself works with and the names that the official parser
 * knows. What it tells of differences is written there.
 * @param page as it is */
export function kqlPage(page: string): string {
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
  const named = namesOf({ ...functionRows, ...windowFunctions, ...compiledCalls });
  const hasScalar = (name: string): boolean => named.has(name) || structural.has(name) || patternFunctions.has(name);
  return (
    [
      '# KQL in Kustody',
      '',
      madeFrom('the tables that the engine works with, up to its differences'),
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
      ...section('Aggregates', aggregates, namesOf(aggregateRows)),
      ...section('Plugins (`evaluate`)', plugins, pluginShapes),
    ].join('\n') + `\n${page.slice(page.indexOf(written))}`
  );
}

const namesOf = (rows: Readonly<Record<string, Pick<FunctionFacts, 'aliases'>>>): ReadonlySet<string> =>
  new Set(Object.entries(rows).flatMap(([name, { aliases = [] }]) => [name, ...aliases]));

/** From here on the page is written by hand. */
const written = '## Differences from Data Explorer';

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
