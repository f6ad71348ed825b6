import type { Guid } from '../../base/guid.ts';
import type { Catalog } from './catalog.ts';
import { dataError, entityExists } from './data-error.ts';
import type { ExternalTableView } from './external-table.ts';
import { requireEntityName } from './entity-name.ts';
import { databaseOf } from './image.ts';
import { findTable, requireText } from './table-changes.ts';

export interface ExternalTables {
  externalTables(database: string): readonly ExternalTableView[];
  /** @throws DataError `ExternalTableNotFound` */
  externalTable(database: string, name: string): ExternalTableView;
  /** @param mode `create` refuses one that is there, `alter` one that is not */
  putExternalTable(
    database: string,
    table: ExternalTableView,
    mode: 'create' | 'createOrAlter' | 'alter',
  ): Promise<ExternalTableView>;
  /** @param change of the table as it is then; what it throws changes nothing @throws DataError `ExternalTableNotFound` */
  changeExternalTable(
    database: string,
    name: string,
    change: (table: ExternalTableView) => ExternalTableView,
  ): Promise<ExternalTableView>;
  dropExternalTable(database: string, name: string): Promise<void>;
}

const tablesMax = 1_000;

export function createExternalTables(catalog: Catalog, databaseId: (name: string) => Guid): ExternalTables {
  const tablesOf = (database: string): readonly ExternalTableView[] =>
    databaseOf(catalog.image, databaseId(database)).externalTables ?? [];
  const externalTable = (database: string, name: string): ExternalTableView => {
    const found = tablesOf(database).find((one) => one.name === name);
    if (found === undefined) throw dataError('ExternalTableNotFound', name.slice(0, 200));
    return found;
  };
  const change = (database: string, plan: (before: readonly ExternalTableView[]) => readonly ExternalTableView[]) =>
    catalog.change((draft) => {
      const record = databaseOf(draft, databaseId(database));
      draft.put({
        ...record,
        externalTables: plan(record.externalTables ?? []),
        schemaVersion: record.schemaVersion + 1,
      });
    });
  return {
    externalTables: tablesOf,
    externalTable,
    putExternalTable: async (database, table, mode) => {
      const { name } = table;
      requireEntityName(name);
      requireText(table.folder);
      requireText(table.docstring);
      if (findTable(catalog.image, databaseId(database), name) !== undefined) throw entityExists('Table', name);
      await change(database, (before) => {
        const exists = before.some((one) => one.name === name);
        if (exists && mode === 'create') throw entityExists('ExternalTable', name);
        if (!exists && mode === 'alter') throw dataError('ExternalTableNotFound', name.slice(0, 200));
        if (!exists && before.length >= tablesMax)
          throw dataError('InvalidSchema', `A database has at most ${tablesMax} external tables.`);
        const { mappings, principals } = before.find((one) => one.name === name) ?? {};
        const kept = { ...table, ...(mappings && { mappings }), ...(principals && { principals }) };
        return [...before.filter((one) => one.name !== name), kept].sort((left, right) =>
          left.name < right.name ? -1 : 1,
        );
      });
      return externalTable(database, name);
    },
    changeExternalTable: async (database, name, how) => {
      await change(database, (before) => {
        if (!before.some((one) => one.name === name)) throw dataError('ExternalTableNotFound', name.slice(0, 200));
        return before.map((one) => {
          if (one.name !== name) return one;
          const after = how(one);
          requireText(after.folder);
          requireText(after.docstring);
          return after;
        });
      });
      return externalTable(database, name);
    },
    dropExternalTable: async (database, name) => {
      await change(database, (before) => {
        if (!before.some((one) => one.name === name)) throw dataError('ExternalTableNotFound', name.slice(0, 200));
        return before.filter((one) => one.name !== name);
      });
    },
  };
}
