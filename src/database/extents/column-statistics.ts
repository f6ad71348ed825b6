import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import { sha256Hex } from '../../base/sha256.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import { BlobNotFoundError } from '../../storage/blob-store.ts';
import type { ColumnView } from '../catalog/catalog-view.ts';
import type { ExtentPageRecord, ExtentRecord, TableRecord } from '../catalog/records.ts';
import type { ChosenExtents } from './chosen-extents.ts';
import { chosenExtents, eachExtent, everyExtent, sumsOf } from './chosen-extents.ts';
import { collect } from './collect.ts';
import { hotBy } from './periods.ts';
import type { TableStore } from './table-store.ts';
import { columnName } from './tail-table.ts';

export interface StatisticsRequest {
  /** Of the rows that are asked about, so many per cent at least are read, an extent as a whole. */
  readonly samplePercent: number;
  readonly hotOnly: boolean;
  /** Extents created from then on, and until then, in milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ColumnStatistics {
  readonly columnId: Guid;
  readonly name: string;
  readonly type: KqlType;
  /** Bytes of its values as a client writes them: texts as UTF-8, others by their type. Estimated from the sample, as is the next one. */
  readonly originalBytes: number;
  readonly compressedBytes: number;
}

export interface TableColumnStatistics {
  readonly columns: readonly ColumnStatistics[];
  /** Of all that was asked about. */
  readonly rowCount: number;
  readonly termBytes: number;
  /** What was read of it. */
  readonly sampledPercent: number;
}

/** Bytes of a value; absent: those of its text. */
const widths: Readonly<Partial<Record<KqlType, number>>> = {
  ...{ bool: 1, int: 4, long: 8, real: 8, datetime: 8, timespan: 8, decimal: 16, guid: 16 },
};

const attemptsMax = 5;

/** Reads a part of a table's extents, one after the other, for what each column takes. Rows that are in no extent yet are not in it. */
export async function columnStatistics(
  store: TableStore,
  find: () => TableRecord,
  request: StatisticsRequest,
): Promise<TableColumnStatistics> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readStatistics(store, find(), request);
    } catch (error) {
      // An extent was merged away meanwhile.
      if (!(error instanceof BlobNotFoundError) || attempt >= attemptsMax) throw error;
    }
  }
}

async function readStatistics(
  store: TableStore,
  table: TableRecord,
  { samplePercent, hotOnly, from, to, signal }: StatisticsRequest,
): Promise<TableColumnStatistics> {
  const { catalog, now } = store.parts;
  const opened = (page: ExtentPageRecord): readonly ExtentRecord[] => catalog.image.pages.opened(page);
  const hot = hotOnly ? hotBy(store.periods(table), now()) : everyExtent;
  const ofTable = chosenExtents(catalog.image.extentsAndPagesOf(table.tableId), hot, opened);
  const extents = chosenExtents(ofTable, madeBetween(from, to), opened);
  const { rowCount, termBytes } = sumsOf(extents);
  const sums = new Map<number, { original: number; compressed: number }>();
  let sampled = 0;
  for (const extent of eachExtent(extents, everyExtent, opened)) {
    if (sampled > 0 && sampled * 100 >= rowCount * samplePercent) break;
    signal?.throwIfAborted();
    await addExtent(store, table, extent, sums);
    sampled += extent.rowCount;
  }
  const estimated = (bytes = 0): number => (sampled === 0 ? 0 : Math.round((bytes * rowCount) / sampled));
  return {
    columns: table.columns.map(({ columnId, name, type }) => ({
      ...{ columnId: guidOfColumn(table.tableId, columnId), name, type },
      originalBytes: estimated(sums.get(columnId)?.original),
      compressedBytes: estimated(sums.get(columnId)?.compressed),
    })),
    rowCount,
    termBytes,
    sampledPercent: rowCount === 0 ? 100 : (sampled * 100) / rowCount,
  };
}

const madeBetween = (from: number, to: number): ChosenExtents => ({
  isMeant: ({ minCreatedOn, maxCreatedOn }) => maxCreatedOn >= from && minCreatedOn <= to,
  ofPage: ({ minCreatedOn, maxCreatedOn, oldestMaxCreatedOn }) => {
    if (maxCreatedOn < from || minCreatedOn > to) return 'none';
    return oldestMaxCreatedOn >= from && maxCreatedOn <= to ? 'all' : undefined;
  },
});

async function addExtent(
  store: TableStore,
  table: TableRecord,
  { sealed, columnIds, rowCount }: ExtentRecord,
  sums: Map<number, { original: number; compressed: number }>,
): Promise<void> {
  const columns = table.columns.filter(({ columnId }) => columnIds.includes(columnId));
  const file = await store.parts.files.open(sealed);
  try {
    await store.withConnection(async (connection) => {
      const stored = await collect(
        connection,
        `SELECT path_in_schema, sum(total_compressed_size)::DOUBLE FROM parquet_metadata('${file.path}') GROUP BY path_in_schema`,
      );
      const compressed = new Map(stored.map(([name, bytes]) => [String(name), Number(bytes)]));
      const texts = columns.filter(({ type }) => widths[type] === undefined);
      const lengths = texts.map(({ columnId }) => `coalesce(sum(strlen(${columnName(columnId)})), 0)::DOUBLE`);
      const [ofTexts = []] =
        texts.length === 0
          ? []
          : await collect(connection, `SELECT ${lengths.join(', ')} FROM read_parquet('${file.path}')`);
      const original = ({ type, columnId }: ColumnView): number =>
        rowCount * (widths[type] ?? 0) + Number(ofTexts[texts.findIndex((one) => one.columnId === columnId)] ?? 0);
      for (const column of columns) {
        const sum = sums.get(column.columnId) ?? { original: 0, compressed: 0 };
        sums.set(column.columnId, {
          original: sum.original + original(column),
          compressed: sum.compressed + (compressed.get(columnName(column.columnId)) ?? 0),
        });
      }
    });
  } finally {
    file.release();
  }
}

/** The same for as long as there is the column, whatever it is called. */
function guidOfColumn(tableId: Guid, columnId: number): Guid {
  const hex = sha256Hex(`${tableId}/${columnId}`);
  const id = parseGuid(hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
  invariant(id !== undefined, 'a digest has the digits of a guid');
  return id;
}
