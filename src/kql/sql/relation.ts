import type { Sql } from './fragment.ts';
import { joined, sql } from './fragment.ts';
import { invariant } from '../../base/invariant.ts';
import type { Column } from '../plan/types.ts';
import { physicalType } from '../plan/types.ts';

/** A column under its internal name. KQL names never enter SQL: DuckDB folds case, KQL does not. */
export interface RelationColumn extends Column {
  readonly id: string;
}

/** Names a column of the relation that its rows are ordered by. It may be hidden: not among `columns`. */
export interface OrderKey {
  readonly id: string;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
  /** It numbers the rows, each with a number of its own. */
  readonly numbersRows?: true;
}

/** A SELECT statement, what its columns mean, and the order its rows have. `order` undefined: none. */
export interface Relation {
  readonly sql: Sql;
  readonly columns: readonly RelationColumn[];
  readonly order?: readonly OrderKey[];
  /** Rows may be numbered and looked back at: after sort, serialize, range and what keeps their order. */
  readonly serialized?: boolean;
}

export function columnNamed(relation: Relation, name: string): RelationColumn {
  const column = relation.columns.find((candidate) => candidate.name === name);
  invariant(column, 'the binder names columns of the input only');
  return column;
}

/** Ids that must survive an operator: visible columns and hidden order keys. */
export function keptIds(relation: Relation): string[] {
  return [...new Set([...relation.columns.map((column) => column.id), ...(relation.order ?? []).map((key) => key.id)])];
}

/** What an operator that keeps rows in order hands on. */
export const inOrder = ({ order, serialized }: Relation): Pick<Relation, 'order' | 'serialized'> => ({
  ...(order && { order }),
  ...(serialized && { serialized }),
});

export const hiddenIds = (relation: Relation): string[] => {
  const visible = new Set(relation.columns.map((column) => column.id));
  return keptIds(relation).filter((id) => !visible.has(id));
};

export const orderBy = (order: readonly OrderKey[]): Sql =>
  joined(
    order.map((key) => sql`${key.id} ${key.descending ? 'DESC' : 'ASC'} NULLS ${key.nullsFirst ? 'FIRST' : 'LAST'}`),
  );

export interface Output {
  readonly id: string;
  readonly sql: Sql;
}

/** What stands after SELECT. */
export const named = (outputs: readonly Output[]): Sql[] =>
  outputs.map(({ id, sql: value }) => (id === value ? id : sql`${value} AS ${id}`));

/** A statement needs at least one column. */
export const listed = (columns: readonly Sql[]): Sql => (columns.length > 0 ? joined(columns) : '1 AS none');

/** `SELECT … FROM (relation) …` */
export function selectFrom(source: Relation | Sql, outputs: readonly Output[], suffix: Sql = ''): Sql {
  const from = typeof source === 'object' && 'sql' in source ? sql`(${source.sql})` : source;
  return sql`SELECT ${listed(named(outputs))} FROM ${from}${suffix === '' ? '' : sql` ${suffix}`}`;
}

export const asIs = (ids: readonly string[]): Output[] => ids.map((id) => ({ id, sql: id }));

/** A copy under fresh ids, for a relation that is named more than once. */
export function renamed(relation: Relation, newId: () => string): Relation {
  const ids = new Map(keptIds(relation).map((id) => [id, newId()]));
  const idOf = (id: string): string => ids.get(id) ?? id;
  return {
    sql: selectFrom(
      relation,
      [...ids].map(([from, to]) => ({ id: to, sql: from })),
    ),
    columns: relation.columns.map((column) => ({ ...column, id: idOf(column.id) })),
    ...(relation.order && { order: relation.order.map((key) => ({ ...key, id: idOf(key.id) })) }),
    ...(relation.serialized && { serialized: true }),
  };
}

export const withoutRows = (columns: readonly RelationColumn[]): Relation => ({
  sql: sql`SELECT ${listed(columns.map(({ id, type }) => `NULL::${physicalType[type]} AS ${id}`))} WHERE false`,
  columns,
});
