import type { RandomBytes } from '../../base/random.ts';
import { newGuid } from '../../base/new-guid.ts';
import { dataError } from '../catalog/data-error.ts';
import type { ExtentRecord, TableRecord } from '../catalog/records.ts';
import { physicalType } from '../../kql/plan/types.ts';
import type { NewExtent } from './replace-extents.ts';
import { openTable } from './table-sources.ts';
import type { TableStore } from './table-store.ts';
import { columnName, ingestionColumn } from './tail-table.ts';

export interface MoveParts {
  readonly store: TableStore;
  readonly randomBytes: RandomBytes;
}

/** All columns of the one are in the other, by name and type.
 * @throws DataError `InvalidSchema` */
export function requireMovable(from: TableRecord, to: TableRecord): void {
  const missing = from.columns.find(
    ({ name, type }) => !to.columns.some((column) => column.name === name && column.type === type),
  );
  if (missing !== undefined)
    throw dataError(
      'InvalidSchema',
      `Extents cannot be moved from '${from.name}' to '${to.name}', which has no column '${missing.name}' of type '${missing.type}'.`,
    );
}

/** Whether a materialized view is made of the rows of a table: it takes those in that come with a new time of ingestion, and no others. */
export const hasViews = ({ parts: { catalog } }: TableStore, { databaseId, name }: TableRecord): boolean =>
  catalog.image.hiddenTablesOf(databaseId).some(({ view }) => view?.source === name && !view.isOverView);

/** What an extent of one table is as one of another: under a new id, with the same blob where both call its columns the same, else with
 * one that is written here.
 * @param ingestedOn a new ingestion time of all its rows, in milliseconds; absent: the one that each has
 * @returns undefined when there are no rows */
export async function movedExtent(
  { store, randomBytes }: MoveParts,
  extent: ExtentRecord,
  from: TableRecord,
  to: TableRecord,
  ingestedOn?: number,
): Promise<NewExtent | undefined> {
  const { tableId } = to;
  if (ingestedOn === undefined && isStoredAlike(extent, from, to)) {
    const { extentId: of, rowCount, tags } = extent;
    return { record: { extentId: newGuid(randomBytes), tableId, rowCount, tags }, of };
  }
  const { files, connect, catalog, writer } = store.parts;
  const source = await openTable({
    ...{ files, connect, keys: () => catalog.keys },
    snapshot: () => ({ table: from, extents: [extent], segments: [] }),
  });
  try {
    const outputs = to.columns.map((column) => {
      const own = from.columns.find(({ name }) => name === column.name);
      const id = columnName(column.columnId);
      if (own !== undefined) return `${columnName(own.columnId)} AS ${id}`;
      return `${column.type === 'string' ? "''" : `NULL::${physicalType[column.type]}`} AS ${id}`;
    });
    const time = ingestedOn === undefined ? [columnName(ingestionColumn.columnId)] : [];
    const select = { sql: `SELECT ${[...time, ...outputs].join(', ')} FROM ${source.sql}`, bound: [] };
    const { originalBytes, minCreatedOn, maxCreatedOn, tags } = extent;
    const facts = { tableId, originalBytes, minCreatedOn, maxCreatedOn, tags };
    return await store.withConnection((connection) => writer.write(connection, select, to, facts, ingestedOn));
  } finally {
    source.release();
  }
}

/** Whether the columns that the extent has, be they in use or dropped, mean the same in the other table. */
const isStoredAlike = ({ columnIds }: ExtentRecord, from: TableRecord, to: TableRecord): boolean =>
  from.columns.every((column) =>
    to.columns.some((other) => other.name === column.name && other.columnId === column.columnId),
  ) &&
  columnIds.every((id) => id === ingestionColumn.columnId || from.columns.some(({ columnId }) => columnId === id)) &&
  to.columns.every(
    ({ columnId, name }) =>
      !columnIds.includes(columnId) ||
      from.columns.some((column) => column.columnId === columnId && column.name === name),
  );
