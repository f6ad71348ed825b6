import type { ExtentRecord, TableRecord } from '../catalog/records.ts';
import { factColumn } from '../../kql/plan/record-facts.ts';
import type { TailRows } from '../../kql/query-request.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import { physicalType } from '../../kql/plan/types.ts';
import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import type { ExtentFiles, OpenedExtent } from './extent-files.ts';
import type { ExtentPieces } from './extent-pieces.ts';
import { extentFacts, extentRow, parquetOf, readPieces, timedRows } from './extent-pieces.ts';
import type { ReadableColumn } from './extent-statistics.ts';
import type { HotExtents } from './hot-extents.ts';
import { columnName, ingestionColumn, stagedSql } from './tail-table.ts';

export interface ReadParts {
  readonly files: ExtentFiles;
  readonly connect: () => Promise<EngineConnection>;
  /** For queries: what is read often may be read from tables. */
  readonly hot?: HotExtents | undefined;
}

const parallelMax = 4;
/** So many tables are read beside one another; each is a part of the statement, which takes time to plan. */
const tablesMax = 32;

async function openExtents(
  { files }: ReadParts,
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

/** Of columns that are read, as the catalog has them. */
export type Names = ReadonlySet<string>;

export interface ReadExtents {
  /** @param names absent: all columns */
  readonly selects: (names?: Names) => string[];
  /** The same, with the facts of each row's extent. */
  readonly extentSelects: () => string[];
  /** The same rows where no table of the engine is seen but those of `tails`, if these are read from such. */
  readonly apart?: ReadExtents;
  readonly tails?: readonly TailRows[];
}

/** As files in memory, all open at once, some of them as tables besides; where there is no room for that, one after the other, into the
 * engine's own memory. */
export async function readExtents(
  parts: ReadParts,
  table: TableRecord,
  extents: readonly ExtentRecord[],
  held: { release(): void }[],
): Promise<ReadExtents> {
  if (parts.files.fits(extents.map(({ sealed }) => sealed))) {
    const opened = await openExtents(parts, extents, held);
    const files = extents.map((extent, index) => ({ extent, path: opened[index]?.path ?? '' }));
    const asFiles = fromFiles(table, files);
    const tables = parts.hot === undefined ? [] : heldTables(parts.hot, extents, held);
    if (tables.length === 0) return asFiles;
    const hot = new Set(tables.map(({ extent }) => extent));
    const others = fromFiles(
      table,
      files.filter(({ extent }) => !hot.has(extent)),
    );
    return {
      selects: (names) => [...tables.map((one) => selectOfTable(table, one, false, names)), ...others.selects(names)],
      extentSelects: () => [
        ...tables.map((one) => withExtent(selectOfTable(table, one, true), extentFacts(one.extent))),
        ...others.extentSelects(),
      ],
      apart: asFiles,
    };
  }
  const made: { readonly pieces: ExtentPieces; readonly columns: readonly ReadableColumn[] }[] = [];
  for (const { columnIds, extents: alike } of grouped(extents)) {
    const pieces = await readPieces(parts, columnIds, alike);
    held.push(pieces);
    made.push({ pieces, columns: readableColumns(table).filter(({ columnId }) => columnIds.includes(columnId)) });
  }
  const fromPieces = (staged: boolean, facts = '', names?: Names): string[] =>
    made.map(({ pieces: { name }, columns }) => selectOf(table, columns, name, staged, facts, names));
  return {
    selects: (names) => fromPieces(false, '', names),
    extentSelects: () => fromPieces(false, ', extent_row, extent_id, extent_tags'),
    apart: {
      selects: (names) => fromPieces(true, '', names),
      extentSelects: () => fromPieces(true, ', extent_row, CAST(extent_id AS UUID) AS extent_id, extent_tags'),
    },
    tails: made.map(({ pieces, columns }) => pieces.tail(columns)),
  };
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

interface ExtentFile {
  readonly extent: ExtentRecord;
  readonly path: string;
}

const fromFiles = (table: TableRecord, files: readonly ExtentFile[]): ReadExtents => ({
  selects: (names) => fileSelects(table, files, false, names),
  extentSelects: () =>
    files.flatMap((file) => fileSelects(table, [file], true).map((one) => withExtent(one, extentFacts(file.extent)))),
});

function fileSelects(table: TableRecord, files: readonly ExtentFile[], isNumbered = false, names?: Names): string[] {
  const paths = new Map(files.map(({ extent, path }) => [extent, path]));
  return [...grouped(files.map(({ extent }) => extent))].map(({ columnIds, extents: alike }) => {
    const columns = columnIds.map((columnId) => ({ columnId }));
    const sources = alike.map((extent) => ({ path: paths.get(extent) ?? '', extent }));
    const from = parquetOf(sources, isNumbered, hasTime(names));
    return selectOf(table, columns, from, false, isNumbered ? `, ${extentRow}` : '', names);
  });
}

interface ExtentTable {
  readonly extent: ExtentRecord;
  readonly name: string;
}

function heldTables(hot: HotExtents, extents: readonly ExtentRecord[], held: { release(): void }[]): ExtentTable[] {
  const tables: ExtentTable[] = [];
  for (const extent of extents) {
    const found = tables.length < tablesMax ? hot.hold(extent) : undefined;
    if (found === undefined) continue;
    held.push(found);
    tables.push({ extent, name: found.name });
  }
  return tables;
}

function selectOfTable(table: TableRecord, { extent, name }: ExtentTable, isNumbered = false, names?: Names): string {
  const columns = extent.columnIds.map((columnId) => ({ columnId }));
  const rows = isNumbered ? `(SELECT *, rowid AS extent_row FROM ${name})` : name;
  const from = hasTime(names) ? timedRows(rows, extent) : rows;
  return selectOf(table, columns, from, false, isNumbered ? ', extent_row' : '', names);
}

/** What can be read of a table: its columns, and when its rows were ingested. */
export const readableColumns = ({ columns }: TableRecord): readonly ReadableColumn[] => [
  { ...ingestionColumn, name: timeName },
  ...columns,
];

const timeName = factColumn('ingestion_time').name;
const hasTime = (names: Names | undefined): boolean => names?.has(timeName) ?? true;

export const withExtent = (select: string, facts: string): string => `SELECT *, ${facts} FROM (${select})`;

/** The table's columns of today: those added later are null, those dropped are left out. */
export function selectOf(
  table: TableRecord,
  columns: readonly { readonly columnId: number }[],
  from: string,
  staged: boolean,
  more = '',
  names?: Names,
): string {
  const present = new Set(columns.map(({ columnId }) => columnId));
  const read = readableColumns(table).filter(({ name }) => names?.has(name) ?? true);
  // A row without columns is still one.
  if (read.length === 0) return `SELECT 1 AS none${more} FROM ${from}`;
  const outputs = read.map((column) => {
    const name = columnName(column.columnId);
    if (!present.has(column.columnId)) return `${missing(column.type)} AS ${name}`;
    return staged ? `${stagedSql(column)} AS ${name}` : name;
  });
  return `SELECT ${outputs.join(', ')}${more} FROM ${from}`;
}

export const missing = (type: KqlType): string => (type === 'string' ? "''" : `NULL::${physicalType[type]}`);
