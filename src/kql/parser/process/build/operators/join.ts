import type { Expression } from '../../../../plan/expression.ts';
import type { JoinKind, JoinPair, Plan } from '../../../../plan/plan.ts';
import { joinKinds } from '../../../../plan/plan.ts';
import type { UnionFeeds } from '../../../../plan/union-feeds.ts';
import type { Column } from '../../../../plan/types.ts';
import type { Builder } from '../draft/builder.ts';
import { columnsOf } from '../../language/node-types.ts';
import { inEngineWords, notSupported, semantic, UnknownTable } from '../../language/node-errors.ts';
import { withoutContext } from '../draft/builder.ts';
import { whyLeftOut } from '../../binder/diagnostics.ts';
import { isFuzzy, isLeftOut } from '../../binder/fuzzy.ts';
import type { SyntaxNode } from '../../language/language.ts';
import { kindOf, list, nameOf, need, part, symbolKind } from '../../language/language.ts';
import { buildUserCall } from '../expressions/functions.ts';
import { parametersOf, withInput } from './basic.ts';
import { pipedInto } from '../../language/pipes.ts';
import { membersOf, memberTables } from './wildcard-tables.ts';
import type { OperatorBuilder } from '../draft/visit.ts';
import { buildScalar, buildTable } from '../draft/visit.ts';

const isJoinKind = (word: string): word is JoinKind => (joinKinds as readonly string[]).includes(word);
const kindSynonyms: Readonly<Record<string, JoinKind>> = {
  anti: 'leftanti',
  leftantisemi: 'leftanti',
  rightantisemi: 'rightanti',
  outer: 'fullouter',
  semi: 'leftsemi',
};

const join: OperatorBuilder = (b, node, given) => {
  const left = withInput(given);
  const right = buildTable(withoutContext(b), need(node, 'Expression'));
  const word = (parametersOf(b, node).get('kind') ?? 'innerunique').toLowerCase();
  const kind = kindSynonyms[word] ?? word;
  if (!isJoinKind(kind)) throw notSupported(b, node, `join kind=${word}`);
  return {
    op: 'join',
    kind,
    left,
    right,
    on: conditions(b, part(node, 'ConditionClause'), node),
    cols: columnsOf(node),
  };
};

const lookup: OperatorBuilder = (b, node, given) => {
  const left = withInput(given);
  const right = buildTable(withoutContext(b), need(node, 'Expression'));
  const kind = parametersOf(b, node).get('kind') === 'inner' ? 'inner' : 'leftouter';
  const on = conditions(b, part(node, 'LookupClause'), node);
  const keys = new Set(on.map((pair) => (pair.right.k === 'column' ? pair.right.name : '')));
  const rightColumns = right.cols.map((column) => column.name).filter((name) => !keys.has(name));
  return { op: 'lookup', kind, left, right, on, rightColumns, cols: columnsOf(node) };
};

function conditions(b: Builder, clause: SyntaxNode | undefined, node: SyntaxNode): JoinPair[] {
  if (!clause) throw notSupported(b, node, 'join without a condition');
  if (kindOf(clause) === 'JoinWhereClause') throw notSupported(b, clause, 'join … where');
  return list(clause, 'Expressions').flatMap((condition) => pairs(b, condition));
}

function pairs(b: Builder, node: SyntaxNode): JoinPair[] {
  const kind = kindOf(node);
  if (kind === 'ParenthesizedExpression') return pairs(b, need(node, 'Expression'));
  if (kind === 'AndExpression') return [...pairs(b, need(node, 'Left')), ...pairs(b, need(node, 'Right'))];
  if (kind === 'EqualExpression') {
    const one = buildScalar(b, need(node, 'Left'));
    const other = buildScalar(b, need(node, 'Right'));
    return [sideOf(one) === '$right' ? { left: other, right: one } : { left: one, right: other }];
  }
  const column = buildScalar(b, node);
  if (column.k !== 'column') throw inEngineWords(b, node, undefined, 'join: Only equality is allowed in this context.');
  return [{ left: { ...column, side: '$left' }, right: { ...column, side: '$right' } }];
}

function sideOf(expression: Expression): string | undefined {
  if (expression.k === 'column') return expression.side;
  if (expression.k === 'call') return expression.args.map(sideOf).find((side) => side !== undefined);
  return undefined;
}

/** How the columns of one leg feed the columns of a union: by name, or by `name_type` when types clash. */
export function feedsOf(cols: readonly Column[]): (leg: readonly Column[]) => UnionFeeds {
  const places = new Map(cols.map(({ name }, place) => [name, place]));
  return (leg) => {
    const found = new Map<number, { readonly own: string; readonly rank: number }>();
    const feed = (name: string, own: Column, rankOf: (column: Column) => number): void => {
      const place = places.get(name);
      const column = place === undefined ? undefined : cols[place];
      if (place === undefined || column === undefined) return;
      const rank = rankOf(column);
      if (rank > (found.get(place)?.rank ?? 0)) found.set(place, { own: own.name, rank });
    };
    for (const own of leg) {
      // Where the engine has another number type than the binder, which sees no clash, the column is that one all the same.
      feed(own.name, own, (column) => (own.type === column.type ? 3 : isNumber(own) && isNumber(column) ? 1 : 0));
      feed(`${own.name}_${own.type}`, own, (column) => (own.type === column.type ? 2 : 0));
    }
    return [...found].map(([place, { own }]) => [place, own] as const).sort(([one], [other]) => one - other);
  };
}
const isNumber = ({ type }: Column): boolean => type === 'int' || type === 'long' || type === 'real';

/** Columns of one name and several types come out as `name_type`. Where another leg has a column of just that name, that one
 * keeps it and the made name takes a 1 (the binder has it the other way round). */
function unionColumns(
  legs: readonly (readonly Column[])[],
  cols: readonly Column[],
): { readonly cols: readonly Column[]; readonly from: readonly UnionFeeds[] } {
  const types = new Map<string, Set<string>>();
  for (const { name, type } of legs.flat()) types.set(name, (types.get(name) ?? new Set()).add(type));
  const clashes = (name: string): boolean => (types.get(name)?.size ?? 0) > 1;
  const made = new Set(
    legs
      .flat()
      .filter(({ name }) => clashes(name))
      .map(({ name, type }) => `${name}_${type}`),
  );
  const taken = [...made].filter(
    (name) => types.has(name) && !clashes(name) && cols.some((column) => column.name === `${name}1`),
  );
  if (taken.length === 0) return { cols, from: legs.map(feedsOf(cols)) };
  const swapped = cols.map((column): Column => {
    const other = taken.find((name) => column.name === `${name}1`);
    return taken.includes(column.name)
      ? { ...column, name: `${column.name}1` }
      : other === undefined
        ? column
        : { ...column, name: other };
  });
  const from = legs.map((leg) =>
    swapped.flatMap((column, place) => {
      const own = leg.find(({ name, type }) => name === column.name && type === column.type && !clashes(name));
      const clash = leg.find(
        ({ name, type }) =>
          clashes(name) &&
          [`${name}_${type}`, `${name}_${type}1`].includes(column.name) &&
          !(types.has(column.name) && taken.includes(column.name)),
      );
      const feed = own ?? clash;
      return feed === undefined ? [] : [[place, feed.name] as const];
    }),
  );
  return { cols: swapped, from };
}

const union: OperatorBuilder = (b, node, given) => {
  const parameters = parametersOf(b, node);
  const source = parameters.get('withsource') ?? parameters.get('with_source');
  const fuzzy = isFuzzy(node);
  const explicit = list(node, 'Expressions').flatMap((leg, index) => unionLegs(b, leg, index + (given ? 1 : 0), fuzzy));
  const piped = pipedInto(node);
  const inputs = [
    ...(given ? [{ plan: given, name: (piped && sourceName(b, piped, given)) ?? 'union_arg0' }] : []),
    ...explicit,
  ];
  if (inputs.length === 0)
    throw inEngineWords(
      b,
      node,
      'SEM0529',
      "union: must have at least one operand that can be evaluated successfully when running with 'Fuzzy' mode.",
    );
  const placed = unionColumns(
    inputs.map(({ plan }) => plan.cols),
    columnsOf(node),
  );
  const { cols } = placed;
  const legs = inputs.map(({ plan, name }, index) => ({ plan, source: name, from: placed.from[index] ?? [] }));
  const sourceColumn = source === undefined ? -1 : cols.findIndex((column) => column.name === source);
  return { op: 'union', legs, cols, ...(sourceColumn >= 0 && { sourceColumn }) };
};

function unionLegs(b: Builder, node: SyntaxNode, index: number, fuzzy: boolean): { plan: Plan; name: string }[] {
  const members = membersOf(node);
  if (members) return memberTables(b, node, members).map(({ plan, source }) => ({ plan, name: source }));
  if (fuzzy && (!isKnown(b, node) || isLeftOut(node))) {
    warn(b, whyLeftOut(node));
    return [];
  }
  const plan = fuzzy ? unlessMissing(b, node) : buildTable(withoutContext(b), node);
  return plan === undefined ? [] : [{ plan, name: sourceName(b, node, plan) ?? `union_arg${index}` }];
}

function warn({ draft: { warnings } }: Builder, why: string | undefined): void {
  if (why !== undefined && warnings.size < warningsMax) warnings.add(why);
}
/** Parsers of parsers call hundreds. */
const warningsMax = 100;

/** @returns undefined where a table that the leg needs is not there, however deep in functions */
function unlessMissing(b: Builder, node: SyntaxNode): Plan | undefined {
  const { lets } = b.draft;
  const before = lets.length;
  try {
    return buildTable(withoutContext(b), node);
  } catch (error) {
    if (!(error instanceof UnknownTable)) throw error;
    warn(b, error.message);
    lets.splice(before);
    return undefined;
  }
}

/** The name that rows of a table have in a column of sources: the table's or view's own, or the one that `as` gives. */
export function sourceName(b: Builder, node: SyntaxNode, plan: Plan): string | undefined {
  const kind = kindOf(node);
  if (kind === 'ParenthesizedExpression') return sourceName(b, need(node, 'Expression'), plan);
  if (kind === 'PipeExpression') {
    const operator = need(node, 'Operator');
    return kindOf(operator) === 'AsOperator' ? nameOf(need(operator, 'Name')) : undefined;
  }
  if (kind !== 'NameReference') return undefined;
  const binding = b.scope.find(nameOf(node));
  const isTable =
    binding === undefined && node.ReferencedSymbol != null && symbolKind(node.ReferencedSymbol) === 'TableSymbol';
  const named =
    plan.op === 'table' || isTable || binding?.k === 'function' || (binding?.k === 'table' && binding.as === true);
  return named ? nameOf(node) : undefined;
}

/** Whether the table that a leg starts from exists; a fuzzy union leaves out those whose does not. */
function isKnown(b: Builder, node: SyntaxNode): boolean {
  const kind = kindOf(node);
  if (kind === 'ParenthesizedExpression' || kind === 'PipeExpression') return isKnown(b, need(node, 'Expression'));
  if (kind === 'PathExpression') return isKnown(b, need(node, 'Selector'));
  if (kind === 'FunctionCallExpression') return node.ReferencedSymbol != null;
  if (kind !== 'NameReference') return true;
  if (!node.ReferencedSymbol && /Wildcard/.test(kindOf(need(node, 'Name')))) return false;
  if (b.scope.find(node.ReferencedSymbol?.Name ?? nameOf(node))) return true;
  const result = node.ResultType;
  return !(result === null || result === undefined || (result.IsOpen === true && columnsOf(node).length === 0));
}

const invoke: OperatorBuilder = (b, node, given) => {
  const target = need(node, 'Function');
  const body = target.GetCalledFunctionBody?.();
  if (!body) throw notSupported(b, node, `invoke ${nameOf(part(target, 'Name') ?? target)}`);
  const result = buildUserCall(b, target, body, withInput(given));
  if (result.k !== 'table') throw semantic(b, node, 'invoke takes a function that returns a table.');
  return result.plan;
};

export const joinOperators: Readonly<Record<string, OperatorBuilder>> = {
  JoinOperator: join,
  LookupOperator: lookup,
  UnionOperator: union,
  InvokeOperator: invoke,
};
