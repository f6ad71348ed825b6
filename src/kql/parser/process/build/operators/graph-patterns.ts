import { invariant } from '../../../../../base/invariant.ts';
import type { Call, ColumnReference, Expression } from '../../../../plan/expression.ts';
import type { GraphMatchSettings, PatternEdge, PatternOutput } from '../../../../plan/graph-settings.ts';
import type { Item, Plan } from '../../../../plan/plan.ts';
import { KqlError } from '../../../../plan/kql-error.ts';
import type { Column, KqlType } from '../../../../plan/types.ts';
import type { Builder } from '../draft/builder.ts';
import type { Graph } from '../draft/graph.ts';
import { notSupported, positionOf, semantic } from '../../language/node-errors.ts';
import type { SyntaxNode } from '../../language/language.ts';
import { kindOf, list, nameOf, need, part, tokenText } from '../../language/language.ts';
import { literalOf } from '../../language/literals.ts';
import { unnamed } from '../../language/named-expressions.ts';
import { parametersOf } from './basic.ts';
import { buildScalar } from '../draft/visit.ts';

type Pattern = Pick<GraphMatchSettings, 'nodes' | 'edges'>;

const rangeMax = 10_000;

/** `(a)-[e]->(b)<--(c), (a)--(d)`: elements without a name get one that no text can name. */
function readPattern(b: Builder, node: SyntaxNode): Pattern {
  const nodes: string[] = [];
  const edges: PatternEdge[] = [];
  for (const chain of list(node, 'Patterns')) {
    let pending: Omit<PatternEdge, 'to'> | undefined;
    let last = -1;
    for (const element of list(chain, 'PatternElements')) {
      const nameNode = part(element, 'Name');
      if (kindOf(element) === 'GraphMatchPatternNode') {
        const name = nameNode ? nameOf(nameNode) : `$node${nodes.length}`;
        if (!nodes.includes(name)) nodes.push(name);
        last = nodes.indexOf(name);
        if (pending) edges.push({ ...pending, to: last });
        pending = undefined;
        continue;
      }
      const name = nameNode ? nameOf(nameNode) : `$edge${edges.length}`;
      if (edges.some((edge) => edge.name === name)) throw semantic(b, element, `The edge '${name}' occurs twice.`);
      const arrow = tokenText(element, 'FirstToken') + tokenText(element, 'LastToken');
      const direction = arrow.includes('<') ? 'in' : arrow.includes('>') ? 'out' : 'any';
      pending = { name, from: last, direction, ...readRange(b, element) };
    }
  }
  return { nodes, edges };
}

function readRange(b: Builder, element: SyntaxNode): Pick<PatternEdge, 'min' | 'max' | 'variable'> {
  const range = part(element, 'Range');
  if (!range) return { min: 1, max: 1, variable: false };
  const bound = (name: string): number | undefined => {
    const node = part(range, name);
    if (!node) return undefined;
    const literal = literalOf(node) ?? buildScalar(b, node);
    return literal.k === 'literal' ? Number(literal.value) : undefined;
  };
  const min = bound('RangeStart');
  const max = bound('RangeEnd') ?? min;
  if (min === undefined || max === undefined || !(min >= 0 && min <= max && max <= rangeMax))
    throw semantic(b, range, `The range of an edge must be two whole numbers up to ${rangeMax}.`);
  return { min, max, variable: true };
}

/** Collects what a match must compute for its elements, so that every expression runs in SQL: before the match as columns of
 * nodes and edges, after it over the columns of the match. */
class MatchExpressions {
  readonly nodeItems: Item[] = [];
  readonly edgeItems: Item[] = [];
  readonly constraints: GraphMatchSettings['constraints'][number][] = [];
  readonly outputs: PatternOutput[] = [];
  readonly outputColumns: Column[] = [];
  usesDegrees = false;
  readonly #names = new Map<string, string>();
  readonly #graph: Graph;
  readonly #pattern: Pattern;
  readonly #refuse: (what: string) => Error;
  constructor(graph: Graph, pattern: Pattern, refuse: (what: string) => Error) {
    this.#graph = graph;
    this.#pattern = pattern;
    this.#refuse = refuse;
  }

  isNode(element: string): boolean {
    return this.#pattern.nodes.includes(element);
  }
  isVariable(element: string): boolean {
    return this.#pattern.edges.some((edge) => edge.name === element && edge.variable);
  }

  /** A conjunct about one element is checked while matching; all others are filters over the matches. */
  addCondition(condition: Expression, filters: Expression[]): void {
    if (condition.k === 'call' && condition.name === 'and') {
      for (const side of condition.args) this.addCondition(side, filters);
      return;
    }
    if (condition.k === 'call' && condition.name === 'all') {
      const { element, over } = this.#listArgument(condition);
      const column = this.#computed(over === 'inner' ? 'node' : 'edge', this.#inner(condition.args[1], over));
      this.constraints.push({ element, over: over === 'inner' ? 'inner' : 'self', column });
      return;
    }
    const elements = sidesOf(condition);
    const [only] = elements;
    if (elements.size === 1 && only !== undefined && !this.isVariable(only) && !mentionsLists(condition)) {
      const kind = this.isNode(only) ? 'node' : 'edge';
      const column = this.#computed(kind, this.#onElement(condition, kind));
      this.constraints.push({ element: only, over: 'self', column });
      return;
    }
    filters.push(this.overMatch(condition));
  }

  /** An expression over the pattern → the same over the columns of the match. */
  overMatch(expression: Expression): Expression {
    if (expression.k === 'column' && expression.side !== undefined) return this.#reference(expression);
    if (expression.k !== 'call') return expression;
    const { name, args } = expression;
    if (name === 'map' || name === 'any' || name === 'all') {
      const { element, over } = this.#listArgument(expression);
      const value = this.#inner(args[1], over);
      const column = this.#computed(over === 'inner' ? 'node' : 'edge', value);
      return this.#list(name, element, over, column, name === 'map' ? 'dynamic' : 'bool', value.type);
    }
    const [first] = args;
    if (isGraphFunction(name) && first?.k === 'column' && first.side !== undefined) {
      if (name === 'labels' && this.isVariable(first.side))
        return this.#list('map', first.side, 'edges', this.#computed('edge', this.#labels()), 'dynamic', 'dynamic');
      if (name === 'labels') return this.#element(first.side, this.#labels());
      if (name === 'inner_nodes') throw this.#refuse('inner_nodes() outside all(), any() and map()');
      if (!this.isNode(first.side)) throw this.#refuse(`${name}() of an edge`);
      return this.#element(first.side, this.#nodeFunction(expression));
    }
    return { ...expression, args: args.map((argument) => this.overMatch(argument)) };
  }

  #reference({ side = '', name, type }: ColumnReference): Expression {
    const kind = this.isNode(side) ? 'node' : 'edge';
    const value: Expression = name === '' ? this.#bag(kind) : { k: 'column', name, type };
    if (!this.isVariable(side)) return this.#element(side, value);
    return this.#list('map', side, 'edges', this.#computed('edge', value), 'dynamic', value.type);
  }

  /** All properties as one bag. */
  #bag(kind: 'node' | 'edge'): Expression {
    const columns = kind === 'node' ? this.#graph.properties : this.#graph.edgeProperties;
    const args = columns.flatMap((column): Expression[] => [
      { k: 'literal', type: 'string', value: column.name },
      { k: 'column', name: column.name, type: column.type },
    ]);
    return { k: 'call', name: 'bag_pack', args, type: 'dynamic' };
  }

  #labels(): Expression {
    return this.#graph.labelled ? { k: 'column', ...labelsColumn } : noLabels;
  }

  #nodeFunction({ name, type }: Call): Expression {
    if (name === 'labels') return this.#labels();
    if (name === 'node_degree_in' || name === 'node_degree_out') {
      this.usesDegrees = true;
      return { k: 'column', name: name === 'node_degree_in' ? '$in' : '$out', type: 'long' };
    }
    const idType = this.#graph.nodes.cols.find((column) => column.name === '$id')?.type ?? 'string';
    const id: Expression = { k: 'column', name: '$id', type: idType };
    return idType === type || type === 'dynamic' ? id : { k: 'call', name: `to${type}`, args: [id], type };
  }

  /** What stands inside `all(e, …)`: bare columns are those of each edge or inner node. */
  #inner(expression: Expression | undefined, over: 'edges' | 'inner'): Expression {
    invariant(expression, 'a graph function has two arguments');
    if (sidesOf(expression).size > 0) throw this.#refuse('Another element inside all(), any() or map()');
    return this.#onElement(expression, over === 'inner' ? 'node' : 'edge', true);
  }

  /** Strips the element's name: the expression becomes one over the table of nodes or edges. */
  #onElement(expression: Expression, kind: 'node' | 'edge', bare = false): Expression {
    if (expression.k === 'column' && bare) return this.#property(expression.name, kind);
    if (expression.k === 'column')
      return expression.side !== undefined && expression.name === ''
        ? this.#bag(kind)
        : { k: 'column', name: expression.name, type: expression.type };
    if (expression.k !== 'call') return expression;
    if (isGraphFunction(expression.name)) {
      if (expression.name !== 'labels' && kind === 'edge') throw this.#refuse(`${expression.name}() of an edge`);
      return this.#nodeFunction(expression);
    }
    return { ...expression, args: expression.args.map((argument) => this.#onElement(argument, kind, bare)) };
  }

  /** The binder does not know the properties of inner nodes of a graph without tables of nodes. */
  #property(name: string, kind: 'node' | 'edge'): Expression {
    const columns = kind === 'node' ? this.#graph.properties : this.#graph.edgeProperties;
    const column = columns.find((candidate) => candidate.name === name);
    if (!column) throw new KqlError('semantic', `Failed to resolve the graph property '${name}'.`);
    return { k: 'column', name, type: column.type };
  }

  #listArgument({ name, args }: Call): { element: string; over: 'edges' | 'inner' } {
    const [first] = args;
    const inner = first?.k === 'call' && first.name === 'inner_nodes' ? first.args[0] : undefined;
    const marker = inner ?? first;
    if (marker?.k !== 'column' || marker.side === undefined || this.isNode(marker.side))
      throw this.#refuse(`${name}() of what is no edge`);
    return { element: marker.side, over: inner ? 'inner' : 'edges' };
  }

  /** A column of the nodes or edges with this value, new unless there is one. */
  #computed(kind: 'node' | 'edge', expression: Expression): string {
    if (expression.k === 'column') return expression.name;
    const key = JSON.stringify([kind, expression]);
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const items = kind === 'node' ? this.nodeItems : this.edgeItems;
    const name = `$${kind}${items.length}`;
    items.push({ names: [name], expression });
    this.#names.set(key, name);
    return name;
  }

  #element(element: string, value: Expression): Expression {
    const column = this.#computed(this.isNode(element) ? 'node' : 'edge', value);
    return this.#output({ k: 'element', element, column }, value.type);
  }
  #list(
    fold: 'map' | 'any' | 'all',
    element: string,
    over: 'edges' | 'inner',
    column: string,
    type: KqlType,
    valueType: KqlType,
  ): Expression {
    return this.#output({ k: 'list', fold, element, over, column, type: valueType }, type);
  }
  #output(output: PatternOutput, type: KqlType): Expression {
    const key = JSON.stringify(output);
    const at = this.outputs.findIndex((existing) => JSON.stringify(existing) === key);
    if (at < 0) {
      this.outputs.push(output);
      this.outputColumns.push({ name: `$match${this.outputs.length - 1}`, type });
    }
    return { k: 'column', name: `$match${at < 0 ? this.outputs.length - 1 : at}`, type };
  }
}

/** The labels of each node and edge of a kept graph: a list. */
export const labelsColumn: Column = { name: '$labels', type: 'dynamic' };
const noLabels: Expression = { k: 'literal', type: 'dynamic', value: '[]' };
const graphFunctions = new Set(['node_degree_in', 'node_degree_out', 'node_id', 'labels', 'inner_nodes']);
/** What a pattern may say of its elements: these, and functions over the edges of a path. */
export const patternFunctions: ReadonlySet<string> = new Set([...graphFunctions, 'all', 'any', 'map']);
const isGraphFunction = (name: string): boolean => graphFunctions.has(name);

function sidesOf(expression: Expression, found = new Set<string>()): Set<string> {
  if (expression.k === 'column' && expression.side !== undefined) found.add(expression.side);
  if (expression.k === 'call') for (const argument of expression.args) sidesOf(argument, found);
  return found;
}
const mentionsLists = (expression: Expression): boolean =>
  expression.k === 'call' &&
  (/^(all|any|map|inner_nodes)$/.test(expression.name) || expression.args.some(mentionsLists));

type PatternBuilder = (b: Builder, node: SyntaxNode, graph: Graph, cols: readonly Column[]) => Plan;

/** Nodes and edges with computed columns → matches (in JavaScript) → filters → projection. */
function buildPattern(
  b: Builder,
  node: SyntaxNode,
  graph: Graph,
  cols: readonly Column[],
  mode: Pick<GraphMatchSettings, 'cycles' | 'shortest'>,
): Plan {
  const pattern = readPattern(b, node);
  const parts = new MatchExpressions(graph, pattern, (what) => notSupported(b, node, what));
  const filters: Expression[] = [];
  const where = part(node, 'WhereClause');
  if (where) parts.addCondition(buildScalar(b, need(where, 'Condition')), filters);
  const projection = part(node, 'ProjectClause');
  if (!projection) throw notSupported(b, node, 'A graph pattern without project');
  const entries = list(projection, 'Expressions');
  const columns = projectedColumns(b, node, entries, cols);
  const items = entries.map((entry, index): Item => ({
    names: [columns[index]?.name ?? ''],
    expression: parts.overMatch(buildScalar(b, unnamed(entry))),
  }));
  if (mode.shortest && filters.some((filter) => aboutPaths(filter, parts.outputs)))
    throw notSupported(b, node, 'A condition on whole paths, other than all(), in graph-shortest-paths');
  const at = positionOf(b, node);
  const withDegrees: Plan = parts.usesDegrees
    ? {
        op: 'rowwise',
        name: 'graph-degrees',
        inputs: [graph.nodes, graph.edges],
        settings: graph.shape,
        at,
        cols: [...graph.nodes.cols, { name: '$in', type: 'long' }, { name: '$out', type: 'long' }],
      }
    : graph.nodes;
  const settings: GraphMatchSettings = {
    ...graph.shape,
    ...mode,
    ...pattern,
    constraints: parts.constraints,
    outputs: parts.outputs,
  };
  let plan: Plan = {
    op: 'rowwise',
    name: 'graph-match',
    inputs: [extended(withDegrees, parts.nodeItems), extended(graph.edges, parts.edgeItems)],
    settings,
    at,
    // A match without columns is still a row.
    cols: [...parts.outputColumns, { name: '$match', type: 'long' }],
  };
  for (const condition of filters) plan = { op: 'filter', input: plan, condition, cols: plan.cols };
  // The binder takes `any` for the aggregate of that name, and loses types around lists.
  const typed = columns.map((column, index): Column => ({
    ...column,
    type: items[index]?.expression.type ?? column.type,
  }));
  return { op: 'project', input: plan, items, cols: typed };
}

/** One column for every entry. The engine names a column after the graph function it calls, the binder `Column1`; operators that follow
 * were bound to what the binder gives. */
function projectedColumns(
  b: Builder,
  node: SyntaxNode,
  entries: readonly SyntaxNode[],
  cols: readonly Column[],
): Column[] {
  const pipe = node.Parent;
  const above = pipe?.Parent;
  const isLast = !above || kindOf(above) !== 'PipeExpression' || part(above, 'Expression') !== pipe;
  const taken = new Set(cols.map((column) => column.name));
  return entries.map((entry, index): Column => {
    const column = cols[index] ?? { name: '', type: 'dynamic' };
    if (!isLast || kindOf(entry) !== 'FunctionCallExpression' || !/^Column\d+$/.test(column.name)) return column;
    const called = nameOf(need(entry, 'Name'));
    if (!isGraphFunction(called)) return column;
    let name = called;
    for (let suffix = 1; taken.has(name); suffix += 1) name = `${called}${suffix}`;
    taken.add(name);
    return { ...column, name };
  });
}

const aboutPaths = (expression: Expression, outputs: readonly PatternOutput[]): boolean =>
  expression.k === 'column'
    ? outputs[Number(expression.name.slice('$match'.length))]?.k === 'list'
    : expression.k === 'call' && expression.args.some((argument) => aboutPaths(argument, outputs));

const cycleKinds = ['all', 'none', 'unique_edges'] as const;

export const graphMatch: PatternBuilder = (b, node, graph, cols) => {
  const given = parametersOf(b, node).get('cycles') ?? 'unique_edges';
  const cycles = cycleKinds.find((kind) => kind === given);
  if (!cycles) throw semantic(b, node, `graph-match: unknown value of cycles '${given}'.`);
  return buildPattern(b, node, graph, cols, { cycles });
};

export const graphShortestPaths: PatternBuilder = (b, node, graph, cols) => {
  const output = parametersOf(b, node).get('output') ?? 'any';
  if (output !== 'any' && output !== 'all')
    throw semantic(b, node, `graph-shortest-paths: unknown output '${output}'.`);
  return buildPattern(b, node, graph, cols, { cycles: 'unique_edges', shortest: output });
};

/** Adds columns under new names. */
const extended = (input: Plan, items: readonly Item[]): Plan =>
  items.length === 0
    ? input
    : {
        op: 'extend',
        input,
        items,
        cols: [
          ...input.cols,
          ...items.map((item): Column => ({ name: item.names[0] ?? '', type: item.expression.type })),
        ],
      };
