import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
import type { KqlType } from '../plan/types.ts';
import { cast } from '../sql/convert.ts';
import type { AggregateRow, AggregateRows, RowScope, SqlArgument } from '../sql/scope.ts';

interface Picked {
  readonly sql: Sql;
  readonly type: KqlType;
}

/** What `*` stands for in arg_max(x, *) and take_any(*): every column that is not grouped by, nor `x` itself. */
export const starColumns = (scope: RowScope, without: readonly string[]): Picked[] =>
  (scope.relation?.columns ?? [])
    .filter((column) => !without.includes(column.name))
    .map((column) => ({ sql: column.id, type: column.type }));

const isStar = (argument: SqlArgument): boolean =>
  argument.expression.k === 'column' && argument.expression.name === '*';

/** The values that arg_max(by, …) takes from the row it chooses, apart from `by` itself. */
export function pickedBy(by: SqlArgument, values: readonly SqlArgument[], scope: RowScope): Picked[] {
  const own = by.expression.k === 'column' ? [by.expression.name] : [];
  return values.flatMap((value): Picked[] =>
    isStar(value) ? starColumns(scope, [...own, ...groupedNames(scope)]) : [{ sql: value.sql, type: value.type }],
  );
}

/** Fields f0, f1 … */
const packed = (values: readonly Pick<Picked, 'sql'>[]): Sql =>
  sql`struct_pack(${joined(values.map((value, index) => sql`f${index} := ${value.sql}`))})`;

/** A row of n columns that n columns are taken from: written for each of them, the statement would grow with the square. */
const held = ({ hold }: RowScope, row: Sql): Sql => hold?.(row) ?? row;

/** Values of the row where `x` is greatest or least. With only null `x` the group still gives a row: its first. */
const extreme = (name: 'arg_max' | 'arg_min'): AggregateRow => ({
  columns: ([by, ...values], call, scope) => {
    if (!by) return [];
    const picked = pickedBy(by, values, scope);
    if (picked.length === 0) return [sql`${name === 'arg_max' ? 'max' : 'min'}(${by.sql})`];
    const row = packed([by, ...picked]);
    const best = held(scope, sql`coalesce(${name}(${row}, ${by.sql}), first(${row}))`);
    return [by, ...picked]
      .map((_value, index) => sql`struct_extract(${best}, 'f${index}')`)
      .slice(0, (call.types ?? [call.type]).length);
  },
});

/** The values of one row of the group. A value asked for alone comes from a row that has one, where there is such a row. */
const takeAny = (conditional: boolean): AggregateRow => ({
  columns: (args, _call, scope) => {
    const predicate = conditional ? args.at(-1) : undefined;
    const values = conditional ? args.slice(0, -1) : args;
    const filter = predicate ? sql` FILTER (WHERE ${cast(predicate, 'bool')})` : '';
    const picked = values.flatMap((value): Picked[] =>
      isStar(value) ? starColumns(scope, groupedNames(scope)) : [{ sql: value.sql, type: value.type }],
    );
    const [only] = picked;
    if (only && picked.length === 1)
      return only.type === 'string'
        ? [sql`coalesce(any_value(nullif(${only.sql}, ''))${filter}, '')`]
        : [sql`any_value(${only.sql})${filter}`];
    if (picked.length === 0) return [];
    const row = held(scope, sql`first(${packed(picked)})${filter}`);
    return picked.map(({ type }, index) => {
      const value = sql`struct_extract(${row}, 'f${index}')`;
      return type === 'string' ? sql`coalesce(${value}, '')` : value;
    });
  },
});

const groupedNames = (scope: RowScope): readonly string[] => scope.grouped ?? [];

export const pickAggregates: AggregateRows = {
  arg_max: extreme('arg_max'),
  argmax: extreme('arg_max'),
  arg_min: extreme('arg_min'),
  argmin: extreme('arg_min'),
  take_any: takeAny(false),
  any: takeAny(false),
  take_anyif: takeAny(true),
  anyif: takeAny(true),
};
