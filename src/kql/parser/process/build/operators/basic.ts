import { KqlError } from '../../../../plan/kql-error.ts';
import type { Expression } from '../../../../plan/expression.ts';
import type { Item, Plan, SortKey } from '../../../../plan/plan.ts';
import { dependsOnData } from '../../../../plan/walk.ts';
import type { Column } from '../../../../plan/types.ts';
import type { Builder } from '../draft/builder.ts';
import { columnsOf, columnsOfSymbol } from '../../language/node-types.ts';
import { notSupported, semantic } from '../../language/node-errors.ts';
import { shareTable } from '../draft/builder.ts';
import { isTuple } from '../../language/language.ts';
import { visibleColumns } from '../expressions/compiled-calls.ts';
import type { SyntaxNode } from '../../language/language.ts';
import { kindOf, list, nameOf, need, part, resultName, tokenText } from '../../language/language.ts';
import { literalOf } from '../../language/literals.ts';
import { givenNames, unnamed } from '../../language/named-expressions.ts';
import type { OperatorBuilder } from '../draft/visit.ts';
import { buildScalar } from '../draft/visit.ts';

/** @throws KqlError semantic for an operator that stands first and has no rows to start from */
export function withInput(input: Plan | undefined): Plan {
  if (!input) throw new KqlError('semantic', 'An operator has no rows to start from.');
  return input;
}

/** The text of an operator parameter: a keyword, a name, or a literal. */
export function parameterValue(b: Builder, node: SyntaxNode): string {
  const literal = literalOf(node);
  if (literal) return String(literal.value);
  if (kindOf(node) === 'TokenLiteralExpression') return tokenText(node, 'Token');
  const scalar = kindOf(node) === 'NameReference' ? b.scope.find(nameOf(node)) : undefined;
  if (scalar?.k === 'scalar' && scalar.expression.k === 'literal') return String(scalar.expression.value);
  return nameOf(node);
}

/** Parameters such as `kind=inner hint.strategy=shuffle` by lower-case name. */
export function parametersOf(b: Builder, node: SyntaxNode, property = 'Parameters'): ReadonlyMap<string, string> {
  return new Map(
    list(node, property).map((parameter) => [
      nameOf(need(parameter, 'Name')).toLowerCase(),
      parameterValue(b, need(parameter, 'Expression')),
    ]),
  );
}

const width = (node: SyntaxNode): number => {
  const result = node.ResultType;
  return isTuple(result) ? columnsOfSymbol(result).length : 1;
};

/** Items whose outputs are exactly `columns`, in order, as in project, print, distinct and summarize.
 * @param keepsToNames whether a call that yields several columns has no more than its names, as in print */
export function itemsByPosition(
  b: Builder,
  nodes: readonly SyntaxNode[],
  columns: readonly Column[],
  start = 0,
  keepsToNames = false,
): Item[] {
  let next = start;
  return nodes.map((node) => {
    const inner = unnamed(node);
    const count = isTuple(inner.ResultType) ? Math.max(width(node), width(inner)) : 1;
    const given = givenNames(node);
    const size =
      given && isTuple(inner.ResultType)
        ? Math.max(given.length, keepsToNames ? 1 : width(node))
        : (given?.length ?? count);
    const names = columns.slice(next, next + size).map((column) => column.name);
    next += size;
    return { names, expression: buildScalar(b, inner) };
  });
}

/** Items of extend: named ones keep their name, others have the binder's, or take its new columns in order. */
function extendItems(b: Builder, nodes: readonly SyntaxNode[], input: Plan, output: readonly Column[]): Item[] {
  const existing = new Set(input.cols.map((column) => column.name));
  const named = new Set(
    nodes.flatMap((node) => givenNames(node) ?? (kindOf(node) === 'NameReference' ? [nameOf(node)] : [])),
  );
  const fresh = output.map((column) => column.name).filter((name) => !existing.has(name) && !named.has(name));
  return nodes.map((node) => {
    const inner = unnamed(node);
    const given = givenNames(node);
    const expression = buildScalar(b, inner);
    if (given) return { names: given, expression };
    if (kindOf(node) === 'NameReference' && expression.k === 'column') return { names: [expression.name], expression };
    // `extend toint(x)` replaces x, as the name of its column is x.
    const own = isTuple(inner.ResultType) ? '' : resultName(inner);
    if (own !== '' && output.some((column) => column.name === own)) {
      if (fresh.includes(own)) fresh.splice(fresh.indexOf(own), 1);
      return { names: [own], expression };
    }
    return { names: fresh.splice(0, width(inner)), expression };
  });
}

const extend: OperatorBuilder = (b, node, given) => {
  const input = withInput(given);
  const cols = columnsOf(node);
  const items = extendItems(b, list(node, 'Expressions'), input, cols);
  return { op: 'extend', input, items, cols };
};

const project: OperatorBuilder = (b, node, given) => {
  const input = withInput(given);
  const cols = columnsOf(node);
  const nodes = list(node, 'Expressions');
  if (nodes.some((item) => kindOf(item) === 'StarExpression')) throw notSupported(b, node, "'*' in project");
  const items = itemsByPosition(b, nodes, cols);
  return { op: 'project', input, items, cols };
};

/** project-away, -keep, -reorder and -by-names choose among input columns; names survive. */
const choose: OperatorBuilder = (_b, node, given) => {
  const cols = columnsOf(node);
  return { op: 'select', input: withInput(given), from: cols.map((column) => column.name), cols };
};

const rename: OperatorBuilder = (_b, node, given) => {
  const input = withInput(given);
  const cols = columnsOf(node);
  const renamed = new Map(
    list(node, 'Expressions').flatMap((item) =>
      kindOf(item) === 'SimpleNamedExpression'
        ? [[nameOf(need(item, 'Name')), nameOf(need(item, 'Expression'))] as const]
        : [],
    ),
  );
  return { op: 'select', input, from: cols.map((column) => renamed.get(column.name) ?? column.name), cols };
};

const filter: OperatorBuilder = (b, node, given) => ({
  op: 'filter',
  input: withInput(given),
  condition: buildScalar(b, need(node, 'Condition')),
  cols: columnsOf(node),
});

const print: OperatorBuilder = (b, node) => {
  const cols = columnsOf(node);
  const items = itemsByPosition(b, list(node, 'Expressions'), cols, 0, true);
  return { op: 'print', items, cols };
};

const range: OperatorBuilder = (b, node) => {
  const [from, to, step] = [need(node, 'From'), need(node, 'To'), need(node, 'Step')];
  const by = buildScalar(b, step);
  // The binder looks at numbers only.
  if (by.k === 'literal' && Number(by.value ?? NaN) === 0) throw semantic(b, step, noStep);
  return { op: 'range', from: buildScalar(b, from), to: buildScalar(b, to), step: by, cols: columnsOf(node) };
};
const noStep = 'The expression must not be the value: 0';

const datatable: OperatorBuilder = (b, node) => {
  const cols = columnsOf(node);
  const cells = list(node, 'Values').map((value) => buildScalar(b, value));
  if (cols.length === 0 || cells.length % cols.length !== 0)
    throw semantic(b, node, 'datatable: the number of values is not a multiple of the number of columns.');
  const rows: Expression[][] = [];
  for (let start = 0; start < cells.length; start += cols.length) rows.push(cells.slice(start, start + cols.length));
  return { op: 'datatable', rows, cols };
};

export function sortKeys(b: Builder, nodes: readonly SyntaxNode[]): SortKey[] {
  return nodes.map((node) => {
    const ordering = kindOf(node) === 'OrderedExpression' ? part(node, 'Ordering') : undefined;
    const word = ordering ? tokenText(ordering, 'AscOrDescKeyword').toLowerCase() : '';
    const descending = word !== 'asc' && word !== 'granny-asc';
    const nulls = ordering && part(ordering, 'NullsClause');
    const nullsWord = nulls ? tokenText(nulls, 'FirstOrLastKeyword').toLowerCase() : '';
    const expression = buildScalar(b, kindOf(node) === 'OrderedExpression' ? need(node, 'Expression') : node);
    return { expression, descending, nullsFirst: nullsWord === '' ? !descending : nullsWord === 'first' };
  });
}

const sort: OperatorBuilder = (b, node, given) => ({
  op: 'sort',
  input: withInput(given),
  keys: sortKeys(b, list(node, 'Expressions')),
  cols: columnsOf(node),
});

const top: OperatorBuilder = (b, node, given) => ({
  op: 'top',
  input: withInput(given),
  count: buildCount(b, need(node, 'Expression')),
  keys: sortKeys(b, [need(node, 'ByExpression')]),
  cols: columnsOf(node),
});

/** A number of rows: no row is in sight there, so a name that the binder took for a column is the `let` or parameter of that
 * name, if there is one. */
export function buildCount(b: Builder, node: SyntaxNode): Expression {
  const outside = (expression: Expression): Expression => {
    if (expression.k === 'call') return { ...expression, args: expression.args.map(outside) };
    const binding = expression.k === 'column' ? b.scope.find(expression.name) : undefined;
    return binding?.k === 'scalar' ? binding.expression : expression;
  };
  return outside(buildScalar(b, node));
}

const take: OperatorBuilder = (b, node, given) => ({
  op: 'take',
  input: withInput(given),
  count: buildCount(b, need(node, 'Expression')),
  cols: columnsOf(node),
});

const summarize: OperatorBuilder = (b, node, given) => {
  const input = withInput(given);
  const cols = columnsOf(node);
  const clause = part(node, 'ByClause');
  const by = itemsByPosition(b, clause ? list(clause, 'Expressions') : [], cols);
  const used = by.reduce((sum, item) => sum + item.names.length, 0);
  const aggregates = itemsByPosition(b, list(node, 'Aggregates'), cols, used);
  return { op: 'summarize', input, by, aggregates, cols };
};

const distinct: OperatorBuilder = (b, node, given) => {
  const input = withInput(given);
  const cols = columnsOf(node);
  const nodes = list(node, 'Expressions');
  const items = nodes.some((item) => kindOf(item) === 'StarExpression')
    ? cols.map((column): Item => ({ names: [column.name], expression: { k: 'column', ...column } }))
    : itemsByPosition(b, nodes, cols);
  return { op: 'distinct', input, items, cols };
};

const serialize: OperatorBuilder = (b, node, given) => {
  const input = withInput(given);
  const cols = columnsOf(node);
  return { op: 'serialize', input, items: extendItems(b, list(node, 'Expressions'), input, cols), cols };
};

const as: OperatorBuilder = (b, node, given) => {
  const plan = shareTable(b, withInput(given));
  b.scope.bind(nameOf(need(node, 'Name')), { k: 'table', plan, as: true });
  return plan;
};

const getSchema: OperatorBuilder = (b, node, given) => {
  const text = (value: string): Expression => ({ k: 'literal', type: 'string', value });
  const input = withInput(given);
  const rows = visibleColumns(b, input.cols).map((column, index): Expression[] => [
    text(column.name),
    { k: 'literal', type: 'int', value: index.toString() },
    text(clrNames[column.type]),
    text(column.type),
  ]);
  const cols = columnsOf(node);
  const table: Plan = { op: 'datatable', rows, cols, ...(dependsOnData(input) && { describes: input }) };
  return { op: 'serialize', input: table, items: [], cols };
};

const clrNames: Readonly<Record<Column['type'], string>> = {
  bool: 'System.SByte',
  int: 'System.Int32',
  long: 'System.Int64',
  real: 'System.Double',
  decimal: 'System.Data.SqlTypes.SqlDecimal',
  string: 'System.String',
  datetime: 'System.DateTime',
  timespan: 'System.TimeSpan',
  guid: 'System.Guid',
  dynamic: 'System.Object',
};

export const basicOperators: Readonly<Record<string, OperatorBuilder>> = {
  FilterOperator: filter,
  ExtendOperator: extend,
  ProjectOperator: project,
  ProjectAwayOperator: choose,
  ProjectKeepOperator: choose,
  ProjectReorderOperator: choose,
  ProjectByNamesOperator: choose,
  ProjectRenameOperator: rename,
  PrintOperator: print,
  RangeOperator: range,
  DataTableExpression: datatable,
  ContextualDataTableExpression: datatable,
  SortOperator: sort,
  TopOperator: top,
  TakeOperator: take,
  SampleOperator: (b, node, input) => ({
    op: 'sample',
    input: withInput(input),
    count: buildCount(b, need(node, 'Expression')),
    cols: columnsOf(node),
  }),
  SampleDistinctOperator: (b, node, input) => ({
    op: 'sampleDistinct',
    input: withInput(input),
    count: buildCount(b, need(node, 'Expression')),
    of: buildScalar(b, need(node, 'OfExpression')),
    cols: columnsOf(node),
  }),
  SummarizeOperator: summarize,
  DistinctOperator: distinct,
  CountOperator: (_b, node, input) => ({ op: 'count', input: withInput(input), cols: columnsOf(node) }),
  SerializeOperator: serialize,
  AsOperator: as,
  GetSchemaOperator: getSchema,
};
