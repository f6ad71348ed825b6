import { invariant } from '../../../../../base/invariant.ts';
import type { CatalogGraph, CatalogGraphSnapshot, CatalogGraphStep, KqlCatalog } from '../../../../plan/catalog.ts';
import type { Expression } from '../../../../plan/expression.ts';
import type { GraphNodesSettings, GraphShape } from '../../../../plan/graph-settings.ts';
import { snapshotTable } from '../../../../plan/hidden-tables.ts';
import type { Item, Plan, Program } from '../../../../plan/plan.ts';
import { namesakes } from '../../../../plan/union-feeds.ts';
import { databaseNotFound, KqlError, missingDatabase } from '../../../../plan/kql-error.ts';
import type { Column, KqlType } from '../../../../plan/types.ts';
import { withBindOptions } from '../../binder/options.ts';
import type { Builder } from '../draft/builder.ts';
import type { Draft } from '../draft/draft.ts';
import { semantic } from '../../language/node-errors.ts';
import { shareTable } from '../draft/builder.ts';
import type { KeptGraphs } from '../draft/draft.ts';
import { newDraft, partOf } from '../draft/draft.ts';
import { Scope } from '../draft/scope.ts';
import { checkDiagnostics } from '../../binder/diagnostics.ts';
import type { EngineFunctions } from '../../binder/engine-functions.ts';
import type { StateOf } from '../../binder/global-state.ts';
import { isStoredView, queryOfView } from '../../binder/global-state.ts';
import type { Graph } from '../draft/graph.ts';
import type { Visitors } from '../draft/visit.ts';
import { labelsColumn } from './graph-patterns.ts';
import type { LanguageSymbol, SyntaxNode } from '../../language/language.ts';
import { kindOf, languagePackage, list, nameOf, need, toArray } from '../../language/language.ts';
import { literalOf } from '../../language/literals.ts';
import { buildStatement } from '../draft/visit.ts';

export const keptGraphs = (catalog: KqlCatalog, functions: EngineFunctions, stateOf: StateOf): KeptGraphs => ({
  functions,
  isDisabled: (plugin) => catalog.disabledPlugins?.includes(plugin) === true,
  find: (database, name) =>
    catalog.databases.find((entry) => entry.name === database)?.graphs?.find((graph) => graph.name === name),
  entities: (database, name) =>
    catalog.databases.find((entry) => entry.name === database)?.entityGroups?.find((group) => group.name === name)
      ?.entities,
  security: (database, name) => {
    const { tables = [], materializedViews = [] } = catalog.databases.find((entry) => entry.name === database) ?? {};
    return [...tables, ...materializedViews].find((table) => table.name === name)?.rowLevelSecurity;
  },
  materialized: (database, name) =>
    catalog.databases.find((entry) => entry.name === database)?.materializedViews?.find((view) => view.name === name),
  view: (database, name) => {
    const views = catalog.databases.find((entry) => entry.name === database)?.functions.filter(isStoredView);
    const found = views?.find((view) => view.name === name);
    return found && queryOfView(found);
  },
  state: (database, withViews) => stateOf(catalog, functions, database, withViews),
  hasDatabase: (from, symbol) =>
    toArray<LanguageSymbol>(stateOf(catalog, functions, from).Cluster.Databases).some((known) => known === symbol),
});

/** Columns of a kept graph that users do not see as properties. */
const [sourceName, targetName, idName] = ['$source', '$target', '$id'];
const shape: GraphShape = { source: sourceName, target: targetName };
const isProperty = ({ name }: Column): boolean => !name.startsWith('$');

/** `graph("model")`: its newest snapshot, or what its model makes of the tables as they are now when there is none.
 * `graph("model", "snapshot")`, `graph("model", volatile)`. */
export function buildKeptGraph(b: Builder, node: SyntaxNode, database: string): Graph {
  const args = list(need(node, 'ArgumentList'), 'Expressions').map((argument) =>
    kindOf(argument) === 'SimpleNamedExpression' ? need(argument, 'Expression') : argument,
  );
  const [name, second] = args.map((argument) => literalOf(argument)?.value);
  if (typeof name !== 'string') throw semantic(b, node, 'graph() needs the name of a graph model as a literal.');
  const model = b.draft.keptGraphs.find(database, name);
  if (!model) throw semantic(b, node, `The name '${name}' does not refer to any known graph model.`, 'KS260');
  const newest = second === true ? undefined : model.snapshots[0];
  const snapshot = typeof second === 'string' ? model.snapshots.find((candidate) => candidate.name === second) : newest;
  if (typeof second === 'string' && !snapshot) {
    const message = `The name '${second}' does not refer to any known snapshot of the graph model '${name}'.`;
    throw semantic(b, node, message, 'KS261');
  }
  return snapshot ? ofSnapshot(b, node, database, model, snapshot) : ofSteps(b.draft, database, model);
}

function ofSnapshot(
  b: Builder,
  node: SyntaxNode,
  database: string,
  model: CatalogGraph,
  snapshot: CatalogGraphSnapshot,
): Graph {
  const newest = model.snapshots[0];
  if (newest && !(sameColumns(newest.nodes, snapshot.nodes) && sameColumns(newest.edges, snapshot.edges)))
    throw semantic(
      b,
      node,
      `The snapshot '${snapshot.name}' has other properties than the newest one; this is not supported.`,
    );
  const plan = (part: 'nodes' | 'edges'): Plan =>
    shareTable(b, {
      op: 'table',
      database,
      table: snapshotTable(model.name, snapshot.name, part),
      cols: snapshot[part],
    });
  return {
    shape,
    nodes: plan('nodes'),
    edges: plan('edges'),
    properties: snapshot.nodes.filter(isProperty),
    edgeProperties: snapshot.edges.filter(isProperty),
    labelled: true,
  };
}

const sameColumns = (left: readonly Column[], right: readonly Column[]): boolean =>
  left.length === right.length &&
  left.every(({ name, type }, at) => name === right[at]?.name && type === right[at].type);

interface Step {
  readonly plan: Plan;
  /** As named by the step: of a node its id, of an edge its source and target. */
  readonly ids: readonly Column[];
  readonly step: CatalogGraphStep;
}

/** Nodes are merged by id: of conflicting values the last one counts. Edges stay as many as they are. */
function ofSteps(draft: Draft, database: string, model: CatalogGraph): Graph {
  const nodeSteps = model.nodes.map((step, index) =>
    compileStep(draft, database, model, step, `AddNodes ${index + 1}`),
  );
  const edgeSteps = model.edges.map((step, index) =>
    compileStep(draft, database, model, step, `AddEdges ${index + 1}`),
  );
  const types = new Set([...nodeSteps, ...edgeSteps].flatMap(({ ids }) => ids.map(({ type }) => type)));
  const [only, ...others] = types;
  const idType = only === undefined || others.length > 0 ? 'string' : only;
  const nodeTables = nodeSteps.map(({ plan, ids, step }) =>
    extended(plan, [item(idName, asType(ids[0], idType)), item(labelsColumn.name, labelsOf(model, plan, step))]),
  );
  const edgeTables = edgeSteps.map(({ plan, ids, step }) =>
    extended(plan, [
      item(sourceName, asType(ids[0], idType)),
      item(targetName, asType(ids[1], idType)),
      item(labelsColumn.name, labelsOf(model, plan, step)),
    ]),
  );
  const share = (plan: Plan): Plan => shareTable({ draft, scope: new Scope(), offset: undefined }, plan);
  const edgeColumns: Column[] = [
    ...unified(model, edgeSteps),
    { name: sourceName, type: idType },
    { name: targetName, type: idType },
    labelsColumn,
  ];
  const edges = share(union(edgeTables, edgeColumns));
  const properties = unified(model, nodeSteps);
  // A node that only edges name gets its id as a property where all steps call it the same.
  const [idColumn, ...otherIds] = new Set(model.nodes.flatMap((step) => step.ids));
  const settings: GraphNodesSettings = {
    ...shape,
    keys: nodeTables.map(() => idName),
    ...(idColumn !== undefined && otherIds.length === 0 && { idColumn }),
    lastWins: true,
  };
  const nodes = share({
    op: 'rowwise',
    name: 'make-graph',
    inputs: [edges, ...nodeTables],
    settings,
    cols: [...properties, { name: idName, type: idType }, labelsColumn],
  });
  return { shape, nodes, edges, properties, edgeProperties: edgeColumns.filter(isProperty), labelled: true };
}

/** Both tables of a graph as they are kept: the program's first result are the nodes, its second the edges. */
export function compileGraph(model: CatalogGraph, database: string, graphs: KeptGraphs, visitors: Visitors): Program {
  const draft = newDraft(database, graphs, visitors);
  const { nodes, edges } = ofSteps(draft, database, model);
  const results = [
    { name: 'nodes', plan: nodes },
    { name: 'edges', plan: edges },
  ];
  return { parameters: [], options: {}, lets: draft.lets, results };
}

function compileStep(draft: Draft, database: string, model: CatalogGraph, step: CatalogGraphStep, title: string): Step {
  const where = `Step ${title} of the graph model '${model.name}'`;
  const own = { ...newDraft(database, draft.keptGraphs, draft.visitors), ...partOf(draft) };
  const text = `${database} ${model.name} ${title}`;
  try {
    withBindOptions({ database, text }, () => buildStep(own, step, database));
  } catch (error) {
    if (!(error instanceof KqlError)) throw error;
    // Whoever asks may know of fewer databases than who made the model.
    const missing = missingDatabase(error);
    if (missing !== undefined) throw databaseNotFound(missing);
    throw new KqlError(error.code, `${where}: ${error.message}`);
  }
  const [result, ...others] = own.results;
  if (!result || others.length > 0 || own.parameters.length > 0)
    throw new KqlError('semantic', `${where}: a step has a query with exactly one result.`);
  const { plan } = result;
  const column = (name: string): Column => {
    const found = plan.cols.find((candidate) => candidate.name === name);
    if (!found) throw new KqlError('semantic', `${where}: its query has no column '${name}'.`);
    return found;
  };
  if (plan.cols.some((candidate) => candidate.name.startsWith('$')))
    throw new KqlError('semantic', `${where}: names of columns must not begin with $.`);
  if (step.labelsColumn !== undefined) column(step.labelsColumn);
  return { plan, ids: step.ids.map(column), step };
}

function buildStep(draft: Draft, step: CatalogGraphStep, database: string): void {
  const code = languagePackage().KustoCode.ParseAndAnalyze(step.query, draft.keptGraphs.state(database));
  if (code.Kind !== 'Query') throw new KqlError('syntax', 'this is not a query');
  checkDiagnostics(code, draft.functions);
  const builder: Builder = { draft, scope: new Scope(), offset: undefined };
  for (const statement of list(code.Syntax, 'Statements')) buildStatement(builder, statement);
}

/** All columns of some steps; those of one name must be of one type. */
function unified(model: CatalogGraph, steps: readonly Step[]): Column[] {
  const columns = new Map<string, Column>();
  for (const column of steps.flatMap(({ plan }) => plan.cols)) {
    const known = columns.get(column.name) ?? column;
    if (known.type !== column.type)
      throw new KqlError(
        'notSupported',
        `The property '${column.name}' of the graph model '${model.name}' is ${known.type} in one step and ${column.type} in another, which is not supported.`,
      );
    columns.set(column.name, known);
  }
  return [...columns.values()];
}

function asType(column: Column | undefined, type: KqlType): Expression {
  invariant(column, 'a step names its ids');
  const value: Expression = { k: 'column', ...column };
  return column.type === type ? value : { k: 'call', name: 'tostring', args: [value], type: 'string' };
}

/** Static labels, then those of the row: one text, or a list. */
function labelsOf(model: CatalogGraph, plan: Plan, { labels, labelsColumn: name }: CatalogGraphStep): Expression {
  const call = (fn: string, type: KqlType, ...args: readonly Expression[]): Expression => ({
    ...{ k: 'call', name: fn, args, type },
  });
  const fixed: Expression = { k: 'literal', type: 'dynamic', value: JSON.stringify(labels) };
  const column = plan.cols.find((candidate) => candidate.name === name);
  if (!column) return fixed;
  const value: Expression = { k: 'column', ...column };
  const one = call('set_union', 'dynamic', fixed, call('pack_array', 'dynamic', call('tostring', 'string', value)));
  const isEmpty = call('isempty', 'bool', call('tostring', 'string', value));
  if (column.type === 'string') return call('iff', 'dynamic', isEmpty, fixed, one);
  if (column.type !== 'dynamic')
    throw new KqlError('semantic', `The labels of the graph model '${model.name}' are neither text nor a list.`);
  const isList = call('==', 'bool', call('gettype', 'string', value), { k: 'literal', type: 'string', value: 'array' });
  return call('case', 'dynamic', isEmpty, fixed, isList, call('set_union', 'dynamic', fixed, value), one);
}

const item = (name: string, expression: Expression): Item => ({ names: [name], expression });

const extended = (input: Plan, items: readonly Item[]): Plan => ({
  op: 'extend',
  input,
  items,
  cols: [...input.cols, ...items.map(({ names, expression }) => ({ name: names[0] ?? '', type: expression.type }))],
});

function union(plans: readonly Plan[], cols: readonly Column[]): Plan {
  const legs = plans.map((plan) => ({ plan, from: namesakes(plan.cols, cols), source: '' }));
  return { op: 'union', legs, cols };
}

/** Whether the node is the call `graph(…)`. */
export const isGraphCall = (node: SyntaxNode): boolean =>
  kindOf(node) === 'FunctionCallExpression' && nameOf(need(node, 'Name')) === 'graph';
