import type { Expression } from '../../../../plan/expression.ts';
import type { Plan, UnionNode } from '../../../../plan/plan.ts';
import type { UnionFeeds } from '../../../../plan/union-feeds.ts';
import type { Column } from '../../../../plan/types.ts';
import type { Builder } from '../draft/builder.ts';
import { columnsOf } from '../../language/node-types.ts';
import { positionOf, semantic } from '../../language/node-errors.ts';
import { call } from '../expressions/compiled-calls.ts';
import type { SyntaxNode } from '../../language/language.ts';
import { kindOf, list, nameOf, need, part, tokenText } from '../../language/language.ts';
import { literalOf } from '../../language/literals.ts';
import { parametersOf } from './basic.ts';
import { feedsOf, sourceName } from './join.ts';
import { pipedInto } from '../../language/pipes.ts';
import { allTables, membersOf, memberTables } from './wildcard-tables.ts';
import type { OperatorBuilder } from '../draft/visit.ts';
import { buildScalar, buildTable } from '../draft/visit.ts';

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

/** A leg lacks some columns of the whole: there they are null. What legs have in several types is compared as what it is there. */
function forLeg(expression: Expression, leg: readonly Column[]): Expression {
  if (expression.k === 'call') return { ...expression, args: expression.args.map((argument) => forLeg(argument, leg)) };
  if (expression.k !== 'column' || expression.name === '*') return expression;
  const own = leg.find((column) => column.name === expression.name);
  if (own && (own.type === expression.type || expression.type !== 'dynamic')) return expression;
  if (own) return asDynamic({ k: 'column', ...own });
  return { k: 'literal', type: expression.type, value: expression.type === 'string' ? '' : null };
}

const asDynamic = (expression: Expression): Expression => ({
  k: 'call',
  name: 'index',
  args: [
    { k: 'call', name: 'pack_array', args: [expression], type: 'dynamic' },
    { k: 'literal', type: 'long', value: '0' },
  ],
  type: 'dynamic',
});

interface Leg {
  readonly plan: Plan;
  readonly source: string;
}

function legsOf(b: Builder, node: SyntaxNode, input: Plan | undefined): Leg[] {
  if (input) {
    const piped = pipedInto(node);
    return [{ plan: input, source: (piped && sourceName(b, piped, input)) ?? firstTable(input) }];
  }
  const clause = part(node, 'InClause');
  if (!clause) return allTables(b, node);
  return list(clause, 'Expressions').flatMap((entry, index) => {
    const members = membersOf(entry);
    if (members) return memberTables(b, entry, members);
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

/** Tables that have none of the columns of a condition are left out. */
function legsWith(condition: Expression, legs: readonly Leg[]): readonly Leg[] {
  const names = columnNames(condition);
  return names.includes('*') || names.length === 0
    ? legs
    : legs.filter(({ plan }) => plan.cols.some((column) => names.includes(column.name)));
}
const columnNames = (expression: Expression): string[] =>
  expression.k === 'column' ? [expression.name] : expression.k === 'call' ? expression.args.flatMap(columnNames) : [];

function firstTable(input: Plan): string {
  let plan: Plan = input;
  while ('input' in plan) plan = plan.input;
  return plan.op === 'table' ? plan.table : 'search_arg0';
}

/** As in a union; a column that the query gave a type takes what is there under its name, whatever it is. */
function searchFeeds(cols: readonly Column[]): (leg: readonly Column[]) => UnionFeeds {
  const feeds = feedsOf(cols);
  const places = new Map(cols.map(({ name }, place) => [name, place]));
  return (leg) => {
    const found = new Map(feeds(leg));
    for (const { name } of leg) {
      const place = places.get(name);
      if (place !== undefined && !found.has(place)) found.set(place, name);
    }
    return [...found].sort(([one], [other]) => one - other);
  };
}

function union(
  legs: readonly Leg[],
  condition: Expression,
  cols: readonly Column[],
  sourceColumn: number,
): UnionNode & Pick<Plan, 'cols'> {
  const feeds = searchFeeds(cols);
  return {
    op: 'union',
    cols,
    sourceColumn,
    oneCondition: true,
    legs: legs.map(({ plan, source }) => ({
      source,
      from: feeds(plan.cols),
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
  const source = parametersOf(b, node).get('withsource') ?? 'source_';
  const condition = searchCondition(b, need(node, 'Condition'), false);
  const legs = legsWith(condition, legsOf(b, node, input));
  const cols = columnsOf(node);
  const plan = union(
    legs,
    condition,
    cols,
    cols.findIndex((column) => column.name === source),
  );
  if (!cols.some((column) => column.name === 'pack_')) return plan;
  // What no listed column carries goes into `pack_`.
  const feeds = feedsOf(cols);
  const packed = plan.legs.map((leg) => {
    const shown = new Set(leg.from.map(([, own]) => own));
    const extra = leg.plan.cols.filter((column) => !shown.has(column.name));
    const bag = extra.flatMap((column): Expression[] => [
      { k: 'literal', type: 'string', value: column.name },
      { k: 'column', ...column },
    ]);
    const item = {
      names: ['pack_'],
      expression: { k: 'call', name: 'bag_pack', args: bag, type: 'dynamic' } as const,
    };
    const legCols = [
      ...leg.plan.cols.filter((column) => column.name !== 'pack_'),
      { name: 'pack_', type: 'dynamic' } as const,
    ];
    return {
      ...leg,
      plan: { op: 'extend', input: leg.plan, items: [item], cols: legCols } as const,
      from: feeds(legCols),
    };
  });
  return { ...plan, legs: packed };
};

export const searchOperators: Readonly<Record<string, OperatorBuilder>> = {
  SearchOperator: search,
  FindOperator: find,
};
