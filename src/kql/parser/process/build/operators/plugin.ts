import { KqlError } from '../../../../plan/kql-error.ts';
import type { Expression } from '../../../../plan/expression.ts';
import type { Item, Plan } from '../../../../plan/plan.ts';
import type { Column } from '../../../../plan/types.ts';
import type { Builder } from '../draft/builder.ts';
import { toldColumns } from '../../binder/open-schemas.ts';
import { columnsOf, isTabular } from '../../language/node-types.ts';
import { notSupported, positionOf, semantic } from '../../language/node-errors.ts';
import { placedAt, shareTable } from '../draft/builder.ts';
import { visibleColumns } from '../expressions/compiled-calls.ts';
import type { SyntaxNode } from '../../language/language.ts';
import { kindOf, list, nameOf, need, part } from '../../language/language.ts';
import { givenNames, unnamed } from '../../language/named-expressions.ts';
import { parametersOf, withInput } from './basic.ts';
import { pluginShapes } from '../../../../plan/row-settings.ts';
import type { PivotSettings, PluginArgument, PluginSettings } from '../../../../plan/row-settings.ts';
import { freeName } from '../../../../plan/free-name.ts';
import type { OperatorBuilder } from '../draft/visit.ts';
import { buildScalar, buildTable } from '../draft/visit.ts';

/** Plugins that reach out of the engine, or run other people's code. */
const refused = new Set([
  'python',
  'r',
  'http_request',
  'http_request_post',
  'sql_request',
  'mysql_request',
  'postgresql_request',
  'cosmosdb_sql_request',
  'azure_digital_twins_query_request',
  'ai_embeddings',
  'ai_embed_text',
  'ai_chat_completion_prompt',
]);

export const mentionsColumn = (expression: Expression): boolean =>
  expression.k === 'column' || (expression.k === 'call' && expression.args.some(mentionsColumn));

/** Gives every argument its place: a column of the rows (computed when it is an expression), or a column of a one-row table
 * of constants, so that plugins see plain values only. */
export function gatherArguments(
  b: Builder,
  nodes: readonly SyntaxNode[],
  input: Plan,
): { settings: PluginSettings; inputs: Plan[] } {
  const computed: Item[] = [];
  const constants: Item[] = [];
  const tables: Plan[] = [];
  const place = (expression: Expression): PluginArgument => {
    if (expression.k === 'column') return { k: 'column', name: expression.name, type: expression.type };
    if (!mentionsColumn(expression)) {
      constants.push({ names: [`$constant${constants.length}`], expression });
      return { k: 'constant', index: constants.length - 1, type: expression.type };
    }
    const name = freeName(`$computed${computed.length}`, input.cols);
    computed.push({ names: [name], expression });
    return { k: 'column', name, type: expression.type };
  };
  const args = nodes.map((node): PluginArgument => {
    const inner = unnamed(node);
    const name = givenNames(node)?.[0];
    const named = name === undefined ? {} : { given: name };
    if (isTabular(inner)) {
      tables.push(buildTable(b, inner));
      return { k: 'table', input: tables.length + 1, ...named };
    }
    if (kindOf(inner) === 'StarExpression') return { k: 'star' };
    const expression = buildScalar({ ...b, context: input }, inner);
    if (expression.k === 'call' && isAggregateNode(inner)) {
      return { k: 'aggregate', name: expression.name, args: expression.args, type: expression.type, ...named };
    }
    return { ...place(expression), ...named };
  });
  const rows = computed.length === 0 ? input : extended(input, computed);
  const print: Plan = {
    op: 'print',
    items: constants,
    cols: constants.map((item): Column => ({ name: item.names[0] ?? '', type: item.expression.type })),
  };
  return { settings: { args }, inputs: [rows, print, ...tables] };
}

const extended = (input: Plan, items: readonly Item[]): Plan => ({
  op: 'extend',
  input,
  items,
  cols: [...input.cols, ...items.map((item): Column => ({ name: item.names[0] ?? '', type: item.expression.type }))],
});

const aggregateNames =
  /^(count|countif|dcount|dcountif|sum|sumif|avg|avgif|min|max|minif|maxif|any|take_any|make_list|make_set|stdev|variance|percentile|arg_max|arg_min|make_bag)$/;
const isAggregateNode = (node: SyntaxNode): boolean =>
  kindOf(node) === 'FunctionCallExpression' && aggregateNames.test(nameOf(need(node, 'Name')));

/** What the documentation of pivot lists, and an older name of one. */
const pivotAggregates: ReadonlySet<string> = new Set([
  'min',
  'max',
  'take_any',
  'any',
  'sum',
  'dcount',
  'avg',
  'stdev',
  'variance',
  'make_list',
  'make_bag',
  'make_set',
  'count',
]);

/** pivot: the groups come summarized, with the pivot column and the aggregate last; then what the aggregate gives for no rows,
 * and the pivot column as it came, for the order of the new columns.
 * @param grouping the columns to group by as the binder has them; undefined when a schema was given */
function pivotArguments(
  b: Builder,
  node: SyntaxNode,
  nodes: readonly SyntaxNode[],
  input: Plan,
  grouping: readonly Column[] | undefined,
): { settings: PivotSettings; inputs: Plan[] } {
  const inner = { ...b, context: input };
  const [pivotNode, ...rest] = nodes;
  const pivot = pivotNode && buildScalar(inner, pivotNode);
  if (pivot?.k !== 'column') throw new KqlError('semantic', 'evaluate pivot(): the first argument must be a column.');
  const aggregateNode = rest[0] && kindOf(rest[0]) === 'FunctionCallExpression' ? rest[0] : undefined;
  const name = aggregateNode && nameOf(need(aggregateNode, 'Name'));
  if (aggregateNode && name !== undefined && !pivotAggregates.has(name))
    throw semantic(
      b,
      aggregateNode,
      `evaluate pivot(): the aggregate must be one of ${[...pivotAggregates].join(', ')}.`,
    );
  const aggregate: Expression = aggregateNode
    ? buildScalar(inner, aggregateNode)
    : { k: 'call', name: 'count', args: [], type: 'long' };
  const listed = (aggregateNode ? rest.slice(1) : rest).map(nameOf);
  // A column inside an expression that is aggregated is grouped by, like any other.
  const [aggregated] = aggregate.k === 'call' ? aggregate.args : [];
  const used = aggregated?.k === 'column' ? aggregated.name : undefined;
  const groups =
    grouping ??
    input.cols.filter((column) =>
      listed.length > 0 ? listed.includes(column.name) : column.name !== pivot.name && column.name !== used,
    );
  const columnItem = ({ name, type }: Column, as = name): Item => ({
    names: [as],
    expression: { k: 'column', name, type },
  });
  const valueItem: Item = { names: ['$value'], expression: aggregate };
  const value: Column = { name: '$value', type: aggregate.type };
  const pivotColumn: Column = { name: '$pivot', type: pivot.type };
  const shared = shareTable(b, input, node);
  const summarized: Plan = {
    op: 'summarize',
    input: shared,
    by: [...groups.map((column) => columnItem(column)), columnItem(pivot, '$pivot')],
    aggregates: [valueItem],
    cols: [...groups, pivotColumn, value],
  };
  const nothing: Plan = {
    op: 'summarize',
    input: { op: 'take', input: shared, count: { k: 'literal', type: 'long', value: '0' }, cols: shared.cols },
    by: [],
    aggregates: [valueItem],
    cols: [value],
  };
  const order: Plan = { op: 'project', input: shared, items: [columnItem(pivot, '$pivot')], cols: [pivotColumn] };
  return { settings: { groups: groups.map((column) => column.name) }, inputs: [summarized, nothing, order] };
}

/** The engine puts the columns of the lookup table of ipv6_lookup first, the binder last. */
function lookupFirst(cols: readonly Column[], input: Plan): Column[] {
  const width = input.cols.length;
  return [...cols.slice(width), ...cols.slice(0, width)];
}

/** The engine leaves the split column out of what diffpatterns puts out; the binder has it, and later operators may name it. */
function withoutSplit(node: SyntaxNode, split: SyntaxNode | undefined): readonly Column[] {
  const cols = columnsOf(node);
  const ends = node.Parent?.Parent && kindOf(node.Parent.Parent) === 'ExpressionStatement';
  return ends && split ? cols.filter(({ name }) => name !== nameOf(split)) : cols;
}

/** The columns of a plugin: the binder's, but for the plugins where the engine has others. */
function engineColumns(plugin: string, node: SyntaxNode, args: readonly SyntaxNode[], input: Plan): readonly Column[] {
  if (plugin === 'ipv6_lookup' && !part(node, 'Schema')) return lookupFirst(columnsOf(node), input);
  return plugin === 'diffpatterns' ? withoutSplit(node, args[0]) : columnsOf(node);
}

export const pluginName = (node: SyntaxNode): string => {
  const target = need(node, 'FunctionCall');
  return target.ReferencedSymbol?.Name ?? nameOf(need(target, 'Name'));
};

/** Plugins that give several tables: they may only end a query, where `results.ts` takes care of them. */
const lastOnly: ReadonlySet<string> = new Set(['preview', 'funnel_sequence']);

/** Plugins that take the whole row: columns that only the binder adds are none of it. */
const ofWholeRow: ReadonlySet<string> = new Set(['narrow', 'autocluster', 'basket', 'diffpatterns']);

/** @returns the plugin's plan without such columns in its rows; they come back empty where operators that follow know of them */
function overShown(b: Builder, node: SyntaxNode, input: Plan, run: (shown: Plan) => Plan): Plan {
  const shown = visibleColumns(b, input.cols);
  if (shown.length === input.cols.length) return run(input);
  const plan = run({ op: 'select', input, from: shown.map(({ name }) => name), cols: shown });
  const hidden = columnsOf(node).filter((column) => !visibleColumns(b, [column]).length);
  const cols = visibleColumns(b, plan.cols);
  const items = hidden.map(({ name, type }): Item => ({
    names: [name],
    expression: { k: 'literal', type, value: null },
  }));
  const own = { ...plan, cols } as Plan;
  return items.length === 0 ? own : { op: 'extend', input: own, items, cols: [...cols, ...hidden] };
}

const evaluate: OperatorBuilder = (b, node, given) => {
  const name = pluginName(node);
  return given && ofWholeRow.has(name)
    ? overShown(b, node, given, (shown) => plugin(b, node, shown))
    : plugin(b, node, given);
};

const plugin: OperatorBuilder = (b, node, given) => {
  const target = need(node, 'FunctionCall');
  const name = pluginName(node);
  if (refused.has(name) || !pluginShapes.has(name)) throw notSupported(b, target, `The plugin '${name}'`);
  if (b.draft.keptGraphs.isDisabled(name))
    throw semantic(b, target, `The plugin '${name}' is disabled on this cluster.`);
  if (lastOnly.has(name))
    throw semantic(b, target, `The plugin '${name}' gives several tables: it must be the last operator of a query.`);
  if (name === 'estimate_rows_count') return { op: 'count', input: withInput(given), cols: columnsOf(node) };
  const input = given ?? ({ op: 'print', items: [], cols: [] } satisfies Plan);
  const isOpen = !part(node, 'Schema') && node.ResultType?.IsOpen === true;
  const told = toldColumns(node) !== undefined;
  const nodes = list(need(target, 'ArgumentList'), 'Expressions');
  const { settings, inputs } =
    name === 'pivot'
      ? pivotArguments(b, node, nodes, input, isOpen ? columnsOf(node) : undefined)
      : gatherArguments(b, nodes, input);
  return {
    op: 'rowwise',
    name,
    inputs,
    settings,
    at: positionOf(b, node),
    cols: engineColumns(name, node, nodes, input),
    ...((isOpen || told) && placedAt(b, node)),
    ...(isOpen && { dataDependent: true }),
    ...(told && { told }),
  };
};

const reduceOptions: ReadonlySet<string> = new Set(['kind', 'threshold', 'characters']);

const reduce: OperatorBuilder = (b, node, given) => {
  const { settings, inputs } = gatherArguments(b, [need(node, 'Expression')], withInput(given));
  const clause = part(node, 'With');
  const options = new Map([...parametersOf(b, node), ...(clause ? parametersOf(b, clause) : [])]);
  for (const [name, value] of options) {
    if (name.startsWith('hint.')) options.delete(name);
    else if (!reduceOptions.has(name)) throw notSupported(b, node, `The option '${name}' of reduce`);
    else if (name === 'kind' && value !== 'source') throw semantic(b, node, `reduce: unknown kind '${value}'.`);
  }
  return {
    op: 'rowwise',
    name: 'reduce',
    inputs,
    settings: { ...settings, options: Object.fromEntries(options) },
    at: positionOf(b, node),
    cols: columnsOf(node),
  };
};

export const pluginOperators: Readonly<Record<string, OperatorBuilder>> = {
  EvaluateOperator: evaluate,
  ReduceByOperator: reduce,
};
