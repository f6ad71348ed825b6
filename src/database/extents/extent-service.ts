import type { Guid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import type { ExtentView } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import { ofKind } from '../catalog/image.ts';
import { mayHaveTag } from '../catalog/page-facts.ts';
import type { ExtentRecord, TableRecord } from '../catalog/records.ts';
import { bytesAtRest } from '../catalog/sealed-extent.ts';
import type { BoundValue } from '../../kql/sql/context.ts';
import type { ExportedExtent, ExtentExchange } from './extent-exchange.ts';
import type { ChosenExtents } from './chosen-extents.ts';
import { chosenExtents, eachExtent, everyExtent, sumsOf } from './chosen-extents.ts';
import { collect } from './collect.ts';
import type { StatisticsRequest, TableColumnStatistics } from './column-statistics.ts';
import { columnStatistics } from './column-statistics.ts';
import type { WrittenExtent } from './extent-writer.ts';
import type { Merger } from './merger.ts';
import { hotBy, isHot } from './periods.ts';
import { byPage, removalChunks } from './removals.ts';
import { dropExtents, replaceExtents } from './replace-extents.ts';
import { openTable } from './table-sources.ts';
import type { TableStore } from './table-store.ts';
import { columnName, ingestionColumn } from './tail-table.ts';

export interface ExtentFilter {
  readonly extentIds?: readonly Guid[];
  /** Extents that carry all of them. */
  readonly tags?: readonly string[];
}

export interface ExtentChanges {
  /** Extents at rest; rows still in the log of small writes are in none. @param table undefined: of all tables
   * @param extentIds those alone, as far as they are there; each is looked up by itself */
  extents(database: string, table?: string, extentIds?: readonly Guid[]): readonly ExtentView[];
  /** Whether an extent has one of the tags. */
  hasTaggedExtent(database: string, table: string, tags: readonly string[]): boolean;
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

  /** Of a table, one after the other. */
  const extentsOf = (table: TableRecord, chosen = everyExtent): Iterable<ExtentRecord> =>
    eachExtent(catalog.image.extentsAndPagesOf(table.tableId), chosen, (page) => catalog.image.pages.opened(page));

  const viewsOf = (table: TableRecord): readonly ExtentView[] => {
    const views: ExtentView[] = [];
    for (const extent of extentsOf(table)) views.push(extentView(store, extent, table));
    return views;
  };

  /** Order: so many records a commit → their blobs → the next ones. After a crash those are gone that were dropped before it. */
  const dropFrom = async (table: TableRecord, extents: Iterable<ExtentRecord>): Promise<readonly ExtentView[]> => {
    const views: ExtentView[] = [];
    for (const chunk of removalChunks(catalog.image, extents)) {
      for (const extent of chunk) views.push(extentView(store, extent, table));
      await writer.remove(await catalog.change((draft) => dropExtents(draft, chunk)));
    }
    return views;
  };

  /** Those that are named, by table; each is looked up by itself, and those of a page come one after the other. */
  const named = (
    tables: readonly TableRecord[],
    filter: ExtentFilter,
  ): readonly (readonly [TableRecord, readonly ExtentRecord[]])[] => {
    const found = new Map(tables.map(({ tableId }) => [tableId, [] as ExtentRecord[]]));
    for (const id of new Set(filter.extentIds))
      for (const extent of ofKind(catalog.image.get(`e/${id}`), 'extent'))
        if (hasTags(extent, filter)) found.get(extent.tableId)?.push(extent);
    return tables.map((table) => [table, byPage(catalog.image, found.get(table.tableId) ?? [])]);
  };

  return {
    extents: (database, table, extentIds) =>
      extentIds === undefined
        ? tablesOf(database, table).flatMap(viewsOf)
        : named(tablesOf(database, table), { extentIds }).flatMap(([record, extents]) =>
            extents.map((extent) => extentView(store, extent, record)),
          ),
    hasTaggedExtent: (database, table, tags) =>
      tags.length > 0 && catalog.image.extentsTagged(store.table(database, table).tableId, tags).length > 0,
    keptExtents: (database) =>
      keptTables(store.database(database).databaseId).map(({ title, table }) => ({
        title,
        extents: viewsOf(table),
      })),
    tableStatistics: (database, table) => statistics(store.table(database, table)),
    columnStatistics: (database, table, request) =>
      columnStatistics(store, () => store.table(database, table), request),
    flush: (database, table) => merger.flush(store.table(database, table)),

    async dropExtents(database, table, filter) {
      const tables = tablesOf(database, table);
      const found = new Map<TableRecord, Iterable<ExtentRecord>>();
      if (filter.extentIds === undefined)
        for (const record of tables) found.set(record, extentsOf(record, tagged(filter)));
      else {
        const those = named(tables, filter);
        const ids = new Set(those.flatMap(([, extents]) => extents.map(({ extentId }) => extentId)));
        const missing = filter.extentIds.find((id) => !ids.has(id));
        if (missing !== undefined) throw dataError('ExtentNotFound', missing);
        for (const [record, extents] of those) found.set(record, extents);
      }
      const dropped: ExtentView[] = [];
      for (const [record, extents] of found) for (const view of await dropFrom(record, extents)) dropped.push(view);
      return dropped;
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
      const looked = new Set<Guid>();
      // What another change has put in the place of an extent meanwhile, a merge, say, has its rows.
      for (let isReplaced = true; isReplaced;) {
        isReplaced = false;
        for (const extent of extentsOf(record)) {
          if (looked.has(extent.extentId)) continue;
          const purged = await writer.retried(() => purgeExtent(store, record, extent, predicate));
          looked.add(extent.extentId);
          if (purged === 'replaced') isReplaced = true;
          else gone += purged;
        }
      }
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
    const [found] = ofKind(catalog.image.get(`e/${extentId}`), 'extent');
    const tables = [...catalog.image.tablesOf(databaseId), ...keptTables(databaseId).map(({ table }) => table)];
    if (found === undefined || !tables.some(({ tableId }) => tableId === found.tableId))
      throw dataError('ExtentNotFound', extentId);
    return found;
  }

  function statistics(table: TableRecord): TableStatistics {
    const extents = catalog.image.extentsAndPagesOf(table.tableId);
    const hot = chosenExtents(extents, hotBy(store.periods(table), store.parts.now()), (page) =>
      catalog.image.pages.opened(page),
    );
    const [all, ofHot] = [sumsOf(extents), sumsOf(hot)];
    const segments = log.segmentsOf(table.tableId).filter(({ record }) => record.count > 0);
    const logged = segments.reduce((total, { tail }) => total + tail.rowCount, 0);
    const hasRows = all.count + segments.length > 0;
    return {
      extentCount: all.count,
      rowCount: all.rowCount + logged,
      originalBytes: all.originalBytes + segments.reduce((total, { bytes }) => total + bytes, 0),
      extentBytes: all.bytesAtRest,
      hotExtentCount: ofHot.count,
      hotRowCount: ofHot.rowCount + logged,
      hotExtentBytes: ofHot.bytesAtRest,
      minCreatedOn: hasRows ? instant(Math.min(all.minCreatedOn, ...segments.map(({ minAt }) => minAt))) : undefined,
      maxCreatedOn: hasRows ? instant(Math.max(all.maxCreatedOn, ...segments.map(({ maxAt }) => maxAt))) : undefined,
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

const hasTags = (extent: ExtentRecord, { tags = [] }: ExtentFilter): boolean =>
  tags.every((tag) => extent.tags.includes(tag));

const tagged = (filter: ExtentFilter): ChosenExtents => ({
  isMeant: (extent) => hasTags(extent, filter),
  ofPage: (facts) => {
    const { tags = [] } = filter;
    if (tags.length === 0) return 'all';
    return tags.every((tag) => mayHaveTag(facts, tag)) ? undefined : 'none';
  },
});

/** Order: rows that stay → new blob → one commit that swaps the records → old blob deleted.
 * @returns rows that are gone; `replaced`: there is no such extent any more, whatever has become of its rows */
async function purgeExtent(
  store: TableStore,
  table: TableRecord,
  extent: ExtentRecord,
  predicate: { readonly sql: string; readonly bound: readonly BoundValue[] },
): Promise<number | 'replaced'> {
  const { catalog, files, writer } = store.parts;
  const isThere = (): boolean => catalog.image.get(`e/${extent.extentId}`) !== undefined;
  if (!isThere()) return 'replaced';
  const source = await openTable({
    files,
    connect: store.parts.connect,
    keys: () => catalog.keys,
    snapshot: () => ({ table, extents: isThere() ? [extent] : [], segments: [] }),
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
  if (rest === undefined) return isThere() ? 0 : 'replaced';
  const { kept, gone } = rest;
  const commit = catalog.change((draft) =>
    replaceExtents(draft, [extent], kept === undefined ? [] : [writer.recordNow(kept)]),
  );
  const swapped = await writer.committing(kept, commit);
  if (kept !== undefined && swapped) writer.settled(kept);
  else if (kept !== undefined) await writer.abandon(kept);
  if (swapped) await writer.remove([extent]);
  return swapped ? gone : 'replaced';
}
