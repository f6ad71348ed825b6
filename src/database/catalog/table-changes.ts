import type { Guid } from '../../base/guid.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { ColumnView } from './catalog-view.ts';
import type { TableSchema } from './schema.ts';
import { dataError, entityExists } from './data-error.ts';
import { requireEntityName } from './entity-name.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import { databaseOf } from './image.ts';
import { findView } from './materialized-view.ts';
import type { TableRecord } from './records.ts';

const columnsMax = 10_000;
const textMax = 64 * 1024;

export const findTable = (
  draft: Pick<CatalogDraft, 'tableNamed'>,
  databaseId: Guid,
  name: string,
): TableRecord | undefined => draft.tableNamed(databaseId, name);

/** @throws DataError `TableNotFound` */
export function requireTable(draft: Pick<CatalogDraft, 'tableNamed'>, databaseId: Guid, name: string): TableRecord {
  const found = findTable(draft, databaseId, name);
  if (found === undefined) throw dataError('TableNotFound', name.slice(0, 200));
  return found;
}

/** Every change of names, columns or functions counts. */
export function touch(draft: CatalogDraft, databaseId: Guid): void {
  const database = databaseOf(draft, databaseId);
  draft.put({ ...database, schemaVersion: database.schemaVersion + 1 });
}

export function createTable(draft: CatalogDraft, databaseId: Guid, tableId: Guid, schema: TableSchema): TableRecord {
  const existing = findTable(draft, databaseId, schema.name);
  if (existing !== undefined) {
    if (!isSameSchema(existing.columns, schema.columns)) throw entityExists('Table', schema.name);
    return existing;
  }
  requireEntityName(schema.name);
  const isFunction = databaseOf(draft, databaseId).functions.some((fn) => fn.name === schema.name);
  if (isFunction) throw entityExists('ExpressionFunction', schema.name);
  if (findView(draft, databaseId, schema.name) !== undefined) throw entityExists('MaterializedView', schema.name);
  requireColumns(schema.columns);
  if (schema.columns.length === 0) throw dataError('InvalidSchema', 'A table has at least one column.');
  const table: TableRecord = {
    kind: 'table',
    tableId,
    databaseId,
    name: schema.name,
    columns: schema.columns.map(({ name, type }, index) => ({ columnId: index + 1, name, type, docstring: '' })),
    nextColumnId: schema.columns.length + 1,
    folder: requireText(schema.folder ?? ''),
    docstring: requireText(schema.docstring ?? ''),
    mappings: [],
    policies: schema.policies ?? {},
    ...(schema.principals === undefined ? {} : { principals: schema.principals }),
  };
  return save(draft, table);
}

const isSameSchema = (left: readonly Column[], right: readonly Column[]): boolean =>
  left.length === right.length &&
  left.every(({ name, type }, index) => name === right[index]?.name && type === right[index].type);

/** `.create-merge` and `.alter-merge`: columns that are missing come at the end. */
export function mergeColumns(draft: CatalogDraft, table: TableRecord, schema: TableSchema): TableRecord {
  requireColumns(schema.columns);
  const added: Column[] = [];
  for (const column of schema.columns) {
    const existing = table.columns.find(({ name }) => name === column.name);
    if (existing === undefined) added.push(column);
    else requireSameType(existing, column);
  }
  return save(draft, { ...withColumns(table, [...table.columns, ...added]), ...texts(table, schema) });
}

/** `.alter table`: columns that are not listed are gone with their data; the same name later is another column. */
export function alterTable(draft: CatalogDraft, table: TableRecord, schema: TableSchema): TableRecord {
  requireColumns(schema.columns);
  if (schema.columns.length === 0) throw dataError('InvalidSchema', 'A table has at least one column.');
  const columns = schema.columns.map((column) => {
    const existing = table.columns.find(({ name }) => name === column.name);
    if (existing !== undefined) requireSameType(existing, column);
    return existing ?? column;
  });
  return save(draft, { ...withColumns(table, columns), ...texts(table, schema) });
}

/** The columns of `schema`, whatever the table had: a column of another type is another column. */
export function recreateColumns(
  draft: CatalogDraft,
  table: TableRecord,
  schema: Omit<TableSchema, 'name'>,
): TableRecord {
  requireColumns(schema.columns);
  const columns = schema.columns.map(
    (column) => table.columns.find(({ name, type }) => name === column.name && type === column.type) ?? column,
  );
  return save(draft, { ...withColumns(table, columns), ...texts(table, schema) });
}

export function dropColumns(
  draft: CatalogDraft,
  table: TableRecord,
  names: readonly string[],
  ifExists: boolean,
): TableRecord {
  const missing = names.find((name) => !table.columns.some((column) => column.name === name));
  if (missing !== undefined && !ifExists) throw dataError('ColumnNotFound', missing);
  const columns = table.columns.filter(({ name }) => !names.includes(name));
  if (columns.length === 0) throw dataError('InvalidSchema', 'A table has at least one column.');
  return save(draft, { ...table, columns });
}

/** `.alter column type`: what rows have in the column is gone; it is another one with the same name in the same place. */
export function changeColumnType(
  draft: CatalogDraft,
  table: TableRecord,
  name: string,
  type: Column['type'],
): TableRecord {
  const existing = table.columns.find((column) => column.name === name);
  if (existing === undefined) throw dataError('ColumnNotFound', name.slice(0, 200));
  if (existing.type === type) return table;
  const next = { ...existing, type, columnId: table.nextColumnId };
  const columns = table.columns.map((column) => (column === existing ? next : column));
  return save(draft, { ...table, columns, nextColumnId: table.nextColumnId + 1 });
}

/** @param encoding undefined: none */
export function encodeColumn(
  draft: CatalogDraft,
  table: TableRecord,
  name: string,
  encoding: string | undefined,
): TableRecord {
  if (!table.columns.some((column) => column.name === name)) throw dataError('ColumnNotFound', name.slice(0, 200));
  const columns = table.columns.map((column): ColumnView => {
    if (column.name !== name) return column;
    const { columnId, type, docstring } = column;
    return { columnId, name, type, docstring, ...(encoding === undefined ? {} : { encoding }) };
  });
  return save(draft, { ...table, columns });
}

export function renameColumns(
  draft: CatalogDraft,
  table: TableRecord,
  renames: readonly { readonly from: string; readonly to: string }[],
): TableRecord {
  for (const { from, to } of renames) {
    requireEntityName(to);
    if (!table.columns.some(({ name }) => name === from)) throw dataError('ColumnNotFound', from);
  }
  const to = new Map(renames.map((rename) => [rename.from, rename.to]));
  const columns = table.columns.map((column) => ({ ...column, name: to.get(column.name) ?? column.name }));
  requireColumns(columns);
  return save(draft, { ...table, columns });
}

export function renameTables(
  draft: CatalogDraft,
  databaseId: Guid,
  asked: readonly { readonly from: string; readonly to: string; readonly ifExists?: boolean }[],
): TableRecord[] {
  const renames = asked.filter(({ from, ifExists }) => !ifExists || findTable(draft, databaseId, from) !== undefined);
  const leaving = new Set(renames.map(({ from }) => from));
  const found = renames.map(({ from, to }) => ({
    table: requireTable(draft, databaseId, from),
    to: requireEntityName(to),
  }));
  if (leaving.size < renames.length || new Set(renames.map(({ to }) => to)).size < renames.length) {
    throw dataError('InvalidSchema', 'A table is named twice in one rename.');
  }
  for (const { to } of found) {
    const taken = findTable(draft, databaseId, to) !== undefined && !leaving.has(to);
    const isFunction = databaseOf(draft, databaseId).functions.some((fn) => fn.name === to);
    if (taken) throw entityExists('Table', to);
    if (isFunction) throw entityExists('ExpressionFunction', to);
    if (findView(draft, databaseId, to) !== undefined) throw entityExists('MaterializedView', to);
  }
  return found.map(({ table, to }) => save(draft, { ...table, name: to }));
}

export const saveTable = (draft: CatalogDraft, table: TableRecord): TableRecord => save(draft, table);

export function requireText(text: string): string {
  if (text.length > textMax) throw dataError('InvalidSchema', 'A folder or docstring is too long.');
  return text;
}

function save(draft: CatalogDraft, table: TableRecord): TableRecord {
  draft.put(table);
  touch(draft, table.databaseId);
  return table;
}

function texts(table: TableRecord, schema: Omit<TableSchema, 'name'>): Pick<TableRecord, 'folder' | 'docstring'> {
  return {
    folder: requireText(schema.folder ?? table.folder),
    docstring: requireText(schema.docstring ?? table.docstring),
  };
}

/** Gives ids to columns that are new. */
function withColumns(table: TableRecord, columns: readonly (ColumnView | Column)[]): TableRecord {
  let { nextColumnId } = table;
  const all = columns.map((column): ColumnView => {
    if ('columnId' in column) return column;
    const columnId = nextColumnId;
    nextColumnId += 1;
    return { columnId, name: column.name, type: column.type, docstring: '' };
  });
  return { ...table, columns: all, nextColumnId };
}

function requireColumns(columns: readonly Column[]): void {
  if (columns.length > columnsMax) throw dataError('InvalidSchema', `A table has at most ${columnsMax} columns.`);
  const seen = new Set<string>();
  for (const { name } of columns) {
    requireEntityName(name);
    if (seen.has(name)) throw dataError('InvalidSchema', `The column '${name}' is listed twice.`);
    seen.add(name);
  }
}

function requireSameType(existing: Column, wanted: Column): void {
  if (existing.type !== wanted.type) {
    throw dataError(
      'InvalidSchema',
      `Column '${existing.name}' has the type '${existing.type}', which cannot be changed to '${wanted.type}'.`,
    );
  }
}
