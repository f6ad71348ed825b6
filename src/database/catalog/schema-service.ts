import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { Catalog } from './catalog.ts';
import type { EntityGroup, MappingKind, Policies, TableView } from './catalog-view.ts';
import { dropTable } from './dropped-tables.ts';
import { dropFunctions, putFunction, setFunctionText } from './function-changes.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import { databaseOf } from './image.ts';
import type { TableRecord } from './records.ts';
import type { EntityPrincipal } from '../../authz/kusto-roles.ts';
import type { Entity } from './principal-changes.ts';
import { setPrincipals } from './principal-changes.ts';
import type { FunctionSchema, MappingSchema, TableSchema } from './schema.ts';
import type { Owner } from './setting-changes.ts';
import type { SettingPolicy } from './setting-changes.ts';
import { dropMapping, putMapping, setPolicy } from './setting-changes.ts';
import {
  alterTable,
  createTable,
  dropColumns,
  findTable,
  mergeColumns,
  renameColumns,
  renameTables,
  requireTable,
  requireText,
  saveTable,
  changeColumnType,
  encodeColumn,
} from './table-changes.ts';
import { tableView } from './views.ts';

export interface SchemaChanges {
  /** `.create table(s)`. A table that exists is left as it is. @returns the tables as they are now */
  createTables(database: string, tables: readonly TableSchema[]): Promise<readonly TableView[]>;
  /** `.create-merge table(s)`: adds missing tables and columns. @throws DataError when a column exists with another type */
  createMergeTables(database: string, tables: readonly TableSchema[]): Promise<readonly TableView[]>;
  /** `.alter table`: exactly these columns in this order afterwards; those not listed lose their data. */
  alterTable(database: string, table: TableSchema): Promise<TableView>;
  /** `.alter-merge table`: adds missing columns at the end. */
  alterMergeTable(database: string, table: TableSchema): Promise<TableView>;
  /** @throws DataError `TableNotFound`, unless `ifExists` */
  dropTables(database: string, tables: readonly string[], ifExists: boolean): Promise<void>;
  /** All or none. `a` → `b` and `b` → `a` in one call swaps. */
  /** @param renames all of them or none; `ifExists`: one of a table that is not there is left out */
  renameTables(
    database: string,
    renames: readonly { readonly from: string; readonly to: string; readonly ifExists?: boolean }[],
  ): Promise<readonly TableView[]>;
  /** @param columns names; their data is gone */
  dropColumns(database: string, table: string, columns: readonly string[], ifExists: boolean): Promise<TableView>;
  /** The column's data is gone, unless it has that type. */
  changeColumnType(database: string, table: string, column: string, type: Column['type']): Promise<TableView>;
  /** @param encoding a profile of encoding policies; undefined: none */
  setColumnEncoding(database: string, table: string, column: string, encoding: string | undefined): Promise<TableView>;
  renameColumns(
    database: string,
    table: string,
    renames: readonly { readonly from: string; readonly to: string }[],
  ): Promise<TableView>;
  setTableText(
    database: string,
    table: string,
    text: { readonly folder?: string; readonly docstring?: string },
  ): Promise<TableView>;
  /** Docstrings of columns by name. `merge`: others keep theirs. */
  setColumnDocstrings(
    database: string,
    table: string,
    docstrings: Readonly<Record<string, string>>,
    merge: boolean,
  ): Promise<TableView>;

  /** @param mode `create` refuses an existing one (`createIfNotExists` leaves it), `alter` a missing one */
  putFunction(
    database: string,
    fn: FunctionSchema,
    mode: 'create' | 'createIfNotExists' | 'createOrAlter' | 'alter',
  ): Promise<FunctionSchema>;
  dropFunctions(database: string, names: readonly string[], ifExists: boolean): Promise<void>;
  setFunctionText(
    database: string,
    name: string,
    text: { readonly folder?: string; readonly docstring?: string },
  ): Promise<FunctionSchema>;

  /** @param table undefined: a mapping of the database */
  putMapping(
    database: string,
    table: string | undefined,
    mapping: MappingSchema,
    mode: 'create' | 'createOrAlter' | 'alter',
  ): Promise<void>;
  dropMapping(database: string, table: string | undefined, kind: MappingKind, name: string): Promise<void>;

  /** Sets or (null) deletes one policy of a database or table. The value is the policy's JSON as Kusto shows it. */
  setPolicy<Name extends keyof Policies>(
    database: string,
    table: string | undefined,
    name: Name,
    policy: NonNullable<Policies[Name]> | null,
    how?: SettingPolicy,
  ): Promise<void>;

  /** What else a database has a name for. @param change what it throws changes nothing. @returns what it has then, once durable */
  changeFacts(database: string, change: (held: DatabaseFacts) => DatabaseFacts): Promise<DatabaseFacts>;

  /** Who has a role on one entity. @param change what it throws changes nothing. @returns who has one then, once durable */
  setPrincipals(
    database: string,
    entity: Entity,
    change: (held: readonly EntityPrincipal[]) => readonly EntityPrincipal[],
  ): Promise<readonly EntityPrincipal[]>;
}

export interface DatabaseFacts {
  /** Empty: none. */
  readonly prettyName: string;
  readonly entityGroups: readonly EntityGroup[];
}

export interface SchemaServiceParts {
  readonly catalog: Catalog;
  readonly randomBytes: RandomBytes;
  readonly now: () => Instant;
  /** After tables were dropped: their rows go. */
  readonly sweep: () => Promise<void>;
  /** Whether a mapping means something to those who read by it. @throws DataError `InvalidMapping` */
  readonly requireMapping: (kind: MappingKind, text: string) => void;
  /** @throws DataError `DatabaseNotFound` */
  readonly databaseId: (name: string) => Guid;
}

/** Each schema change as one commit. Rows of dropped tables go after it. */
export function createSchemaService({
  catalog,
  randomBytes,
  now,
  sweep,
  requireMapping,
  databaseId,
}: SchemaServiceParts): SchemaChanges {
  const change = <T>(database: string, plan: (draft: CatalogDraft, id: Guid) => T): Promise<T> => {
    const id = databaseId(database);
    return catalog.change((draft) => plan(draft, id));
  };
  const onTable = async (
    database: string,
    name: string,
    plan: (draft: CatalogDraft, table: TableRecord) => TableRecord,
  ): Promise<TableView> =>
    tableView(await change(database, (draft, id) => plan(draft, requireTable(draft, id, name))), database);
  const onTables = async (
    database: string,
    tables: readonly TableSchema[],
    plan: (draft: CatalogDraft, id: Guid, table: TableSchema) => TableRecord,
  ): Promise<TableView[]> => {
    const records = await change(database, (draft, id) => tables.map((table) => plan(draft, id, table)));
    return records.map((record) => tableView(record, database));
  };
  const ownerOf = (draft: CatalogDraft, id: Guid, table: string | undefined): Owner => ({
    databaseId: id,
    table: table === undefined ? undefined : requireTable(draft, id, table),
  });

  return {
    createTables: (database, tables) =>
      onTables(database, tables, (draft, id, table) => createTable(draft, id, newGuid(randomBytes), table)),
    createMergeTables: (database, tables) =>
      onTables(database, tables, (draft, id, table) => {
        const existing = findTable(draft, id, table.name);
        return existing === undefined
          ? createTable(draft, id, newGuid(randomBytes), table)
          : mergeColumns(draft, existing, table);
      }),
    alterTable: (database, table) => onTable(database, table.name, (draft, record) => alterTable(draft, record, table)),
    alterMergeTable: (database, table) =>
      onTable(database, table.name, (draft, record) => mergeColumns(draft, record, table)),
    dropTables: async (database, tables, ifExists) => {
      await change(database, (draft, id) => {
        for (const name of tables) {
          const table = ifExists ? findTable(draft, id, name) : requireTable(draft, id, name);
          if (table !== undefined) dropTable(draft, table, now());
        }
      });
      await sweep();
    },
    renameTables: async (database, renames) => {
      const records = await change(database, (draft, id) => renameTables(draft, id, renames));
      return records.map((record) => tableView(record, database));
    },
    dropColumns: (database, table, columns, ifExists) =>
      onTable(database, table, (draft, record) => dropColumns(draft, record, columns, ifExists)),
    changeColumnType: (database, table, column, type) =>
      onTable(database, table, (draft, record) => changeColumnType(draft, record, column, type)),
    setColumnEncoding: (database, table, column, encoding) =>
      onTable(database, table, (draft, record) => encodeColumn(draft, record, column, encoding)),
    renameColumns: (database, table, renames) =>
      onTable(database, table, (draft, record) => renameColumns(draft, record, renames)),
    setTableText: (database, table, text) =>
      onTable(database, table, (draft, record) =>
        saveTable(draft, {
          ...record,
          folder: requireText(text.folder ?? record.folder),
          docstring: requireText(text.docstring ?? record.docstring),
        }),
      ),
    setColumnDocstrings: (database, table, docstrings, merge) =>
      onTable(database, table, (draft, record) => {
        const columns = record.columns.map((column) => ({
          ...column,
          docstring: requireText(
            (Object.hasOwn(docstrings, column.name) ? docstrings[column.name] : undefined) ??
              (merge ? column.docstring : ''),
          ),
        }));
        return saveTable(draft, { ...record, columns });
      }),
    putFunction: (database, fn, mode) => change(database, (draft, id) => putFunction(draft, id, fn, mode)),
    dropFunctions: (database, names, ifExists) =>
      change(database, (draft, id) => dropFunctions(draft, id, names, ifExists)),
    setFunctionText: (database, name, text) => change(database, (draft, id) => setFunctionText(draft, id, name, text)),
    putMapping: async (database, table, mapping, mode) => {
      requireMapping(mapping.kind, mapping.mapping);
      await change(database, (draft, id) => putMapping(draft, ownerOf(draft, id, table), mapping, mode, now()));
    },
    dropMapping: (database, table, kind, name) =>
      change(database, (draft, id) => dropMapping(draft, ownerOf(draft, id, table), kind, name)),
    setPolicy: (database, table, name, policy, how) =>
      change(database, (draft, id) => setPolicy(draft, ownerOf(draft, id, table), name, policy, how)),
    changeFacts: (database, plan) =>
      change(database, (draft, id) => {
        const record = databaseOf(draft, id);
        const facts = plan({ prettyName: record.prettyName ?? '', entityGroups: record.entityGroups ?? [] });
        draft.put({ ...record, ...facts, schemaVersion: record.schemaVersion + 1 });
        return facts;
      }),
    setPrincipals: (database, entity, plan) => change(database, (draft, id) => setPrincipals(draft, id, entity, plan)),
  };
}
