import { commandTable } from '../../../plan/command.ts';
import type { Plan } from '../../../plan/plan.ts';
import { storedResultTable } from '../../../plan/hidden-tables.ts';
import type { Builder } from './draft/builder.ts';
import { columnsOf } from '../language/node-types.ts';
import { notSupported, positionOf, semantic, UnknownTable } from '../language/node-errors.ts';
import { shareTable } from './draft/builder.ts';
import { databaseOf } from './draft/databases.ts';
import { buildUserCall } from './expressions/functions.ts';
import type { SyntaxNode } from '../language/language.ts';
import { kindOf, list, nameOf, need, symbolKind } from '../language/language.ts';
import { basicOperators } from './operators/basic.ts';
import { graphOperators } from './operators/graph.ts';
import { externalOperators, externalTableCall } from './operators/external.ts';
import { joinOperators } from './operators/join.ts';
import { macroOperators } from './operators/macro.ts';
import { nestedOperators } from './operators/nested.ts';
import { parseOperators } from './operators/parse.ts';
import { buildPatternCall, patternOf } from './patterns.ts';
import { pluginOperators } from './operators/plugin.ts';
import { scanOperator } from './operators/scan.ts';
import { operatorTitle } from '../language/pipes.ts';
import { checkVisible } from './draft/visibility.ts';
import { storedTable } from './draft/stored-tables.ts';
import { searchOperators } from './operators/search.ts';
import { seriesOperators } from './operators/series.ts';
import type { OperatorBuilder } from './draft/visit.ts';
import { buildScalar, buildTable } from './draft/visit.ts';

/** All operators by the kind of their syntax node. Add a row in the file of its family. */
export const operatorBuilders: Readonly<Record<string, OperatorBuilder>> = {
  ...basicOperators,
  ...joinOperators,
  ...nestedOperators,
  ...parseOperators,
  ...seriesOperators,
  ...searchOperators,
  ...pluginOperators,
  ...graphOperators,
  ...macroOperators,
  ...scanOperator,
  ...externalOperators,
};

export function buildTabular(b: Builder, node: SyntaxNode, input?: Plan): Plan {
  const kind = kindOf(node);
  const row = tableBuilders[kind];
  if (row) return row(b, node, input);
  const operator = operatorBuilders[kind];
  if (operator) return operator(b, node, input ?? b.context);
  throw notSupported(b, node, `The operator '${operatorTitle(node)}'`);
}

const tableBuilders: Readonly<Record<string, OperatorBuilder>> = {
  PipeExpression: (b, node, input) => {
    const source = need(node, 'Expression');
    const operator = need(node, 'Operator');
    const row = operatorBuilders[kindOf(operator)];
    if (!row) throw notSupported(b, operator, `The operator '${operatorTitle(operator)}'`);
    if (graphSourced.has(kindOf(operator))) return row({ ...b }, node, undefined);
    const plan = buildTable(b, source, input);
    return row({ ...b, context: plan }, operator, plan);
  },
  ParenthesizedExpression: (b, node, input) => buildTable(b, need(node, 'Expression'), input),
  DataScopeExpression: (b, node, input) => buildTable(b, need(node, 'Expression'), input),
  MaterializeExpression: (b, node) => shareTable(b, buildTable(b, need(node, 'Expression')), node),
  ToTableExpression: (b, node) => buildTable(b, need(node, 'Expression')),
  NameReference: nameReference,
  PathExpression: (b, node) => {
    const owner = need(node, 'Expression');
    const pattern = patternOf(b, owner);
    return pattern
      ? buildPatternCall(b, pattern, owner, need(node, 'Selector'))
      : buildTable(b, need(node, 'Selector'));
  },
  FunctionCallExpression: functionCall,
  CustomCommand: (_b, node) => commandRows(node),
};

/** What a command answers, in a query over it. */
export const commandRows = (command: SyntaxNode): Plan => ({
  op: 'table',
  database: '',
  table: commandTable,
  cols: columnsOf(command),
});

/** Operators whose left side is a graph, not rows: they look at the whole pipe themselves. */
const graphSourced = new Set([
  'GraphMatchOperator',
  'GraphToTableOperator',
  'GraphShortestPathsOperator',
  'GraphMarkComponentsOperator',
]);

function nameReference(b: Builder, node: SyntaxNode): Plan {
  const symbol = node.ReferencedSymbol;
  const name = symbol?.Name ?? nameOf(node);
  const kind = symbol ? symbolKind(symbol) : '';
  checkVisible(b, node, name, databaseOf(b, node));
  const binding = b.scope.find(name);
  if (binding?.k === 'table' && (kind !== 'TableSymbol' || binding.declared)) return binding.plan;
  if (kind === 'TableSymbol' || kind === 'MaterializedViewSymbol') return tableReference(b, node, name);
  const body = node.GetCalledFunctionBody?.();
  if (body) return tabular(b, node, body);
  const again = b.scope.find(name);
  if (again?.k === 'table') return again.plan;
  const at = positionOf(b, node);
  const words = { code: 'SEM0100', token: name };
  throw new UnknownTable(`'table' operator: Failed to resolve table expression named '${name}'`, at, undefined, words);
}

function tableReference(b: Builder, node: SyntaxNode, name: string): Plan {
  return storedTable(b, { database: databaseOf(b, node) ?? b.draft.database, table: name }, columnsOf(node));
}

/** `materialized_view('V', 10m)`: what was made of it so far, if that is not older. */
function viewReference(b: Builder, node: SyntaxNode, name: string, maxAge: SyntaxNode | undefined): Plan {
  const database = databaseOf(b, node) ?? b.draft.database;
  if (b.draft.keptGraphs.materialized(database, name) === undefined)
    throw semantic(b, node, `The name '${name}' does not refer to any known materialized view.`, 'KS210');
  const age = maxAge && buildScalar(b, maxAge);
  if (age && (age.k !== 'literal' || age.type !== 'timespan' || typeof age.value !== 'string'))
    throw semantic(b, maxAge, 'materialized_view() takes its maximal age as a timespan literal.');
  const reading = age?.k === 'literal' ? { maxAge: BigInt(String(age.value)) } : 'materialized';
  return storedTable(b, { database, table: name }, columnsOf(node), reading);
}

function functionCall(b: Builder, node: SyntaxNode): Plan {
  const body = node.GetCalledFunctionBody?.();
  if (node.ReferencedSymbol) checkVisible(b, node, node.ReferencedSymbol.Name, databaseOf(b, node));
  if (body) return tabular(b, node, body);
  const pattern = patternOf(b, node);
  if (pattern) return buildPatternCall(b, pattern, node);
  const name = nameOf(need(node, 'Name'));
  const args = list(need(node, 'ArgumentList'), 'Expressions');
  if (name === 'table' || name === 'external_table' || name === 'materialized_view') {
    const target = node.ResultType;
    if (target && args[0]) {
      const argument = buildScalar(b, args[0]);
      const named = argument.k === 'literal' && typeof argument.value === 'string' ? argument.value : target.Name;
      if (named === '') throw semantic(b, args[0], `${name}() takes a constant, or a query parameter that is a name.`);
      checkVisible(b, node, named, databaseOf(b, node));
      const binding = b.scope.find(named);
      if (name === 'external_table') return externalTableCall(b, node, named, args[1]);
      if (name === 'materialized_view') return viewReference(b, node, named, args[1]);
      if (binding?.k !== 'table') return tableReference(b, node, named);
      // Where the function is declared the binder does not know the table yet, and so none of its columns.
      if (binding.plan.cols.length > 0 && columnsOf(node).length === 0)
        throw semantic(b, node, `'${named}' must be declared before the function that finds it by its name.`);
      return binding.plan;
    }
  }
  if (name === 'stored_query_result') return storedResult(b, node, args);
  if (name === 'view') throw notSupported(b, node, 'view()');
  throw notSupported(b, node, `The table function '${name}'`);
}

/** The parser has looked the name up among the results of the principal who asks. */
function storedResult(b: Builder, node: SyntaxNode, args: readonly SyntaxNode[]): Plan {
  const [, second] = args;
  if (second) throw notSupported(b, second, 'The second argument of stored_query_result()');
  const stored = node.ResultType;
  if (!stored) throw semantic(b, node, 'stored_query_result() needs the name of a stored query result.');
  const database = databaseOf(b, node) ?? b.draft.database;
  return { op: 'table', database, table: storedResultTable(stored.Name), cols: columnsOf(node) };
}

function tabular(b: Builder, node: SyntaxNode, body: SyntaxNode): Plan {
  const result = buildUserCall(b, node, body);
  if (result.k !== 'table') throw semantic(b, node, 'A table was expected, not a scalar.');
  return result.plan;
}
