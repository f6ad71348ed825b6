import type { OpenTable } from '../../kql/query-request.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { ScanRange } from '../../kql/scan-ranges.ts';
import { dataError } from '../catalog/data-error.ts';
import type { ExternalTableView } from '../catalog/external-table.ts';
import { virtualColumns } from '../catalog/external-table.ts';
import { valueOfText } from './convert-value.ts';
import type { DataSource } from './data-source.ts';
import type { DeltaTable } from './delta-log.ts';
import type { DeltaSchema } from './delta-schema.ts';
import { readDeltaTable } from './delta-log.ts';
import type { DeltaFile } from './delta-state.ts';
import type { ExternalTableParts } from './external-rows.ts';
import { ExternalRows, numbered } from './external-rows.ts';
import type { ExternalFile, ExternalTableRequest } from './external-table-request.ts';
import { externalSourceOf, isCalledAs, namedMapping, requireFewFiles } from './external-table-request.ts';
import { requireFormat } from './formats.ts';
import { constantSql, nothing } from './parquet-select.ts';
import type { Wanted } from './partition-pruning.ts';
import { wantedOf } from './partition-pruning.ts';

/** In memory at a time. */
const filesAtOnce = 64;

/** Reads the files of the latest version of a Delta table that a query asks for. A column by which it is partitioned stands in no file, be it
 * one of the external table's own or not; what files have of a type that a column cannot take is null, as in the service.
 * @param requireSchema is asked before a file is read
 * @throws DataError, KqlError */
export async function openDeltaTable(
  parts: ExternalTableParts,
  { table, database, named, uses, sourceOf, signal }: ExternalTableRequest,
  requireSchema?: (schema: DeltaSchema) => void,
): Promise<OpenTable> {
  const folder = deltaFolder(table, externalSourceOf(sourceOf, database));
  const { schema, files } = await readDeltaTable(parts, folder, signal);
  requireSchema?.(schema);
  const all = [...table.columns, ...virtualColumns(table)];
  const isPartition = ({ name }: Column): boolean => schema.partitionColumns.includes(name);
  const columns = numbered(all.filter((column) => !isPartition(column)));
  const partitions = numbered(all.filter(isPartition), columns.length);
  const mapping = namedMapping(table, named.mapping, columns);
  const wanted = files.filter(
    ({ path, values }) => isCalledAs(table.properties, path) && mayBeWanted(partitions, values, wantedOf(uses)),
  );
  requireFewFiles(wanted.length);
  const format = requireFormat(table.format);
  return ExternalRows.filled(parts, [...columns, ...partitions], async (rows) => {
    for (const [constants, paths] of alike(wanted, partitions)) {
      signal?.throwIfAborted();
      const sources = paths.map((path) => fileBelow(folder, path));
      const how = { sources, columns, format, mapping, ignoreFirstRecord: false, unlikeIsNull: true, signal };
      await rows.add(how, constants);
    }
  });
}

/** The files of the latest version. @throws DataError, KqlError */
export async function deltaExternalFiles(
  parts: ExternalTableParts,
  table: ExternalTableView,
  sourceOf: (address: string) => DataSource,
  signal: AbortSignal | undefined,
): Promise<readonly ExternalFile[]> {
  const folder = deltaFolder(table, sourceOf);
  const { files }: DeltaTable = await readDeltaTable(parts, folder, signal);
  return files
    .filter(({ path }) => isCalledAs(table.properties, path))
    .map(({ path, bytes, values }) => ({
      ...{ source: fileBelow(folder, path), bytes, isFirst: false },
      values: new Map(Object.entries(values)),
    }));
}

const deltaFolder = (
  { connections: [connection = ''] }: ExternalTableView,
  sourceOf: (address: string) => DataSource,
) => sourceOf(connection);

function fileBelow(folder: DataSource, path: string): DataSource {
  const file = folder.file?.(path);
  if (file === undefined)
    throw dataError('SourceNotAllowed', `The source '${folder.name}' is not read: it has no list of files.`);
  return file;
}

/** Files with the same values of partitions, some at a time. */
function* alike(
  files: readonly DeltaFile[],
  partitions: readonly Column[],
): Generator<readonly [constants: readonly string[], paths: readonly string[]]> {
  const groups = new Map<string, { readonly constants: readonly string[]; readonly paths: string[] }>();
  for (const { path, values } of files) {
    const constants = partitions.map(({ name, type }) => {
      const text = values[name] ?? null;
      return text === null ? nothing(type) : constantSql(type, text);
    });
    const key = JSON.stringify(constants);
    const group = groups.get(key) ?? { constants, paths: [] };
    groups.set(key, group);
    group.paths.push(path);
  }
  for (const { constants, paths } of groups.values())
    for (let at = 0; at < paths.length; at += filesAtOnce) yield [constants, paths.slice(at, at + filesAtOnce)];
}

/** Whether a file of these partitions can have rows that are wanted. */
export const mayBeWanted = (partitions: readonly Column[], values: DeltaFile['values'], wanted: Wanted): boolean =>
  wanted.some((ranges) =>
    ranges.every((range) => {
      const partition = partitions.find(({ name }) => name === range.column);
      const text = partition && values[partition.name];
      // Nulls are for the query to decide.
      return !partition || typeof text !== 'string' || text === '' || mayHold(partition, text, range);
    }),
  );

function mayHold({ type }: Column, text: string, { min, max, texts }: ScanRange): boolean {
  const value = valueOfText(type, text);
  if (type === 'string') return texts?.includes(String(value)) ?? true;
  if (type !== 'datetime' && type !== 'int' && type !== 'long') return true;
  if (typeof value !== 'bigint' && typeof value !== 'number') return true;
  return (min === undefined || value >= min) && (max === undefined || value <= max);
}
