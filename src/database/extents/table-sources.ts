import { BlobNotFoundError } from '../../storage/blob-store.ts';
import { openPage } from '../catalog/extent-page.ts';
import type { ExtentOrPage, ExtentPageRecord, ExtentRecord, TableRecord } from '../catalog/records.ts';
import type { DataKeys } from '../catalog/data-keys.ts';
import type { OpenTable, ScanCounts } from '../../kql/query-request.ts';
import { SnapshotGoneError } from '../../kql/open-tables.ts';
import { factColumn, rowColumn } from '../../kql/plan/record-facts.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import { plannedReads } from './extent-statistics.ts';
import { withTerms } from './term-pruning.ts';
import { extentFacts } from './extent-pieces.ts';
import type { Segment } from './log-book.ts';
import type { ChosenExtents } from './chosen-extents.ts';
import { chosenExtents } from './chosen-extents.ts';
import type { Names, ReadExtents, ReadParts } from './read-extents.ts';
import { missing, readableColumns, readExtents, selectOf, withExtent } from './read-extents.ts';
import { columnName, ingestionColumn } from './tail-table.ts';

export interface SourceParts extends ReadParts {
  readonly keys: () => DataKeys;
  /** Comes before extents are read. Absent: at once. */
  readonly turn?: Promise<unknown> | undefined;
  /** Whether rows of an extent of the table count as hot, as of now. Absent: all do. */
  readonly isHot?: (table: TableRecord) => ChosenExtents;
  /** What opens a page. Absent: `openPage`. */
  readonly opened?: (page: ExtentPageRecord) => readonly ExtentRecord[];
  /** The table's extents and segments as of now. */
  readonly snapshot: () => {
    readonly table: TableRecord;
    readonly extents: readonly ExtentOrPage[];
    readonly segments: readonly Pick<Segment, 'tail'>[];
  };
}

const everyRow: TableUses = { rows: [], summaries: [] };
const attemptsMax = 5;

/** Opens a snapshot of a table for reading: as it is when this is called. An extent that was merged away meanwhile, or DEKs that were wrapped anew, mean: once more,
 * with the newer catalog. */
export async function openTable(parts: SourceParts, uses: TableUses = everyRow): Promise<OpenTable> {
  for (let attempt = 1; ; attempt += 1) {
    const { generation } = parts.keys();
    try {
      const opened = await openOnce(parts, uses);
      return attempt === 1 ? opened : { ...opened, isLater: true };
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
  const { table, segments } = snapshot;
  // What is in no extent yet came just now.
  const isHot = uses.hotOnly && parts.isHot?.(table);
  const { opened: openedPage = openPage } = parts;
  const extents = isHot === undefined ? snapshot.extents : chosenExtents(snapshot.extents, isHot, openedPage);
  const held: { release(): void }[] = [];
  const release = (): void => {
    for (const one of held.splice(0)) one.release();
  };
  try {
    // Segments first: opening them fixes which of their rows count, and keeps them if they are merged meanwhile.
    const rows = opened ?? (await openTails(segments, held));
    await parts.turn;
    const tails = segments.flatMap(({ tail }, index) => {
      const own = rows[index];
      return own === undefined ? [] : [{ columns: [ingestionColumn, ...tail.columns], sql: own.sql }];
    });
    const { wanted: planned, known } = plannedReads(readableColumns(table), extents, uses, openedPage);
    const wanted = await withTerms(parts.files, readableColumns(table), planned, uses);
    // What the catalog knows of rows is told only while they could be read.
    if (known.some(({ rowCount }) => rowCount > 0n)) parts.files.requireKey();
    const read = await readExtents(parts, table, wanted, held);
    const sourceOf = ({ selects, extentSelects }: ReadExtents): Pick<OpenTable, 'sql' | 'sqlOf' | 'extentSql'> => {
      const sqlOf = (names?: Names): string => {
        const rowsOf = tails.map(({ columns, sql }) => selectOf(table, columns, sql, true, '', names));
        const all = [...selects(names), ...rowsOf];
        return fromSql(all.length > 0 ? all : [noRows(table)]);
      };
      const extentSql = (): string =>
        fromSql([
          withExtent(noRows(table, noPlace), extentFacts()),
          ...extentSelects(),
          ...tails.map(({ columns, sql }) => withExtent(selectOf(table, columns, sql, true, noPlace), extentFacts())),
        ]);
      return { sql: sqlOf(), sqlOf, extentSql };
    };
    const { apart } = read;
    return {
      ...sourceOf(read),
      ...(apart && { apart: () => sourceOf(apart) }),
      columns: new Map([
        ...readableColumns(table).map(({ name, columnId }) => [name, columnName(columnId)] as const),
        ...extentColumns.map(({ name, id }) => [name, id] as const),
      ]),
      counts: countsOf(extents, wanted, segments),
      known,
      tails: [...rows, ...(read.tails ?? [])],
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
  extents: readonly ExtentOrPage[],
  wanted: readonly ExtentRecord[],
  segments: Snapshot['segments'],
): ScanCounts {
  const logged = segments.reduce((sum, { tail }) => sum + tail.rowCount, 0);
  const rowsOf = (some: readonly ExtentOrPage[]): number =>
    some.reduce((sum, one) => sum + (one.kind === 'extentPage' ? one.facts : one).rowCount, logged);
  return {
    extents: extents.reduce((sum, one) => sum + (one.kind === 'extentPage' ? one.facts.count : 1), 0),
    extentsScanned: wanted.length,
    rows: rowsOf(extents),
    rowsScanned: rowsOf(wanted),
  };
}

const extentColumns = [
  ...(['extent_id', 'extent_tags'] as const).map((fact) => ({ ...factColumn(fact), id: fact })),
  { ...rowColumn, id: 'extent_row' },
];

/** Of rows that are in no extent. */
const noPlace = ', NULL::BIGINT AS extent_row';

const fromSql = (selects: readonly string[]): string => `(${selects.join(' UNION ALL ')}) AS kustody_rows`;

const noRows = (table: TableRecord, more = ''): string =>
  `SELECT ${readableColumns(table)
    .map(({ columnId, type }) => `${missing(type)} AS ${columnName(columnId)}`)
    .join(', ')}${more} WHERE false`;
