import type { GraphComponentsSettings, GraphNodesSettings, GraphShape } from '../../../../plan/graph-settings.ts';
import type { Expression } from '../../../../plan/expression.ts';
import type { Item, Plan } from '../../../../plan/plan.ts';
import type { Column } from '../../../../plan/types.ts';
import type { Builder } from '../draft/builder.ts';
import { columnsOf, columnsOfSymbol } from '../../language/node-types.ts';
import { notSupported, positionOf, semantic } from '../../language/node-errors.ts';
import { shareTable } from '../draft/builder.ts';
import type { Graph } from '../draft/graph.ts';
import { graphMatch, graphShortestPaths } from './graph-patterns.ts';
import { buildKeptGraph, isGraphCall } from './kept-graphs.ts';
import type { LanguageSymbol, SyntaxNode } from '../../language/language.ts';
import { kindOf, list, nameOf, need, part, symbolKind, tokenText } from '../../language/language.ts';
import { parametersOf } from './basic.ts';
import type { OperatorBuilder } from '../draft/visit.ts';
import { buildTable } from '../draft/visit.ts';
import { databaseOf } from '../draft/databases.ts';
import { operatorTitle } from '../../language/pipes.ts';

export const isGraph = (node: SyntaxNode): boolean => {
  const result = node.ResultType;
  return result !== null && result !== undefined && symbolKind(result) === 'GraphSymbol';
};

type GraphBuilder = (b: Builder, node: SyntaxNode, graph: Graph) => Graph;

/** Turns a bound graph expression into its tables. */
export function buildGraph(b: Builder, node: SyntaxNode): Graph {
  switch (kindOf(node)) {
    case 'PipeExpression': {
      const operator = need(node, 'Operator');
      if (kindOf(operator) === 'MakeGraphOperator')
        return makeGraph(b, operator, buildTable(b, need(node, 'Expression')));
      const row = graphToGraph[kindOf(operator)];
      if (!row) throw notSupported(b, operator, `The operator '${operatorTitle(operator)}' here`);
      return row(b, operator, buildGraph(b, need(node, 'Expression')));
    }
    case 'ParenthesizedExpression':
      return buildGraph(b, need(node, 'Expression'));
    case 'NameReference': {
      const binding = b.scope.find(nameOf(node));
      if (binding?.k === 'graph') return binding.graph;
      break;
    }
    case 'FunctionCallExpression':
      if (isGraphCall(node)) return buildKeptGraph(b, node, databaseOf(b, node) ?? b.draft.database);
      break;
    case 'PathExpression':
      return buildGraph(b, need(node, 'Selector'));
    default:
      break;
  }
  const row = graphToGraph[kindOf(node)];
  if (row && b.graph) return row(b, node, b.graph);
  throw notSupported(b, node, `The graph expression '${operatorTitle(node)}'`);
}

/** The graph on the left of an operator, or the one that a partitioned make-graph hands to it. */
function sourceGraph(b: Builder, node: SyntaxNode): { graph: Graph; operator: SyntaxNode } {
  if (kindOf(node) === 'PipeExpression')
    return { graph: buildGraph(b, need(node, 'Expression')), operator: need(node, 'Operator') };
  if (!b.graph) throw semantic(b, node, `'${operatorTitle(node)}' needs a graph.`);
  return { graph: b.graph, operator: node };
}

const rowwise = (
  b: Builder,
  node: SyntaxNode,
  name: string,
  inputs: readonly Plan[],
  settings: unknown,
  cols: readonly Column[],
): Plan => ({ op: 'rowwise', name, inputs, settings, at: positionOf(b, node), cols });

const shapeOf = (symbol: LanguageSymbol | null | undefined): readonly Column[] =>
  columnsOfSymbol((symbol as { readonly NodeShape?: LanguageSymbol | null } | null | undefined)?.NodeShape);

/** make-graph: nodes are the rows of the given tables, merged by id, and whatever else an edge names. */
function makeGraph(b: Builder, node: SyntaxNode, edgeTable: Plan): Graph {
  const clause = part(node, 'WithClause');
  const implicit = clause && kindOf(clause) === 'MakeGraphWithImplicitIdClause';
  const tables = clause && !implicit ? list(clause, 'TablesAndKeys') : [];
  const partitionClause = part(node, 'PartitionedByClause');
  const idColumn = implicit ? nameOf(need(clause, 'Name')) : undefined;
  const source = nameOf(need(node, 'SourceColumn'));
  const shape: GraphShape = {
    source,
    target: nameOf(need(node, 'TargetColumn')),
    ...(partitionClause && { partition: nameOf(need(partitionClause, 'Entity')) }),
  };
  const sourceType = edgeTable.cols.find((column) => column.name === source)?.type ?? 'string';
  const targetType = edgeTable.cols.find((column) => column.name === shape.target)?.type ?? sourceType;
  const isInteger = (type: Column['type']): boolean => type === 'int' || type === 'long';
  if (targetType !== sourceType && !(isInteger(targetType) && isInteger(sourceType)))
    throw semantic(b, node, `make-graph: nodes cannot be of type ${sourceType} and of type ${targetType}.`);
  const inputs = tables.map((table) => buildTable(b, need(table, 'Table')));
  const properties = propertiesOf(node, inputs, idColumn === undefined ? [] : [{ name: idColumn, type: sourceType }]);
  const edges = shareTable(b, edgeTable, node);
  const settings: GraphNodesSettings = {
    ...shape,
    keys: tables.map((table) => nameOf(need(table, 'Column'))),
    ...(idColumn !== undefined && { idColumn }),
  };
  const cols: Column[] = [
    ...properties,
    { name: '$id', type: sourceType },
    ...(shape.partition === undefined ? [] : [{ name: '$partition', type: 'string' as const }]),
  ];
  const nodes = shareTable(b, rowwise(b, node, 'make-graph', [edges, ...inputs], settings, cols));
  return { shape, nodes, edges, properties, edgeProperties: edges.cols, labelled: false };
}

/** The binder's shape of a node; a partitioned make-graph yields a table, so there it is put together here. */
function propertiesOf(node: SyntaxNode, tables: readonly Plan[], implicit: readonly Column[]): readonly Column[] {
  const bound = isGraph(node) ? shapeOf(node.ResultType) : [];
  if (bound.length > 0) return bound;
  const columns = new Map<string, Column>();
  for (const column of [...implicit, ...tables.flatMap((table) => table.cols)])
    if (!columns.has(column.name)) columns.set(column.name, column);
  return [...columns.values()];
}

const markComponents: GraphBuilder = (b, node, graph) => {
  const parameters = parametersOf(b, node);
  const name = parameters.get('with_component_id') ?? 'ComponentId';
  const kind = parameters.get('kind') ?? 'weak';
  if (kind !== 'weak' && kind !== 'strong') throw semantic(b, node, `graph-mark-components: unknown kind '${kind}'.`);
  const column: Column = { name, type: 'long' };
  const settings: GraphComponentsSettings = { ...graph.shape, kind };
  const nodes = rowwise(b, node, 'graph-mark-components', [graph.nodes, graph.edges], settings, [
    ...graph.nodes.cols.filter((existing) => existing.name !== name),
    column,
  ]);
  return {
    ...graph,
    nodes: shareTable(b, nodes),
    properties: [...graph.properties.filter((existing) => existing.name !== name), column],
  };
};

/** Operators that make a graph of a graph. */
export const graphToGraph: Readonly<Record<string, GraphBuilder>> = {
  GraphMarkComponentsOperator: markComponents,
};

const hashOf = (name: string, type: Column['type']): Expression => ({
  k: 'call',
  name: 'hash',
  args: [{ k: 'column', name, type }],
  type: 'long',
});

/** One `nodes` or `edges` output of graph-to-table. Asked-for hash ids come first. */
function toTable(b: Builder, graph: Graph, output: SyntaxNode): Plan {
  const parameters = parametersOf(b, output);
  const wantsNodes = tokenText(output, 'EntityKeyword') === 'nodes';
  const base = wantsNodes
    ? graph.nodes
    : rowwise(b, output, 'graph-edges', [graph.nodes, graph.edges], graph.shape, graph.edges.cols);
  const typeOf = (name: string): Column['type'] => base.cols.find((column) => column.name === name)?.type ?? 'string';
  const ids = [
    { parameter: 'with_node_id', column: '$id' },
    { parameter: 'with_source_id', column: graph.shape.source },
    { parameter: 'with_target_id', column: graph.shape.target },
  ].flatMap(({ parameter, column }) => {
    const name = parameters.get(parameter);
    return name === undefined ? [] : [{ names: [name], expression: hashOf(column, typeOf(column)) }];
  });
  const properties = wantsNodes ? graph.properties : graph.edgeProperties;
  const items: Item[] = [
    ...ids,
    ...properties.map((column): Item => ({
      names: [column.name],
      expression: { k: 'column', name: column.name, type: column.type },
    })),
  ];
  const cols = items.map((item): Column => ({ name: item.names[0] ?? '', type: item.expression.type }));
  return { op: 'project', input: base, items, cols };
}

/** All outputs of graph-to-table by name; those with `as` can be named by later statements. */
export function graphTables(b: Builder, node: SyntaxNode): { readonly name: string; readonly plan: Plan }[] {
  const { graph, operator } = sourceGraph(b, node);
  return list(operator, 'OutputClause').map((output) => {
    const as = part(output, 'AsClause');
    const plan = shareTable(b, toTable(b, graph, output));
    const name = as && nameOf(need(as, 'Name'));
    if (name !== undefined) b.scope.bind(name, { k: 'table', plan, declared: true });
    return { name: name ?? 'PrimaryResult', plan };
  });
}

const graphToTable: OperatorBuilder = (b, node) => {
  const [first, ...others] = graphTables(b, node);
  if (!first || others.length > 0) throw semantic(b, node, 'graph-to-table gives several tables here.');
  return first.plan;
};

/** make-graph … partitioned-by C (operator): one graph each, run as one whose nodes are never joined across partitions. */
const partitionedGraph: OperatorBuilder = (b, node, input) => {
  const clause = part(node, 'PartitionedByClause');
  if (!clause || !input) throw semantic(b, node, 'make-graph must be followed by a graph operator.');
  const graph = makeGraph(b, node, input);
  return buildTable({ ...b, graph }, need(clause, 'Subquery'));
};

const overGraph =
  (build: (b: Builder, operator: SyntaxNode, graph: Graph, cols: readonly Column[]) => Plan): OperatorBuilder =>
  (b, node) => {
    const { graph, operator } = sourceGraph(b, node);
    return build(b, operator, graph, columnsOf(operator));
  };

export const graphOperators: Readonly<Record<string, OperatorBuilder>> = {
  MakeGraphOperator: partitionedGraph,
  GraphToTableOperator: graphToTable,
  // Looked up when called: the files of the graph operators refer to one another.
  GraphMatchOperator: overGraph((...call) => graphMatch(...call)),
  GraphShortestPathsOperator: overGraph((...call) => graphShortestPaths(...call)),
};
