import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Instant } from '../../clock/clock.ts';
import type { OpenTable } from '../../kql/query-request.ts';
import type { ViewTable } from '../../kql/plan/hidden-tables.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import { ticksPerMillisecond } from '../../kql/values/ticks.ts';
import type { CatalogReader } from '../catalog/image.ts';
import type { IngestedAt } from '../catalog/ingestion-order.ts';
import { ticksOfIngestion } from '../catalog/ingestion-order.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';
import { findView, requireView } from '../catalog/materialized-view.ts';
import { ingestedInCommit } from '../catalog/records.ts';
import type { ExtentOrPage, ExtentRecord, TableRecord } from '../catalog/records.ts';
import { findTable, requireTable } from '../catalog/table-changes.ts';
import type { ChosenExtents } from './chosen-extents.ts';
import { chosenExtents } from './chosen-extents.ts';
import type { Segment } from './log-book.ts';
import type { SourceParts } from './table-sources.ts';
import { openTable } from './table-sources.ts';
import { columnName, ingestionColumn } from './tail-table.ts';

export interface ViewRowsParts extends Pick<SourceParts, 'files' | 'connect' | 'keys' | 'hot' | 'turn'> {
  readonly opened: NonNullable<SourceParts['opened']>;
  readonly image: CatalogReader;
  readonly isHot: NonNullable<SourceParts['isHot']>;
  readonly now: () => Instant;
  /** Extents of a table that are not past its retention. */
  readonly kept: (table: TableRecord) => readonly ExtentOrPage[];
  readonly segmentsOf: (tableId: Guid) => readonly Segment[];
}

/** Where the rows of a view come from: a table, or the stored part of a view that has all columns of its source.
 * @throws DataError `TableNotFound` | `ViewNotFound` */
export const sourceOfView = (
  reader: CatalogReader,
  { databaseId, view }: { readonly databaseId: Guid; readonly view: Pick<ViewRecord['view'], 'source' | 'isOverView'> },
): TableRecord =>
  view.isOverView ? requireView(reader, databaseId, view.source) : requireTable(reader, databaseId, view.source);

/** Whether its source may have rows that are not in it. */
export function hasRowsToCome(
  parts: Pick<ViewRowsParts, 'image' | 'kept' | 'opened' | 'segmentsOf'>,
  { databaseId, view }: ViewRecord,
): boolean {
  const find = view.isOverView ? findView : findTable;
  const source = find(parts.image, databaseId, view.source);
  if (source === undefined) return false;
  return (
    chosenExtents(parts.kept(source), laterThan(view.materializedTo), parts.opened).length > 0 ||
    parts.segmentsOf(source.tableId).some(({ ingestedTo }) => ingestedTo > view.materializedTo)
  );
}

/** Which rows of a delta. */
export interface DeltaUses {
  readonly uses?: TableUses | undefined;
  /** Rows that were ingested later are left out. */
  readonly until?: IngestedAt | undefined;
  /** In ticks: none while the view is not older. */
  readonly maxAge?: bigint | undefined;
}

/** The stored part of a view, or the rows of its source that came since: of one moment, which is how far the view was. */
export async function openView(
  parts: ViewRowsParts,
  databaseId: Guid,
  { view: name, part, maxAge }: ViewTable,
  uses?: TableUses,
  until?: IngestedAt,
): Promise<OpenTable> {
  const { image, kept, files, connect, keys, hot, turn, isHot } = parts;
  const found = (): ViewRecord => requireView(image, databaseId, name);
  if (part === 'delta') return openDelta(parts, found, { uses, until, maxAge });
  let record = found();
  const snapshot = (): ReturnType<SourceParts['snapshot']> => {
    record = found();
    return { table: record, extents: kept(record), segments: [] };
  };
  const opened = await openTable({ files, connect, keys, hot, turn, isHot, snapshot }, uses);
  return { ...opened, moments: momentsOf(image, record) };
}

/** Rows of a table that were ingested after one time, and until another. */
export async function openBetween(
  { kept, opened, segmentsOf, files, connect, keys, hot, turn, isHot }: ViewRowsParts,
  found: () => TableRecord,
  { after, until }: { readonly after: IngestedAt; readonly until: IngestedAt },
  uses?: TableUses,
): Promise<OpenTable> {
  const snapshot = (): ReturnType<SourceParts['snapshot']> => {
    const table = found();
    return {
      table,
      extents: chosenExtents(kept(table), laterThan(after), opened),
      segments: segmentsOf(table.tableId).filter((segment) => segment.record.count > 0),
    };
  };
  return ingestedBetween(
    await openTable({ files, connect, keys, hot, turn, isHot, snapshot }, uses && rowsOnly(uses)),
    after,
    until,
  );
}

/** @param found the view as it is now */
export async function openDelta(
  parts: ViewRowsParts,
  found: () => ViewRecord,
  { uses, until, maxAge }: DeltaUses,
): Promise<OpenTable> {
  const { image, kept, opened: openedPage, segmentsOf, files, connect, keys, hot, turn, isHot } = parts;
  let record = found();
  const snapshot = (): ReturnType<SourceParts['snapshot']> => {
    record = found();
    const table = sourceOfView(image, record);
    if (maxAge !== undefined && isYoung(record, maxAge, parts.now())) return { table, extents: [], segments: [] };
    const { materializedTo } = record.view;
    return {
      table,
      extents: chosenExtents(kept(table), laterThan(materializedTo), openedPage),
      segments: segmentsOf(table.tableId).filter((segment) => segment.record.count > 0),
    };
  };
  const opened = await openTable({ files, connect, keys, hot, turn, isHot, snapshot }, uses && rowsOnly(uses));
  return {
    ...ingestedBetween(opened, record.view.materializedTo, until),
    moments: momentsOf(image, record),
  };
}

/** How far a view is, and the view that it is over. */
function momentsOf(image: CatalogReader, record: ViewRecord): NonNullable<OpenTable['moments']> {
  const { tableId, databaseId, view } = record;
  const own = { of: tableId, at: view.materializedTo };
  const below = view.isOverView ? findView(image, databaseId, view.source) : undefined;
  return below === undefined ? [own] : [own, { of: below.tableId, at: below.view.materializedTo }];
}

const isYoung = ({ view }: ViewRecord, maxAge: bigint, now: Instant): boolean =>
  view.lastRunOn !== undefined && BigInt(Math.trunc(now - view.lastRunOn)) * ticksPerMillisecond < maxAge;

/** Extents that may have rows which were ingested later. */
const laterThan = (than: IngestedAt): ChosenExtents => ({
  isMeant: (extent) => mayHaveLater(extent, than),
  ofPage: ({ ingestedTo }) => {
    if (than === 0) return 'all';
    return ingestedTo !== undefined && ingestedTo <= than ? 'none' : undefined;
  },
});

function mayHaveLater({ ingestedAt, ingestedTo, ranges }: ExtentRecord, than: IngestedAt): boolean {
  const last = ingestedAt === ingestedInCommit ? undefined : (ingestedAt ?? ingestedTo);
  // From the beginning, rows without a time are meant as well.
  if (last !== undefined) return than === 0 || last > than;
  const range = ranges[ingestionColumn.columnId];
  return than === 0 || range === undefined || BigInt(range[1]) > ticksOfIngestion(than);
}

/** What is known of extents is known of rows that are left out, too. */
const rowsOnly = ({ rows, ...others }: TableUses): TableUses => ({ ...others, rows: rows ?? [], summaries: [] });

function ingestedBetween(opened: OpenTable, after: IngestedAt, until: IngestedAt | undefined): OpenTable {
  const time = columnName(ingestionColumn.columnId);
  const conditions = [
    ...(after > 0 ? [`${time} > ${ticksOfIngestion(after)}`] : []),
    // Rows that an earlier version wrote may have no time.
    ...(until === undefined ? [] : [`coalesce(${time}, 0) <= ${ticksOfIngestion(until)}`]),
  ];
  const within = (from: string): string =>
    conditions.length === 0 ? from : `(SELECT * FROM ${from} WHERE ${conditions.join(' AND ')}) AS kustody_rows`;
  const { columns, counts, tails, isLater, apart } = opened;
  const sourceOf = ({
    sql,
    extentSql,
  }: Pick<OpenTable, 'sql' | 'extentSql'>): Pick<OpenTable, 'sql' | 'extentSql'> => ({
    sql: within(sql),
    ...(extentSql && { extentSql: () => within(extentSql()) }),
  });
  const again = async (uses: TableUses): Promise<OpenTable> => {
    invariant(opened.again !== undefined, 'it is asked of tables that can be opened again');
    return ingestedBetween(await opened.again(rowsOnly(uses)), after, until);
  };
  return {
    ...{ columns, ...(counts && { counts }), ...(tails && { tails }), ...(isLater && { isLater }) },
    ...sourceOf(opened),
    ...(apart && { apart: () => sourceOf(apart()) }),
    ...(opened.again && { again }),
    release: () => {
      opened.release();
    },
  };
}
