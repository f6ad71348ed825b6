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
}

/** A SELECT statement, what its columns mean, and the order its rows have. `order` undefined: none. */
export interface Relation {
  readonly sql: string;
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

export const orderBy = (order: readonly OrderKey[]): string =>
  order
    .map((key) => `${key.id} ${key.descending ? 'DESC' : 'ASC'} NULLS ${key.nullsFirst ? 'FIRST' : 'LAST'}`)
    .join(', ');

export interface Output {
  readonly id: string;
  readonly sql: string;
}

/** `SELECT … FROM (relation) …`; a statement needs at least one column. */
export function selectFrom(source: Relation | string, outputs: readonly Output[], suffix = ''): string {
  const columns = outputs.map(({ id, sql }) => (id === sql ? id : `${sql} AS ${id}`)).join(', ');
  const from = typeof source === 'string' ? source : `(${source.sql})`;
  return `SELECT ${columns || '1 AS none'} FROM ${from}${suffix === '' ? '' : ` ${suffix}`}`;
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
  sql: `SELECT ${columns.map(({ id, type }) => `NULL::${physicalType[type]} AS ${id}`).join(', ') || '1 AS none'} WHERE false`,
  columns,
});
