import type { SyntaxNode } from '../language/language.ts';
import {
  children,
  isTuple,
  kindOf,
  list,
  nameOf,
  need,
  resultName,
  symbolKind,
  toArray,
} from '../language/language.ts';
import { givenNames } from '../language/named-expressions.ts';
import type { Correction } from './correction.ts';
import { correction } from './correction.ts';
import type { ColumnOf, SemanticInfo } from './symbols.ts';
import { corrected, scalarType } from './symbols.ts';

interface OperatorBinder {
  readonly RowScopeOrEmpty: unknown;
  readonly _binder: { GetDeclaredAndInferredColumns(table: unknown): unknown };
}
interface Visit {
  readonly self: OperatorBinder;
  readonly args: [node: SyntaxNode];
  readonly result: SemanticInfo | null;
}

/** Corrects the columns that an operator gives. */
const ofOperator = (
  kind: string,
  columns: (official: readonly ColumnOf[], node: SyntaxNode, binder: OperatorBinder) => readonly ColumnOf[] | undefined,
  probe: Correction['probe'],
): Correction =>
  correction<Visit>(
    `NodeBinder.Visit${kind}`,
    (official, binder, node) => corrected(official(node), (all) => columns(all, node, binder)),
    probe,
  );

/** What is captured under the name of a column that is there replaces it, as extend does; the binder adds another one. */
function replaced(
  official: readonly ColumnOf[],
  _node: SyntaxNode,
  { _binder: binder, RowScopeOrEmpty: rows }: OperatorBinder,
): readonly ColumnOf[] | undefined {
  const count = toArray(binder.GetDeclaredAndInferredColumns(rows)).length;
  const captured = new Map(official.slice(count).map((column) => [column.Name, column]));
  const before = official.slice(0, count);
  if (!before.some(({ Name }) => captured.has(Name))) return undefined;
  const names = new Set(before.map(({ Name }) => Name));
  return [
    ...before.map((column) => captured.get(column.Name) ?? column),
    ...official.slice(count).filter(({ Name }) => !names.has(Name)),
  ];
}

/** Levels of top-nested that are neither columns nor named: the binder gives them an empty name. */
function namedLevels(official: readonly ColumnOf[], node: SyntaxNode): readonly ColumnOf[] | undefined {
  const clauses = list(node, 'Clauses');
  let unnamed = 0;
  const columns = clauses.flatMap((clause, index): readonly ColumnOf[] => {
    const of = need(clause, 'OfExpression');
    const [ofColumn, byColumn] = official.slice(index * 2, index * 2 + 2);
    if (!ofColumn || !byColumn) return [];
    if (givenNames(of) !== undefined || resultName(of) !== '') return [ofColumn, byColumn];
    unnamed += 1;
    const name = `Column${unnamed}`;
    const isNamed = givenNames(need(clause, 'ByExpression')) !== undefined;
    return [ofColumn.WithName(name), isNamed ? byColumn : byColumn.WithName(`aggregated_${name}`)];
  });
  return unnamed === 0 ? undefined : columns;
}

/** An unnamed covariance carries the names of both columns in the engine, of the first in the binder; where it is there already, with a
 * number, as any name. */
function namedCovariances(official: readonly ColumnOf[], node: SyntaxNode): readonly ColumnOf[] | undefined {
  const columns = [...official];
  const taken = new Set(official.map(({ Name }) => Name));
  const calls = list(node, 'Aggregates').flatMap((call, index, all) => {
    const name = kindOf(call) === 'FunctionCallExpression' ? covarianceName(call) : undefined;
    if (name === undefined) return [];
    // A repeated name has lost its source: it is known by its place, where each call from there on is one column.
    const bySource = official.findIndex(({ Source }) => Source === call);
    const isLast = !all.slice(index).some(({ ResultType }) => isTuple(ResultType));
    return bySource >= 0 || isLast
      ? [[bySource >= 0 ? bySource : official.length - all.length + index, name] as const]
      : [];
  });
  for (const [index, name] of calls) {
    let free = name;
    for (let number = 1; taken.has(free); number += 1) free = `${name}${number}`;
    taken.add(free);
    columns.splice(index, 1, ...columns.slice(index, index + 1).map((column) => column.WithName(free)));
  }
  return calls.length > 0 ? columns : undefined;
}

function covarianceName(call: SyntaxNode): string | undefined {
  const name = nameOf(need(call, 'Name'));
  if (!name.startsWith('covariance')) return undefined;
  const [first, second] = list(need(call, 'ArgumentList'), 'Expressions');
  const names = [first, second].map((argument) =>
    argument && kindOf(argument) === 'NameReference' ? `_${nameOf(argument)}` : '',
  );
  return name + names.join('');
}

/** A column that the tables of `find` have in several types is one for each of them; the binder has a dynamic one. */
function splitByType(
  official: readonly ColumnOf[],
  node: SyntaxNode,
  { _binder: binder }: OperatorBinder,
): readonly ColumnOf[] | undefined {
  const tables = toArray<{ readonly Columns: unknown }>(
    (binder as unknown as { GetFindTables(node: SyntaxNode): unknown }).GetFindTables(node),
  ).map(({ Columns }) => toArray<ColumnOf>(Columns));
  const condition = need(node, 'Condition');
  const asked = new Set(looksEverywhere(condition) ? [] : columnNames(condition));
  // Tables that have none of the columns of a condition are left out.
  const legs = asked.size === 0 ? tables : tables.filter((columns) => columns.some(({ Name }) => asked.has(Name)));
  return official.flatMap((column) => {
    if (column.Type?.Name !== 'dynamic') return [column];
    const own = legs.flatMap((columns) => columns.filter(({ Name }) => Name === column.Name));
    const types = [...new Map(own.map((one) => [one.Type?.Name ?? '', one.Type])).entries()];
    if (types.length === 0 || types.some(([name]) => name === 'dynamic')) return [column];
    return types.map(([name, type]) =>
      (types.length > 1 ? column.WithName(`${column.Name}_${name}`) : column).WithType(type),
    );
  });
}

/** Whether a condition looks for a term in all columns. */
function looksEverywhere(condition: SyntaxNode): boolean {
  const kind = kindOf(condition);
  if (kind === 'ParenthesizedExpression') return looksEverywhere(need(condition, 'Expression'));
  if (kind === 'AndExpression' || kind === 'OrExpression')
    return looksEverywhere(need(condition, 'Left')) || looksEverywhere(need(condition, 'Right'));
  if (kind === 'FunctionCallExpression' && nameOf(need(condition, 'Name')) === 'not')
    return list(need(condition, 'ArgumentList'), 'Expressions').some(looksEverywhere);
  if (kind === 'SearchExpression') return kindOf(need(condition, 'Left')) === 'StarExpression';
  return kind.endsWith('LiteralExpression') && kind !== 'BooleanLiteralExpression';
}

function columnNames(node: SyntaxNode): string[] {
  const symbol = kindOf(node) === 'NameReference' ? node.ReferencedSymbol : undefined;
  const own = symbol && symbolKind(symbol) === 'ColumnSymbol' ? [symbol.Name] : [];
  return [...own, ...children(node).flatMap((child) => (child.IsToken ? [] : columnNames(child)))];
}

export const operatorCorrections: readonly Correction[] = [
  ofOperator('ParseOperator', replaced, {
    text: 'T | parse "x" with * "a" a:int *',
    official: 'a:long, a:int',
    corrected: 'a:int',
  }),
  ofOperator('ParseWhereOperator', replaced, {
    text: 'T | parse-where "x" with * "a" a:int *',
    official: 'a:long, a:int',
    corrected: 'a:int',
  }),
  ofOperator('ParseKvOperator', replaced, {
    text: 'T | parse-kv "x" as (a:int, b:bool)',
    official: 'a:long, a:int, b:bool',
    corrected: 'a:int, b:bool',
  }),
  ofOperator('TopNestedOperator', namedLevels, {
    text: 'T | top-nested 2 of a + 1 by sum(a)',
    official: ':long, aggregated_:long',
    corrected: 'Column1:long, aggregated_Column1:long',
  }),
  ofOperator('SummarizeOperator', namedCovariances, {
    text: 'T | extend b = a | summarize covariance(a, b)',
    official: 'covariance_a:real',
    corrected: 'covariance_a_b:real',
  }),
  // The engine numbers columns with ints.
  ofOperator(
    'GetSchemaOperator',
    (official) =>
      official.map((column) => (column.Name === 'ColumnOrdinal' ? column.WithType(scalarType('int')) : column)),
    {
      text: 'T | getschema | project ColumnOrdinal',
      official: 'ColumnOrdinal:long',
      corrected: 'ColumnOrdinal:int',
    },
  ),
  ofOperator('FindOperator', splitByType, {
    text: 'let U = datatable(a:string)[]; find in (T, U) where a == 1 project a',
    official: 'source_:string, a:dynamic',
    corrected: 'source_:string, a_long:long, a_string:string',
  }),
];
