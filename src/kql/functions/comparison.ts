import type { Sql } from '../sql/fragment.ts';
import { copied, joined, sql } from '../sql/fragment.ts';
import type { Expression } from '../plan/expression.ts';
import type { KqlType } from '../plan/types.ts';
import { jsonItems } from '../values/json-text.ts';
import { commonType, numberRank } from '../sql/common-type.ts';
import { cast, convert } from '../sql/convert.ts';
import { compilePlan } from '../sql/plans.ts';
import { selectFrom } from '../sql/relation.ts';
import type { FunctionRow, FunctionRows, RowScope, SqlArgument } from '../sql/scope.ts';

const isSolid = (expression: Expression): boolean =>
  expression.k === 'literal' && expression.value !== null && expression.value !== 'NaN';

interface Pair {
  readonly a: Sql;
  readonly b: Sql;
  readonly type: KqlType;
  /** Both sides could be null. */
  readonly nullable: boolean;
  /** Conditions under which a NaN stands on one side. */
  readonly nan: Sql | undefined;
}

/** DuckDB compares whole numbers with decimals by itself, and with those that are whole numbers of any length. */
const sideOf = (side: SqlArgument, type: KqlType): Sql =>
  type === 'decimal' && (side.type === 'int' || side.type === 'long') ? side.sql : cast(side, type);

function pairOf([left, right]: readonly SqlArgument[]): Pair {
  if (!left || !right) throw new RangeError('a comparison has two sides');
  const type = commonType(left.type, right.type);
  const [a, b] = [sideOf(left, type), sideOf(right, type)];
  const loose = [...(isSolid(left.expression) ? [] : [a]), ...(isSolid(right.expression) ? [] : [b])];
  return {
    a,
    b,
    type,
    nullable: type !== 'string' && loose.length === 2,
    nan:
      type === 'real' && loose.length > 0
        ? joined(
            loose.map((x) => sql`isnan(${x})`),
            ' OR ',
          )
        : undefined,
  };
}

/** `null == x` is false, `null == null` is null, NaN equals nothing. */
const equal: FunctionRow = {
  sql: (args) => {
    const { a, b, type, nullable, nan } = pairOf(args);
    if (type === 'string') return sql`(${a} = ${b})`;
    // Not IS NOT DISTINCT FROM, whose negation is what `notEqual` avoids.
    if (!nullable) return sql`coalesce(${a} = ${b}, false)`;
    const same =
      nan === undefined
        ? sql`${a} IS NOT DISTINCT FROM ${b}`
        : sql`(${a} IS NOT DISTINCT FROM ${b} AND NOT coalesce(${nan}, false))`;
    return sql`CASE WHEN ${a} IS NULL AND ${b} IS NULL THEN NULL ELSE ${same} END`;
  },
};
/** `* == "x"`: some column of that kind is equal. */
const inAnyColumn = (row: FunctionRow): FunctionRow => ({
  sql: (args, call, scope) => {
    const [left, right] = args;
    const expression = left?.expression;
    if (!right || expression?.k !== 'column' || expression.name !== '*') return row.sql(args, call, scope);
    const tests = (scope.relation?.columns ?? [])
      .filter(
        ({ type }) => type === right.type || (numberRank[type] !== undefined && numberRank[right.type] !== undefined),
      )
      .map(({ id, name, type }) =>
        row.sql([{ sql: id, type, expression: { k: 'column', name, type } }, right], call, scope),
      );
    return tests.length === 0 ? 'false' : sql`(${joined(tests, ' OR ')})`;
  },
});

const notEqual: FunctionRow = {
  sql: (args) => {
    const { a, b, type, nullable, nan } = pairOf(args);
    if (type === 'string') return sql`(${a} <> ${b})`;
    // Not IS DISTINCT FROM: with OR in a filter of a scan it makes DuckDB leave out row groups in which all values are null.
    if (!nullable) return sql`coalesce(${a} <> ${b}, true)`;
    const differs =
      nan === undefined
        ? sql`${a} IS DISTINCT FROM ${b}`
        : sql`(${a} IS DISTINCT FROM ${b} OR coalesce(${nan}, false))`;
    return sql`CASE WHEN ${a} IS NULL AND ${b} IS NULL THEN NULL ELSE ${differs} END`;
  },
};
const whileRead = (side: Sql): Sql => (typeof side === 'string' ? side : (side.whileRead ?? side));

const equalInFilter: FunctionRow = {
  sql: (args) => {
    const { a: left, b: right, nullable, nan } = pairOf(args);
    const [a, b] = nullable ? [left, right] : [whileRead(left), whileRead(right)];
    return nan !== undefined && nullable ? sql`(${a} = ${b} AND NOT (${nan}))` : sql`(${a} = ${b})`;
  },
};
const ordered = (operator: string): FunctionRow => ({
  sql: (args) => {
    const { a, b, nan } = pairOf(args);
    return nan === undefined
      ? sql`(${a} ${operator} ${b})`
      : sql`CASE WHEN ${nan} THEN false ELSE ${a} ${operator} ${b} END`;
  },
});

const between = (negated: boolean): FunctionRow => ({
  sql: ([value, low, high]) => {
    if (!value || !low || !high) return 'NULL';
    const type = commonType(value.type, low.type === 'timespan' && value.type === 'datetime' ? 'datetime' : low.type);
    const x = cast(value, type);
    // A timespan as upper bound of datetimes is counted from the lower one.
    const top =
      high.type === 'timespan' && low.type === 'datetime' ? sql`(${low.sql} + ${high.sql})` : sideOf(high, type);
    const inside =
      type === 'real'
        ? sql`(NOT isnan(${x}) AND ${copied(2, x)} BETWEEN ${sideOf(low, type)} AND ${top})`
        : sql`(${copied(2, x)} BETWEEN ${sideOf(low, type)} AND ${top})`;
    return negated ? sql`(NOT ${inside})` : inside;
  },
});

/** The members of a list argument as SQL values of `type`, or one SQL boolean when it cannot be listed. */
function memberOf(left: SqlArgument, args: readonly SqlArgument[], scope: RowScope, ignoreCase: boolean): Sql {
  const values: Sql[] = [];
  const tests: Sql[] = [];
  const fold = (value: Sql): Sql => (ignoreCase ? sql`lower(${value})` : value);
  const compared =
    left.type === 'dynamic' ? (args.find((argument) => argument.type !== 'dynamic')?.type ?? 'string') : left.type;
  const type = ignoreCase ? 'string' : compared;
  const x = cast(left, type);
  for (const argument of args) {
    const { expression } = argument;
    if (expression.k === 'table') {
      const relation = compilePlan(scope.ctx, expression.plan);
      const column = relation.columns[0];
      if (!column) continue;
      const value = fold(convert(column.id, column.type, type));
      tests.push(sql`${fold(x)} IN (${selectFrom(relation, [{ id: scope.ctx.newId(), sql: value }])})`);
    } else if (
      argument.type === 'dynamic' &&
      expression.k === 'literal' &&
      typeof expression.value === 'string' &&
      expression.value.startsWith('[')
    ) {
      // As text: a long may have more digits than a JavaScript number.
      for (const element of (jsonItems(expression.value) ?? []).flatMap((item) => jsonItems(item) ?? [item]))
        values.push(fold(convert(scope.ctx.bind(element, 'VARCHAR'), 'dynamic', type)));
    } else if (argument.type === 'dynamic' && left.type !== 'dynamic') {
      const wanted = convert('e', 'dynamic', type);
      tests.push(
        sql`CASE WHEN json_type(${argument.sql}) = 'ARRAY' THEN list_contains(list_transform(CAST(json_extract(${argument.sql}, '$[*]') AS VARCHAR[]), lambda e: ${fold(wanted)}), ${fold(x)}) ELSE ${fold(x)} = ${fold(convert(argument.sql, 'dynamic', type))} END`,
      );
    } else {
      values.push(fold(sideOf(argument, type)));
    }
  }
  if (values.length > 0) tests.push(sql`${fold(x)} IN (${joined(values)})`);
  return tests.length === 0 ? 'false' : sql`coalesce(${joined(tests, ' OR ')}, false)`;
}

const membership = (negated: boolean, ignoreCase: boolean): FunctionRow => ({
  sql: (args, _call, scope) => {
    const [left, ...rest] = args;
    if (!left) return 'NULL';
    const member = memberOf(left, rest, scope, ignoreCase);
    return negated ? sql`(NOT ${member})` : member;
  },
});

export const comparisonFunctions: FunctionRows = {
  '==': inAnyColumn(equal),
  '==filter': inAnyColumn(equalInFilter),
  '!=': { ...notEqual, aliases: ['<>'] },
  '<': ordered('<'),
  '<=': ordered('<='),
  '>': ordered('>'),
  '>=': ordered('>='),
  between: between(false),
  '!between': between(true),
  in: membership(false, false),
  '!in': membership(true, false),
  'in~': membership(false, true),
  '!in~': membership(true, true),
  and: { sql: ([a, b]) => sql`(${a ? cast(a, 'bool') : ''} AND ${b ? cast(b, 'bool') : ''})` },
  or: { sql: ([a, b]) => sql`(${a ? cast(a, 'bool') : ''} OR ${b ? cast(b, 'bool') : ''})` },
  not: { sql: ([a]) => sql`(NOT ${a ? cast(a, 'bool') : 'NULL'})` },
};
