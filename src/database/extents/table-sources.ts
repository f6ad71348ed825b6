import { BlobNotFoundError } from '../../storage/blob-store.ts';
import type { ExtentRecord, TableRecord } from '../catalog/records.ts';
import type { DataKeys } from '../catalog/data-keys.ts';
import type { OpenTable, ScanCounts } from '../../kql/query-request.ts';
import { SnapshotGoneError } from '../../kql/open-tables.ts';
import { factColumn, rowColumn } from '../../kql/plan/record-facts.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import { physicalType } from '../../kql/plan/types.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import type { ExtentFiles, OpenedExtent } from './extent-files.ts';
import type { ReadableColumn } from './extent-statistics.ts';
import { plannedReads } from './extent-statistics.ts';
import { withTerms } from './term-pruning.ts';
import { extentFacts, extentRow, parquetOf, readPieces } from './extent-pieces.ts';
import type { Segment } from './log-book.ts';
import { columnName, ingestionColumn, stagedSql } from './tail-table.ts';

export interface SourceParts {
  readonly files: ExtentFiles;
  readonly connect: () => Promise<EngineConnection>;
  readonly keys: () => DataKeys;
  /** The table's extents and segments as of now. */
  readonly snapshot: () => {
    readonly table: TableRecord;
    readonly extents: readonly ExtentRecord[];
    readonly segments: readonly Pick<Segment, 'tail'>[];
  };
}

const everyRow: TableUses = { rows: [], summaries: [] };
const attemptsMax = 5;
const parallelMax = 4;

/** Opens a snapshot of a table for reading. An extent that was merged away meanwhile, or DEKs that were wrapped anew, mean: once more,
 * with the newer catalog. */
export async function openTable(parts: SourceParts, uses: TableUses = everyRow): Promise<OpenTable> {
  for (let attempt = 1; ; attempt += 1) {
    const { generation } = parts.keys();
    try {
      return await openOnce(parts, uses);
    } catch (error) {
      const isStale = error instanceof BlobNotFoundError || parts.keys().generation !== generation;
      if (!isStale || attempt >= attemptsMax) throw error;
    }
  }
}

type Snapshot = ReturnType<SourceParts['snapshot']>;
type Tail = Awaited<ReturnType<Segment['tail']['open']>>;

/** @param opened the rows of its segments, held by somebody else */
async function openOnce(
  parts: SourceParts,
  uses: TableUses,
  snapshot: Snapshot = parts.snapshot(),
  opened?: readonly Tail[],
): Promise<OpenTable> {
  const { table, extents, segments } = snapshot;
  const held: { release(): void }[] = [];
  const release = (): void => {
    for (const one of held.splice(0)) one.release();
  };
  try {
    // Segments first: opening them fixes which of their rows count, and keeps them if they are merged meanwhile.
    const rows = opened ?? (await openTails(segments, held));
    const tails = segments.flatMap(({ tail }, index) => {
      const own = rows[index];
      return own === undefined ? [] : [{ columns: [ingestionColumn, ...tail.columns], sql: own.sql }];
    });
    const { wanted: planned, known } = plannedReads(readableColumns(table), extents, uses);
    const wanted = await withTerms(parts.files, readableColumns(table), planned, uses);
    // What the catalog knows of rows is told only while they could be read.
    if (known.some(({ rowCount }) => rowCount > 0n)) parts.files.requireKey();
    const read = await readExtents(parts, table, wanted, held);
    const selects = [...read.selects(), ...tails.map(({ columns, sql }) => selectOf(table, columns, sql, true))];
    const extentSql = (): string =>
      fromSql([
        withExtent(noRows(table, noPlace), extentFacts()),
        ...read.extentSelects(),
        ...tails.map(({ columns, sql }) => withExtent(selectOf(table, columns, sql, true, noPlace), extentFacts())),
      ]);
    return {
      sql: fromSql(selects.length > 0 ? selects : [noRows(table)]),
      extentSql,
      columns: new Map([
        ...readableColumns(table).map(({ name, columnId }) => [name, columnName(columnId)] as const),
        ...extentColumns.map(({ name, id }) => [name, id] as const),
      ]),
      counts: countsOf(extents, wanted, segments),
      known,
      tails: rows,
      again: (wider) => openAgain(parts, wider, snapshot, rows),
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

function openTails(segments: Snapshot['segments'], held: { release(): void }[]): Promise<Tail[]> {
  return Promise.all(
    segments.map(async ({ tail }) => {
      const opened = await tail.open();
      held.push(opened);
      return opened;
    }),
  );
}

/** The rows of the same moment. @throws SnapshotGoneError where an extent was merged away, or DEKs were wrapped anew */
async function openAgain(
  parts: SourceParts,
  uses: TableUses,
  snapshot: Snapshot,
  tails: readonly Tail[],
): Promise<OpenTable> {
  const { generation } = parts.keys();
  try {
    return await openOnce(parts, uses, snapshot, tails);
  } catch (error) {
    if (error instanceof BlobNotFoundError || parts.keys().generation !== generation) throw new SnapshotGoneError();
    throw error;
  }
}

/** Rows that are not in an extent yet are all read. */
function countsOf(
  extents: readonly ExtentRecord[],
  wanted: readonly ExtentRecord[],
  segments: Snapshot['segments'],
): ScanCounts {
  const logged = segments.reduce((sum, { tail }) => sum + tail.rowCount, 0);
  const rowsOf = (some: readonly ExtentRecord[]): number => some.reduce((sum, { rowCount }) => sum + rowCount, logged);
  return {
    extents: extents.length,
    extentsScanned: wanted.length,
    rows: rowsOf(extents),
    rowsScanned: rowsOf(wanted),
  };
}

async function openExtents(
  { files }: SourceParts,
  extents: readonly ExtentRecord[],
  held: { release(): void }[],
): Promise<OpenedExtent[]> {
  const opened: OpenedExtent[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < extents.length; index = next++) {
      const sealed = extents[index]?.sealed;
      if (sealed === undefined) return;
      const file = await files.open(sealed);
      held.push(file);
      opened[index] = file;
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(parallelMax, extents.length) }, work));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return opened;
}

interface ReadExtents {
  readonly selects: () => string[];
  /** The same, with the facts of each row's extent. */
  readonly extentSelects: () => string[];
}

/** As files in memory, all open at once; where there is no room for that, one after the other, into the engine's own memory. */
async function readExtents(
  parts: SourceParts,
  table: TableRecord,
  extents: readonly ExtentRecord[],
  held: { release(): void }[],
): Promise<ReadExtents> {
  if (parts.files.fits(extents.map(({ sealed }) => sealed))) {
    const opened = await openExtents(parts, extents, held);
    return {
      selects: () => extentSelects(table, extents, opened),
      extentSelects: () =>
        extents.flatMap((extent, index) =>
          extentSelects(table, [extent], opened.slice(index, index + 1), true).map((select) =>
            withExtent(select, extentFacts(extent)),
          ),
        ),
    };
  }
  const selects: string[] = [];
  const withFacts: string[] = [];
  for (const { columnIds, extents: alike } of grouped(extents)) {
    const pieces = await readPieces(parts, columnIds, alike);
    held.push(pieces);
    const columns = columnIds.map((columnId) => ({ columnId }));
    selects.push(selectOf(table, columns, pieces.name, false));
    withFacts.push(selectOf(table, columns, pieces.name, false, ', extent_row, extent_id, extent_tags'));
  }
  return { selects: () => selects, extentSelects: () => withFacts };
}

/** Extents with the same columns are read together. */
function grouped(
  extents: readonly ExtentRecord[],
): Iterable<{ readonly columnIds: readonly number[]; readonly extents: ExtentRecord[] }> {
  const groups = new Map<string, { readonly columnIds: readonly number[]; readonly extents: ExtentRecord[] }>();
  for (const extent of extents) {
    const key = extent.columnIds.join();
    const group = groups.get(key) ?? { columnIds: extent.columnIds, extents: [] };
    groups.set(key, group);
    group.extents.push(extent);
  }
  return groups.values();
}

function extentSelects(
  table: TableRecord,
  extents: readonly ExtentRecord[],
  opened: readonly OpenedExtent[],
  isNumbered = false,
): string[] {
  const paths = new Map(extents.map((extent, index) => [extent, opened[index]?.path ?? '']));
  return [...grouped(extents)].map(({ columnIds, extents: alike }) => {
    const columns = columnIds.map((columnId) => ({ columnId }));
    const files = alike.map((extent) => ({ path: paths.get(extent) ?? '', extent }));
    return selectOf(table, columns, parquetOf(files, isNumbered), false, isNumbered ? `, ${extentRow}` : '');
  });
}

/** What can be read of a table: its columns, and when its rows were ingested. */
const readableColumns = ({ columns }: TableRecord): readonly ReadableColumn[] => [
  { ...ingestionColumn, name: factColumn('ingestion_time').name },
  ...columns,
];

const extentColumns = [
  ...(['extent_id', 'extent_tags'] as const).map((fact) => ({ ...factColumn(fact), id: fact })),
  { ...rowColumn, id: 'extent_row' },
];

/** Of rows that are in no extent. */
const noPlace = ', NULL::BIGINT AS extent_row';
const withExtent = (select: string, facts: string): string => `SELECT *, ${facts} FROM (${select})`;

/** The table's columns of today: those added later are null, those dropped are left out. */
function selectOf(
  table: TableRecord,
  columns: readonly { readonly columnId: number }[],
  from: string,
  staged: boolean,
  more = '',
): string {
  const present = new Set(columns.map(({ columnId }) => columnId));
  const outputs = readableColumns(table).map((column) => {
    const name = columnName(column.columnId);
    if (!present.has(column.columnId)) return `${missing(column.type)} AS ${name}`;
    return staged ? `${stagedSql(column)} AS ${name}` : name;
  });
  return `SELECT ${outputs.join(', ')}${more} FROM ${from}`;
}

const missing = (type: KqlType): string => (type === 'string' ? "''" : `NULL::${physicalType[type]}`);

const fromSql = (selects: readonly string[]): string => `(${selects.join(' UNION ALL ')}) AS kustody_rows`;

const noRows = (table: TableRecord, more = ''): string =>
  `SELECT ${readableColumns(table)
    .map(({ columnId, type }) => `${missing(type)} AS ${columnName(columnId)}`)
    .join(', ')}${more} WHERE false`;
