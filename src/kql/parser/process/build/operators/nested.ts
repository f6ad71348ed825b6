import type { Expression } from '../../../../plan/expression.ts';
import { partitionSide } from '../../../../plan/expression.ts';
import type { MvColumn, Plan, TopNestedNode } from '../../../../plan/plan.ts';
import { mentionsSide } from '../../../../plan/walk.ts';
import type { Column } from '../../../../plan/types.ts';
import type { Builder } from '../draft/builder.ts';
import { columnsOf, typeOfSymbol } from '../../language/node-types.ts';
import { placedAt, shareTable, withoutContext } from '../draft/builder.ts';
import { semantic } from '../../language/node-errors.ts';
import type { SyntaxNode } from '../../language/language.ts';
import { kindOf, list, need, part, resultName, tokenText } from '../../language/language.ts';
import { givenNames, unnamed } from '../../language/named-expressions.ts';
import { buildCount, parametersOf, withInput } from './basic.ts';
import type { OperatorBuilder } from '../draft/visit.ts';
import { buildScalar, buildTable } from '../draft/visit.ts';
import { operatorTitle } from '../../language/pipes.ts';

/** The zipped columns of mv-expand and mv-apply. Expressions that name no column take numbered ones, as the binder's do. */
function expandedColumns(b: Builder, node: SyntaxNode, input: readonly Column[]): MvColumn[] {
  const nodes = list(node, 'Expressions').map((entry) => {
    const expression = part(entry, 'Expression') ?? entry;
    const inner = unnamed(expression);
    return { entry, inner, name: givenNames(expression)?.[0] ?? resultName(inner) };
  });
  const taken = new Set([...input.map((column) => column.name), ...nodes.map(({ name }) => name)]);
  const used = new Set<string>();
  return nodes.map(({ entry, inner, name: own }) => {
    const name = own || numberedName(taken);
    if (used.has(name)) throw semantic(b, entry, 'The expanded expression needs a name of its own.');
    used.add(name);
    const clause = part(entry, 'ToTypeOf');
    const typeNode = clause && list(need(clause, 'TypeOf'), 'Types')[0];
    const type = typeNode ? typeOfSymbol(typeNode.ReferencedSymbol ?? typeNode.ResultType) : 'dynamic';
    return { name, expression: buildScalar(b, inner), type };
  });
}

function numberedName(taken: Set<string>): string {
  let number = 1;
  while (taken.has(`Column${number}`)) number += 1;
  taken.add(`Column${number}`);
  return `Column${number}`;
}

/** The operator's old spelling has a limit of its own. */
const oldRowLimit: Expression = { k: 'literal', type: 'long', value: '128' };

const limitOf = (b: Builder, node: SyntaxNode): { limit?: ReturnType<typeof buildCount> } => {
  const clause = part(node, 'RowLimitClause');
  if (clause) return { limit: buildCount(b, need(clause, 'RowLimit')) };
  return tokenText(node, 'MvExpandKeyword') === 'mvexpand' ? { limit: oldRowLimit } : {};
};

const mvExpand: OperatorBuilder = (b, node, given) => {
  const input = withInput(given);
  const cols = columnsOf(node);
  const parameters = parametersOf(b, node);
  const indexColumn = parameters.get('with_itemindex');
  const bagAsArray = (parameters.get('kind') ?? parameters.get('bagexpansion')) === 'array';
  const columns = expandedColumns(b, node, input.cols);
  return {
    op: 'mvExpand',
    input,
    columns,
    bagAsArray,
    ...(indexColumn !== undefined && { indexColumn }),
    ...limitOf(b, node),
    cols,
  };
};

const mvApply: OperatorBuilder = (b, node, given) => {
  const input = withInput(given);
  const parameters = parametersOf(b, node);
  const indexColumn = parameters.get('with_itemindex');
  const columns = expandedColumns(b, node, input.cols);
  const contextCols = expandedSchema(input.cols, columns, indexColumn);
  const body = buildTable(
    { ...b, context: { op: 'context', cols: contextCols } },
    need(need(node, 'Subquery'), 'Expression'),
  );
  return {
    op: 'mvApply',
    ...placedAt(b, node),
    input,
    columns,
    contextCols,
    body,
    cols: columnsOf(node),
    ...(indexColumn !== undefined && { indexColumn }),
    ...limitOf(b, node),
  };
};

function expandedSchema(
  input: readonly Column[],
  columns: readonly MvColumn[],
  indexColumn: string | undefined,
): Column[] {
  const types = new Map(columns.map((column) => [column.name, column.type]));
  const kept = input.map((column): Column => ({ name: column.name, type: types.get(column.name) ?? column.type }));
  const names = new Set(input.map((column) => column.name));
  const added = columns.filter((column) => !names.has(column.name)).map(({ name, type }): Column => ({ name, type }));
  return [...kept, ...added, ...(indexColumn === undefined ? [] : [{ name: indexColumn, type: 'long' } as const])];
}

/** What a subquery must not have where it does not run on its own.
 * @see Kusto documentation, partition operator, "Supported operators for the native and shuffle strategies" */
const legacyOnly = /^(As|Evaluate|ExternalData|Fork|Join|Lookup|Union)(Operator|Expression)$/;

function checkOwnRows(b: Builder, node: SyntaxNode, strategy: string): void {
  const kind = kindOf(node);
  if (legacyOnly.test(kind))
    throw semantic(b, node, `partition: '${operatorTitle(node)}' is not possible with hint.strategy=${strategy}.`);
  if (kind === 'ParenthesizedExpression') checkOwnRows(b, need(node, 'Expression'), strategy);
  if (kind !== 'PipeExpression') return;
  checkOwnRows(b, need(node, 'Expression'), strategy);
  checkOwnRows(b, need(node, 'Operator'), strategy);
}

const partition: OperatorBuilder = (b, node, given) => {
  const input = shareTable(b, withInput(given));
  const by = buildScalar({ ...b, context: input }, need(node, 'ByExpression'));
  const operand = need(node, 'Operand');
  const context: Plan = { op: 'context', cols: input.cols };
  const query = part(operand, 'Query');
  const key = need(node, 'ByExpression').ReferencedSymbol;
  // In braces stands a query with a source of its own, which may name the key.
  const own: Builder = { ...withoutContext(b), ...(key && { partitionKey: key }) };
  const body = query ? buildTable(own, query) : buildTable({ ...b, context }, need(operand, 'Subquery'));
  const strategy = parametersOf(b, node).get('hint.strategy') ?? 'legacy';
  if (strategy !== 'legacy') checkOwnRows(b, part(operand, 'Query') ?? need(operand, 'Subquery'), strategy);
  return {
    op: 'partition',
    ...placedAt(b, node),
    input,
    by,
    body,
    ...(query && mentionsSide(body, partitionSide) && { keyed: true }),
    ...(strategy === 'legacy' && { limited: true }),
    cols: columnsOf(node),
  };
};

const topNested: OperatorBuilder = (b, node, given) => {
  const input = withInput(given);
  const cols = columnsOf(node);
  const levels = list(node, 'Clauses').map((clause, index): TopNestedNode['levels'][number] => {
    const count = part(clause, 'Expression');
    const others = part(clause, 'WithOthersClause');
    const by = need(clause, 'ByExpression');
    const ordered = kindOf(by) === 'OrderedExpression';
    const ordering = ordered ? part(by, 'Ordering') : undefined;
    const word = ordering ? tokenText(ordering, 'AscOrDescKeyword') : '';
    return {
      ...(count && { count: buildCount(b, count) }),
      of: { names: [cols[index * 2]?.name ?? ''], expression: buildScalar(b, unnamed(need(clause, 'OfExpression'))) },
      by: {
        names: [cols[index * 2 + 1]?.name ?? ''],
        expression: buildScalar(b, unnamed(ordered ? need(by, 'Expression') : by)),
      },
      descending: word !== 'asc',
      ...(others && { others: buildScalar(b, need(others, 'Expression')) }),
    };
  });
  return { op: 'topNested', input, levels, cols };
};

const topHitters: OperatorBuilder = (b, node, given) => {
  const by = part(node, 'ByClause');
  return {
    op: 'topHitters',
    input: withInput(given),
    count: buildCount(b, need(node, 'Expression')),
    of: buildScalar(b, unnamed(need(node, 'OfExpression'))),
    ...(by && { by: buildScalar(b, need(by, 'Expression')) }),
    cols: columnsOf(node),
  };
};

export const nestedOperators: Readonly<Record<string, OperatorBuilder>> = {
  MvExpandOperator: mvExpand,
  MvApplyOperator: mvApply,
  PartitionOperator: partition,
  TopNestedOperator: topNested,
  TopHittersOperator: topHitters,
};
