import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Policies } from '../catalog/catalog-view.ts';
import type { ClusterDatabase } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { DataOperations } from '../catalog/data-operations.ts';
import type { CatalogReader, StoredResultRecord } from '../catalog/image.ts';
import { clusterSettingsOf, inheritedPolicies } from '../catalog/cluster-settings.ts';
import { databaseOf } from '../catalog/image.ts';
import { isHidden } from '../catalog/record-groups.ts';
import type { ExtentOrPage, ExtentPageRecord, ExtentRecord, TableRecord } from '../catalog/records.ts';
import type { RequestIndex } from '../catalog/request-index.ts';
import { requireGraphModel } from '../catalog/graph-models.ts';
import type { ViewTable } from '../../kql/plan/hidden-tables.ts';
import { hiddenTable } from '../../kql/plan/hidden-tables.ts';
import type { IngestedAt } from '../catalog/ingestion-order.ts';
import { findStored } from '../catalog/stored-result.ts';
import { requireTable } from '../catalog/table-changes.ts';
import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import type { OpenTable } from '../../kql/query-request.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import type { ChosenExtents } from './chosen-extents.ts';
import { chosenExtents } from './chosen-extents.ts';
import type { ExtentFiles } from './extent-files.ts';
import type { ExtentWriter } from './extent-writer.ts';
import type { HotExtents } from './hot-extents.ts';
import type { LogBook } from './log-book.ts';
import type { Periods } from './periods.ts';
import { hotBy, keptBy, periodsOf } from './periods.ts';
import type { Sweeper } from './sweeper.ts';
import { openTable } from './table-sources.ts';
import type { ViewRowsParts } from './view-rows.ts';
import { openBetween, openView } from './view-rows.ts';

export interface TableStoreParts {
  readonly catalog: Catalog;
  readonly log: LogBook;
  readonly writer: ExtentWriter;
  readonly sweeper: Sweeper;
  readonly files: ExtentFiles;
  readonly requests: RequestIndex;
  readonly connect: () => Promise<EngineConnection>;
  readonly hot: HotExtents | undefined;
  readonly now: () => Instant;
  readonly operations: DataOperations;
}

/** What ingestion, merging and queries share: databases by name, tables, and how to read them. */
export class TableStore {
  readonly parts: TableStoreParts;
  readonly #databases = new Map<string, ClusterDatabase>();
  readonly #databasesById = new Map<Guid, ClusterDatabase>();

  constructor(parts: TableStoreParts) {
    this.parts = parts;
  }

  setDatabases(databases: readonly ClusterDatabase[]): void {
    this.#databases.clear();
    this.#databasesById.clear();
    for (const database of databases) {
      this.#databases.set(database.name.toLowerCase(), database);
      this.#databasesById.set(database.databaseId, database);
    }
  }

  databases(): ClusterDatabase[] {
    return [...this.#databases.values()];
  }

  /** @returns undefined where the resource manager has told of none */
  databaseById(databaseId: Guid): ClusterDatabase | undefined {
    return this.#databasesById.get(databaseId);
  }

  /** @throws DataError `DatabaseNotFound` | `DatabaseLocked` */
  database(name: string): ClusterDatabase {
    const found = this.#databases.get(name.toLowerCase());
    if (found === undefined) throw dataError('DatabaseNotFound', name.slice(0, 300));
    if (found.suspended !== undefined)
      throw dataError('DatabaseLocked', `The database '${found.name}' is suspended: ${found.suspended}`);
    return found;
  }

  /** @throws DataError */
  table(database: string, table: string): TableRecord {
    return requireTable(this.parts.catalog.image, this.database(database).databaseId, table);
  }

  /** The table as it is in a change that is being planned. @throws DataError when it was dropped meanwhile */
  current(reader: CatalogReader, { tableId, name }: TableRecord): TableRecord {
    const found = reader.get(`t/${tableId}`);
    if (found?.kind !== 'table') throw dataError('TableNotFound', name);
    return found;
  }

  periods(table: TableRecord): Periods {
    // What is kept of queries and graphs goes as a whole.
    if (isHidden(table) && table.view === undefined) return { softDeleteMs: Infinity, hotMs: Infinity };
    const resource = this.databaseById(table.databaseId);
    return periodsOf(table.policies, databaseOf(this.parts.catalog.image, table.databaseId).policies, resource);
  }

  policy<Name extends keyof Policies>(table: TableRecord, name: Name): Policies[Name] {
    return table.policies[name] ?? this.databasePolicy(table.databaseId, name);
  }

  databasePolicy<Name extends keyof Policies>(databaseId: Guid, name: Name): Policies[Name] {
    const { image } = this.parts.catalog;
    const inherited: Policies = inheritedPolicies(clusterSettingsOf(image));
    return databaseOf(image, databaseId).policies[name] ?? inherited[name];
  }

  /** Rows by names as in plans. @throws DataError */
  openNamed(
    database: string,
    table: string,
    principal: string | undefined,
    uses?: TableUses,
    until?: IngestedAt,
    turn?: Promise<unknown>,
  ): Promise<OpenTable> {
    const hidden = hiddenTable(table);
    if (hidden?.kind !== 'view') return this.open(this.#named(database, table, hidden, principal), uses, turn);
    return openView({ ...this.viewRows(), turn }, this.database(database).databaseId, hidden, uses, until);
  }

  /** Rows of a table that were ingested in some time. @throws DataError */
  openBetween(
    database: string,
    table: string,
    times: Parameters<typeof openBetween>[2],
    uses?: TableUses,
  ): Promise<OpenTable> {
    return openBetween(this.viewRows(), () => this.table(database, table), times, uses);
  }

  #named(
    database: string,
    table: string,
    hidden: Exclude<ReturnType<typeof hiddenTable>, ViewTable>,
    principal: string | undefined,
  ): Guid {
    if (hidden === undefined) return this.table(database, table).tableId;
    if (hidden.kind === 'storedResult') return this.storedResult(database, hidden.name, principal).tableId;
    const { snapshots } = requireGraphModel(this.parts.catalog.image, this.database(database).databaseId, hidden.model);
    const snapshot = snapshots.find(({ name }) => name === hidden.snapshot);
    if (snapshot === undefined) throw dataError('GraphSnapshotNotFound', hidden.snapshot);
    return snapshot[hidden.part].tableId;
  }

  /** @throws DataError `StoredResultNotFound` also for one that has expired, or that another principal has stored */
  storedResult(database: string, name: string, principal = ''): StoredResultRecord {
    const { catalog, now } = this.parts;
    const found = findStored(catalog.image.storedResultsOf(this.database(database).databaseId), { name, principal });
    if (found === undefined || found.stored.expiresOn <= now()) throw dataError('StoredResultNotFound', name);
    return found;
  }

  open(tableId: Guid, uses?: TableUses, turn?: Promise<unknown>): Promise<OpenTable> {
    const { catalog, log, files, connect, hot } = this.parts;
    const snapshot = () => {
      const table = catalog.image.get(`t/${tableId}`);
      if (table?.kind !== 'table') throw dataError('TableNotFound', '');
      return {
        table,
        extents: this.#kept(table),
        segments: log.segmentsOf(tableId).filter(({ record }) => record.count > 0),
      };
    };
    return openTable(
      {
        ...{ files, connect, hot, turn, snapshot },
        keys: () => catalog.keys,
        isHot: this.#isHot,
        opened: this.#opened,
      },
      uses,
    );
  }

  readonly #isHot = (table: TableRecord): ChosenExtents => hotBy(this.periods(table), this.parts.now());

  #kept(table: TableRecord): ExtentOrPage[] {
    const { catalog, now } = this.parts;
    const periods = this.periods(table);
    const extents = catalog.image.extentsAndPagesOf(table.tableId);
    if (periods.softDeleteMs === Infinity) return extents;
    return chosenExtents(extents, keptBy(periods, now()), this.#opened);
  }

  readonly #opened = (page: ExtentPageRecord): readonly ExtentRecord[] => this.parts.catalog.image.pages.opened(page);

  /** What materialized views are read from. */
  viewRows(): ViewRowsParts {
    const { catalog, log, files, connect, hot, now } = this.parts;
    return {
      ...{ files, connect, hot, now, image: catalog.image, keys: () => catalog.keys },
      kept: (table) => this.#kept(table),
      isHot: this.#isHot,
      opened: this.#opened,
      segmentsOf: (tableId) => log.segmentsOf(tableId),
    };
  }

  /** Lends a connection to DuckDB. */
  async withConnection<T>(use: (connection: EngineConnection) => Promise<T>): Promise<T> {
    const connection = await this.parts.connect();
    try {
      return await use(connection);
    } finally {
      connection.close();
    }
  }

  /** Columns of a table as an extent holds them. */
  columns(table: TableRecord): TableRecord['columns'] {
    invariant(table.columns.length > 0, 'a table has columns');
    return table.columns;
  }
}
