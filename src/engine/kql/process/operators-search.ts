import type { Expression } from '../ir/expression.ts';
import type { Plan } from '../ir/plan.ts';
import type { Column } from '../types.ts';
import type { Builder } from './builder.ts';
import { columnsOf, columnsOfSymbol, notSupported, positionOf, semantic } from './builder.ts';
import { buildScalar, call } from './expressions.ts';
import type { LanguageSymbol, SyntaxNode } from './language.ts';
import { kindOf, list, nameOf, need, part, symbolKind, toArray, tokenText } from './language.ts';
import { literalOf } from './literals.ts';
import { parametersOf } from './operators-basic.ts';
import { feeds } from './operators-join.ts';
import type { OperatorBuilder } from './tables.ts';
import { buildTable } from './tables.ts';

const everything: Expression = { k: 'column', name: '*', type: 'dynamic' };

/** A condition of `search` or `find`, in which a bare literal is a term looked for in every column. */
function searchCondition(b: Builder, node: SyntaxNode, caseSensitive: boolean): Expression {
  const kind = kindOf(node);
  const literal = literalOf(node);
  if (literal && literal.type !== 'bool') {
    const text: Expression = {
      k: 'literal',
      type: 'string',
      value: literal.type === 'string' ? literal.value : tokenText(node, 'Token'),
    };
    return {
      k: 'call',
      name: caseSensitive ? 'search_cs' : 'search',
      args: [everything, text],
      type: 'bool',
      at: positionOf(b, node),
    };
  }
  if (kind === 'ParenthesizedExpression') return searchCondition(b, need(node, 'Expression'), caseSensitive);
  if (kind === 'AndExpression' || kind === 'OrExpression') {
    const sides = [need(node, 'Left'), need(node, 'Right')].map((side) => searchCondition(b, side, caseSensitive));
    return call(b, node, kind === 'AndExpression' ? 'and' : 'or', sides, 'bool');
  }
  if (kind === 'FunctionCallExpression' && nameOf(need(node, 'Name')) === 'not') {
    const [inner] = list(need(node, 'ArgumentList'), 'Expressions');
    if (inner) return call(b, node, 'not', [searchCondition(b, inner, caseSensitive)], 'bool');
  }
  if (kind === 'SearchExpression') {
    const column = buildScalar(b, need(node, 'Left'));
    return call(b, node, caseSensitive ? 'search_cs' : 'search', [column, buildScalar(b, need(node, 'Right'))], 'bool');
  }
  if (kind === 'StarExpression') return { k: 'literal', type: 'bool', value: true };
  return buildScalar(b, node);
}

/** A leg lacks some columns of the whole: there they are null. */
function forLeg(expression: Expression, leg: readonly Column[]): Expression {
  if (expression.k === 'call') return { ...expression, args: expression.args.map((argument) => forLeg(argument, leg)) };
  if (expression.k !== 'column' || expression.name === '*') return expression;
  if (leg.some((column) => column.name === expression.name)) return expression;
  return { k: 'literal', type: expression.type, value: expression.type === 'string' ? '' : null };
}

interface Leg {
  readonly plan: Plan;
  readonly source: string;
}

function legsOf(b: Builder, node: SyntaxNode, input: Plan | undefined): Leg[] {
  if (input) return [{ plan: input, source: sourceName(input) }];
  const clause = part(node, 'InClause');
  if (!clause) throw notSupported(b, node, `${nameOf(node)} over all tables of the database`);
  return list(clause, 'Expressions').flatMap((entry, index) => {
    const symbol = entry.ReferencedSymbol;
    if (symbol && symbolKind(symbol) === 'GroupSymbol') return tablesOf(b, symbol);
    const plan = buildTable(b, entry);
    return [
      {
        plan,
        source:
          plan.op === 'table' ? plan.table : kindOf(entry) === 'NameReference' ? nameOf(entry) : `union_arg${index}`,
      },
    ];
  });
}

const tablesOf = (b: Builder, symbol: LanguageSymbol): Leg[] =>
  toArray<LanguageSymbol>(symbol.Members).map((member) => ({
    plan: { op: 'table', database: b.draft.database, table: member.Name, cols: columnsOfSymbol(member) },
    source: member.Name,
  }));

function sourceName(input: Plan): string {
  let plan: Plan = input;
  while ('input' in plan) plan = plan.input;
  return plan.op === 'table' ? plan.table : 'search_arg0';
}

function union(legs: readonly Leg[], condition: Expression, cols: readonly Column[], sourceColumn: number): Plan {
  return {
    op: 'union',
    cols,
    sourceColumn,
    legs: legs.map(({ plan, source }) => ({
      source,
      from: feeds(plan.cols, cols),
      plan: { op: 'filter', input: plan, condition: forLeg(condition, plan.cols), cols: plan.cols },
    })),
  };
}

const search: OperatorBuilder = (b, node, input) => {
  const cols = columnsOf(node);
  const kind = parametersOf(b, node).get('kind') ?? 'default';
  const condition = searchCondition({ ...b }, need(node, 'Condition'), kind === 'case_sensitive');
  const sourceColumn = cols.findIndex((column) => column.name === '$table');
  if (sourceColumn < 0) throw semantic(b, node, 'search yields the column $table.');
  return union(legsOf(b, node, input), condition, cols, sourceColumn);
};

const find: OperatorBuilder = (b, node, input) => {
  const cols = columnsOf(node);
  const source = parametersOf(b, node).get('withsource') ?? 'source_';
  const condition = searchCondition(b, need(node, 'Condition'), false);
  const legs = legsOf(b, node, input);
  const plan = union(
    legs,
    condition,
    cols,
    cols.findIndex((column) => column.name === source),
  );
  if (plan.op !== 'union' || !cols.some((column) => column.name === 'pack_')) return plan;
  // What no listed column carries goes into `pack_`.
  const packed = plan.legs.map((leg) => {
    const extra = leg.plan.cols.filter((column) => !leg.from.includes(column.name));
    const bag = extra.flatMap((column): Expression[] => [
      { k: 'literal', type: 'string', value: column.name },
      { k: 'column', ...column },
    ]);
    const item = {
      names: ['pack_'],
      expression: { k: 'call', name: 'bag_pack', args: bag, type: 'dynamic', at: -1 } as const,
    };
    const legCols = [
      ...leg.plan.cols.filter((column) => column.name !== 'pack_'),
      { name: 'pack_', type: 'dynamic' } as const,
    ];
    return {
      ...leg,
      plan: { op: 'extend', input: leg.plan, items: [item], cols: legCols } as const,
      from: feeds(legCols, cols),
    };
  });
  return { ...plan, legs: packed };
};

export const searchOperators: Readonly<Record<string, OperatorBuilder>> = {
  SearchOperator: search,
  FindOperator: find,
};
