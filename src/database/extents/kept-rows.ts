import { invariant } from '../../base/invariant.ts';
import type { ExtentRecord, TableRecord } from '../catalog/records.ts';
import type { WrittenExtent } from './extent-writer.ts';
import type { RowMarks } from './row-marks.ts';
import { openTable } from './table-sources.ts';
import type { TableStore } from './table-store.ts';
import { columnName, ingestionColumn } from './tail-table.ts';

const placesAtATime = 100_000;

/** Writes what is left of an extent without its marked rows; a blob of its own, which no commit names yet.
 * @returns undefined when nothing is left */
export async function keepRows(
  store: TableStore,
  table: TableRecord,
  extent: ExtentRecord,
  marks: RowMarks,
): Promise<WrittenExtent | undefined> {
  const { files, connect, catalog, writer } = store.parts;
  const { tableId, minCreatedOn, maxCreatedOn, tags, rowCount } = extent;
  const left = rowCount - marks.countOf(extent.extentId);
  if (left === 0) return undefined;
  const source = await openTable({
    ...{ files, connect, keys: () => catalog.keys },
    snapshot: () => ({ table, extents: [extent], segments: [] }),
  });
  try {
    return await store.withConnection(async (connection) => {
      await connection.run('CREATE TEMP TABLE gone_rows (place BIGINT)');
      for (const places of marks.placesOf(extent.extentId, placesAtATime))
        await connection.append('gone_rows', ['long'], [places]);
      const names = [ingestionColumn, ...table.columns].map(({ columnId }) => columnName(columnId)).join(', ');
      const from = source.extentSql?.() ?? source.sql;
      const sql = `SELECT ${names} FROM ${from} WHERE extent_row NOT IN (SELECT place FROM gone_rows)`;
      const originalBytes = Math.round((extent.originalBytes * left) / rowCount);
      const ingestedTo = extent.ingestedAt ?? extent.ingestedTo;
      const facts = {
        ...{ tableId, originalBytes, minCreatedOn, maxCreatedOn, tags },
        ...(ingestedTo === undefined ? {} : { ingestedTo }),
      };
      const kept = await writer.write(connection, { sql, bound: [] }, table, facts);
      invariant(kept?.record.rowCount === left, 'what is not marked stays');
      return kept;
    });
  } finally {
    source.release();
  }
}
