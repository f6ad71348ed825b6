import type { Guid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import type { ExtentView } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { ExtentRecord, TableRecord } from '../catalog/records.ts';
import { bytesAtRest } from '../catalog/sealed-extent.ts';
import type { BoundValue } from '../../kql/sql/context.ts';
import type { ExportedExtent, ExtentExchange } from './extent-exchange.ts';
import { collect } from './collect.ts';
import type { StatisticsRequest, TableColumnStatistics } from './column-statistics.ts';
import { columnStatistics } from './column-statistics.ts';
import type { WrittenExtent } from './extent-writer.ts';
import type { Merger } from './merger.ts';
import { isHot } from './periods.ts';
import { dropExtents, replaceExtents } from './replace-extents.ts';
import { chunksOf } from './sweeper.ts';
import { openTable } from './table-sources.ts';
import type { TableStore } from './table-store.ts';
import { columnName, ingestionColumn } from './tail-table.ts';

export interface ExtentFilter {
  readonly extentIds?: readonly Guid[];
  /** Extents that carry all of them. */
  readonly tags?: readonly string[];
}

export interface ExtentChanges {
  /** Extents at rest; rows still in the log of small writes are in none. @param table undefined: of all tables */
  extents(database: string, table?: string): readonly ExtentView[];
  /** Those of what is kept beside the tables: stored query results, snapshots of graphs, dropped tables; with a title that says of which. */
  keptExtents(database: string): readonly { readonly title: string; readonly extents: readonly ExtentView[] }[];
  /** Rows and bytes of a table, those in the log included. */
  tableStatistics(database: string, table: string): TableStatistics;
  /** What the columns of its extents take, from a part of them. */
  columnStatistics(database: string, table: string, request: StatisticsRequest): Promise<TableColumnStatistics>;
  /** Merges the log of a table into an extent now. */
  flush(database: string, table: string): Promise<void>;
  /** @returns what was dropped */
  dropExtents(database: string, table: string | undefined, filter: ExtentFilter): Promise<readonly ExtentView[]>;
  /** `.clear table data`. */
  clearTable(database: string, table: string): Promise<void>;
  /** Rewrites the extents that hold rows which `predicate` is true for, without those rows.
   * @param predicate SQL over the columns as `sources().open` names them
   * @returns how many rows are gone */
  purge(
    database: string,
    table: string,
    predicate: { readonly sql: string; readonly bound: readonly BoundValue[] },
  ): Promise<number>;
  /** The sealed bytes of an extent with the `encryptiondata` that opens them, for other people's readers; also
   * of stored query results. */
  exportExtent(database: string, extentId: Guid): Promise<ExportedExtent>;
  /** Takes over Parquet that another writer sealed in the same format. */
  importExtent(
    database: string,
    table: string,
    sealed: { readonly bytes: AsyncIterable<Uint8Array>; readonly encryptionData: string },
  ): Promise<ExtentView>;
}

export interface TableStatistics {
  readonly extentCount: number;
  readonly rowCount: number;
  readonly originalBytes: number;
  readonly extentBytes: number;
  readonly hotExtentCount: number;
  readonly hotRowCount: number;
  readonly hotExtentBytes: number;
  readonly minCreatedOn: Instant | undefined;
  readonly maxCreatedOn: Instant | undefined;
}

export function createExtentService(store: TableStore, merger: Merger, exchange: ExtentExchange): ExtentChanges {
  const { catalog, log, writer, sweeper } = store.parts;

  const tablesOf = (database: string, table: string | undefined): TableRecord[] =>
    table === undefined ? catalog.image.tablesOf(store.database(database).databaseId) : [store.table(database, table)];

  /** Order: so many records a commit → their blobs → the next ones. After a crash those are gone that were dropped before it. */
  const dropRecords = async (extents: readonly ExtentRecord[]): Promise<void> => {
    for (const chunk of chunksOf(extents))
      await writer.remove(await catalog.change((draft) => dropExtents(draft, chunk)));
  };

  return {
    extents: (database, table) =>
      tablesOf(database, table).flatMap((record) =>
        catalog.image.extentsOf(record.tableId).map((extent) => extentView(store, extent, record)),
      ),
    keptExtents: (database) =>
      keptTables(store.database(database).databaseId).map(({ title, table }) => ({
        title,
        extents: catalog.image.extentsOf(table.tableId).map((extent) => extentView(store, extent, table)),
      })),
    tableStatistics: (database, table) => statistics(store, store.table(database, table)),
    columnStatistics: (database, table, request) =>
      columnStatistics(store, () => store.table(database, table), request),
    flush: (database, table) => merger.flush(store.table(database, table)),

    async dropExtents(database, table, filter) {
      const found = tablesOf(database, table).flatMap((record) =>
        catalog.image
          .extentsOf(record.tableId)
          .flatMap((extent) => (isWanted(extent, filter) ? [{ extent, record }] : [])),
      );
      const missing = filter.extentIds?.find((id) => !found.some(({ extent }) => extent.extentId === id));
      if (missing !== undefined) throw dataError('ExtentNotFound', missing);
      const views = found.map(({ extent, record }) => extentView(store, extent, record));
      await dropRecords(found.map(({ extent }) => extent));
      return views;
    },

    async clearTable(database, table) {
      const record = store.table(database, table);
      await catalog.change((draft) => {
        store.current(draft, record);
        draft.clearTable(record.tableId);
      });
      await sweeper.sweepSome();
    },

    async purge(database, table, predicate) {
      await merger.flush(store.table(database, table));
      const record = store.table(database, table);
      let gone = 0;
      for (const extent of catalog.image.extentsOf(record.tableId))
        gone += await writer.retried(() => purgeExtent(store, record, extent, predicate));
      return gone;
    },

    exportExtent: (database, extentId) => exchange.export(extentOf(database, extentId)),
    async importExtent(database, table, sealed) {
      const record = store.table(database, table);
      return extentView(store, await exchange.import(record, sealed), record);
    },
  };

  function keptTables(databaseId: Guid): readonly { readonly title: string; readonly table: TableRecord }[] {
    return [
      ...catalog.image.hiddenTablesOf(databaseId).map((table) => ({ title: titleOf(table), table })),
      ...catalog.image
        .droppedTablesOf(databaseId)
        .map(({ table }) => ({ title: `dropped_table(${JSON.stringify(table.name)})`, table })),
    ];
  }

  function extentOf(database: string, extentId: Guid): ExtentRecord {
    const { databaseId } = store.database(database);
    const found = [...catalog.image.tablesOf(databaseId), ...keptTables(databaseId).map(({ table }) => table)]
      .flatMap(({ tableId }) => catalog.image.extentsOf(tableId))
      .find((extent) => extent.extentId === extentId);
    if (found === undefined) throw dataError('ExtentNotFound', extentId);
    return found;
  }

  function statistics(_store: TableStore, table: TableRecord): TableStatistics {
    const views = catalog.image.extentsOf(table.tableId).map((extent) => extentView(store, extent, table));
    const segments = log.segmentsOf(table.tableId).filter(({ record }) => record.count > 0);
    const hot = views.filter((view) => view.hot);
    const sum = (of: readonly ExtentView[], value: (view: ExtentView) => number): number =>
      of.reduce((total, view) => total + value(view), 0);
    const logged = segments.reduce((total, { tail }) => total + tail.rowCount, 0);
    const times = [
      ...views.flatMap((view) => [view.minCreatedOn, view.maxCreatedOn]),
      ...segments.flatMap(({ minAt, maxAt }) => [minAt, maxAt]),
    ];
    return {
      extentCount: views.length,
      rowCount: sum(views, (view) => view.rowCount) + logged,
      originalBytes: sum(views, (view) => view.originalBytes) + segments.reduce((total, { bytes }) => total + bytes, 0),
      extentBytes: sum(views, (view) => view.extentBytes),
      hotExtentCount: hot.length,
      hotRowCount: sum(hot, (view) => view.rowCount) + logged,
      hotExtentBytes: sum(hot, (view) => view.extentBytes),
      minCreatedOn: times.length === 0 ? undefined : instant(Math.min(...times)),
      maxCreatedOn: times.length === 0 ? undefined : instant(Math.max(...times)),
    };
  }
}

const titleOf = ({ name, snapshotOf }: TableRecord): string =>
  snapshotOf === undefined
    ? `stored_query_result(${JSON.stringify(name)})`
    : `graph(${JSON.stringify(snapshotOf)}, ${JSON.stringify(name)})`;

export function extentView(store: TableStore, extent: ExtentRecord, table: TableRecord): ExtentView {
  const database = store.databaseById(table.databaseId);
  return {
    extentId: extent.extentId,
    database: database?.name ?? '',
    table: table.name,
    rowCount: extent.rowCount,
    originalBytes: extent.originalBytes,
    extentBytes: bytesAtRest(extent.sealed),
    minCreatedOn: instant(extent.minCreatedOn),
    maxCreatedOn: instant(extent.maxCreatedOn),
    tags: extent.tags,
    hot: isHot(extent, store.periods(table), store.parts.now()),
    dekId: extent.sealed.dekId,
  };
}

const isWanted = (extent: ExtentRecord, { extentIds, tags }: ExtentFilter): boolean =>
  (extentIds === undefined || extentIds.includes(extent.extentId)) &&
  (tags === undefined || tags.every((tag) => extent.tags.includes(tag)));

/** Order: rows that stay → new blob → one commit that swaps the records → old blob deleted. @returns rows that are gone */
async function purgeExtent(
  store: TableStore,
  table: TableRecord,
  extent: ExtentRecord,
  predicate: { readonly sql: string; readonly bound: readonly BoundValue[] },
): Promise<number> {
  const { catalog, files, writer } = store.parts;
  const source = await openTable({
    files,
    connect: store.parts.connect,
    keys: () => catalog.keys,
    snapshot: () => ({ table, extents: [extent], segments: [] }),
  });
  const rest = await store
    .withConnection(
      async (connection): Promise<{ readonly kept: WrittenExtent | undefined; readonly gone: number } | undefined> => {
        const [counted] = await collect(
          connection,
          `SELECT count(*) FROM ${source.sql} WHERE (${predicate.sql})`,
          predicate.bound,
        );
        const gone = Number(counted?.[0] ?? 0);
        if (gone === 0) return undefined;
        const names = [ingestionColumn, ...table.columns].map(({ columnId }) => columnName(columnId)).join(', ');
        const select = {
          sql: `SELECT ${names} FROM ${source.sql} WHERE coalesce((${predicate.sql}), false) = false`,
          bound: predicate.bound,
        };
        const { tableId, originalBytes, minCreatedOn, maxCreatedOn, tags } = extent;
        return {
          kept: await writer.write(connection, select, table, {
            tableId,
            originalBytes,
            minCreatedOn,
            maxCreatedOn,
            tags,
          }),
          gone,
        };
      },
    )
    .finally(() => source.release());
  if (rest === undefined) return 0;
  const { kept, gone } = rest;
  const commit = catalog.change((draft) =>
    replaceExtents(draft, [extent], kept === undefined ? [] : [writer.recordNow(kept)]),
  );
  const swapped = await writer.committing(kept, commit);
  if (kept !== undefined && swapped) writer.settled(kept);
  else if (kept !== undefined) await writer.abandon(kept);
  if (swapped) await writer.remove([extent]);
  return swapped ? gone : 0;
}
