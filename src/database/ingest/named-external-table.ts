import type { ExternalTableName } from '../../kql/plan/external-data.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { OpenTable } from '../../kql/query-request.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import { dataError } from '../catalog/data-error.ts';
import type { ExternalTableView } from '../catalog/external-table.ts';
import { virtualColumns } from '../catalog/external-table.ts';
import type { PartitionValue, PartitionValues, PathFormat } from '../catalog/path-format.ts';
import { matchPath, parsePathFormat, pathPrefix } from '../catalog/path-format.ts';
import type { DataSource, SourceOf } from './data-source.ts';
import type { ExternalTableParts } from './external-rows.ts';
import { ExternalRows } from './external-rows.ts';
import { saidOf } from './external-table.ts';
import type { Format } from './formats.ts';
import { requireFormat } from './formats.ts';
import { parseMapping, requireFits } from './ingestion-mapping.ts';
import { quoted } from './parquet-convert.ts';
import type { Wanted } from './partition-pruning.ts';
import { knownValues, mayBeWanted, wantedOf } from './partition-pruning.ts';

export interface ExternalTableRequest {
  readonly table: ExternalTableView;
  readonly database: string;
  readonly named: ExternalTableName;
  /** Files that no use asks for are not read. */
  readonly uses: TableUses;
  readonly sourceOf: SourceOf;
  readonly signal: AbortSignal | undefined;
}

/** A file that a query of an external table reads. */
export interface ExternalFile {
  readonly source: DataSource;
  readonly bytes: number;
  /** Of its partitions, as its path says them. */
  readonly values: PartitionValues;
  /** It is the first one of its folder. */
  readonly isFirst: boolean;
}

const listedMax = 1_000_000;
const filesMax = 10_000;
const natural = new Intl.Collator('en', { numeric: true });

/** Reads the files of an external table that a query asks for, into a table of the engine's memory that is there until it is over.
 * @throws DataError, KqlError */
export async function openExternalTable(
  parts: ExternalTableParts,
  { table, database, named, uses, sourceOf, signal }: ExternalTableRequest,
): Promise<OpenTable> {
  const operator = `external_table('${table.name}')`;
  const columns = table.columns.map((column, index) => ({ ...column, columnId: index + 1 }));
  const virtual = virtualColumns(table).map((column, index) => ({ ...column, columnId: columns.length + index + 1 }));
  const rows = await ExternalRows.create(parts, [...columns, ...virtual]);
  try {
    const format = requireFormat(table.format);
    const mapping = mappingOf(table, format, named.mapping);
    if (mapping !== undefined) requireFits(mapping, columns);
    const files: ExternalFile[] = [];
    for await (const file of externalFiles(table, externalSourceOf(sourceOf, database), wantedOf(uses), signal))
      if (files.push(file) > filesMax)
        throw new KqlError('limits', `The query reads more than ${filesMax} files of the external table.`);
    for (const group of alike(files, table, format, virtual)) {
      signal?.throwIfAborted();
      const { sources, ignoreFirstRecord, constants } = group;
      await rows.add({ sources, columns, format, mapping, ignoreFirstRecord, signal }, constants);
    }
  } catch (error) {
    await rows.drop();
    throw saidOf(operator, error);
  }
  return rows.opened();
}

function mappingOf(table: ExternalTableView, format: Format, name: string | undefined) {
  if (name === undefined) return undefined;
  const found = table.mappings?.find((one) => one.name === name);
  if (found === undefined) throw dataError('MappingNotFound', name.slice(0, 200));
  return parseMapping(format.mapping, found.mapping);
}

/** Where the connection strings of external tables of a database lead. */
export const externalSourceOf =
  (sourceOf: SourceOf, database: string) =>
  (address: string): DataSource =>
    sourceOf(address, { usage: 'ExternalTable', database });

/** Lists the files of an external table, folder by folder, without those that nobody asks for. @throws DataError */
export async function* externalFiles(
  table: Pick<ExternalTableView, 'connections' | 'partitions' | 'pathFormat' | 'properties'>,
  sourceOf: (address: string) => DataSource,
  wanted: Wanted,
  signal: AbortSignal | undefined,
): AsyncGenerator<ExternalFile> {
  const format: PathFormat = parsePathFormat(table.pathFormat, table.partitions);
  const { namePrefix = '', fileExtension = '' } = table.properties;
  const prefix = pathPrefix(format, knownValues(format, wanted));
  let listed = 0;
  for (const connection of table.connections) {
    const folder = sourceOf(connection);
    if (folder.below === undefined)
      throw dataError('SourceNotAllowed', `The source '${folder.name}' is not read: it has no list of files.`);
    const firstOf = new Map<string, { readonly path: string; readonly at: number }>();
    const found: { path: string; source: DataSource; bytes: number; values: PartitionValues }[] = [];
    for await (const { path, source, bytes } of folder.below(prefix, signal)) {
      if ((listed += 1) > listedMax)
        throw new KqlError('limits', `The external table has more than ${listedMax} files.`);
      const end = path.lastIndexOf('/') + 1;
      const isOfTable = path.startsWith(namePrefix, end) && path.endsWith(fileExtension);
      const values = isOfTable && bytes !== 0 ? matchPath(format, path) : undefined;
      if (values === undefined || !mayBeWanted(format, values, wanted)) continue;
      const before = firstOf.get(path.slice(0, end));
      if (before === undefined || natural.compare(path, before.path) < 0)
        firstOf.set(path.slice(0, end), { path, at: found.length });
      if (found.push({ path, source, bytes, values }) > filesMax) break;
    }
    for (const { path, ...file } of found)
      yield { ...file, isFirst: firstOf.get(path.slice(0, path.lastIndexOf('/') + 1))?.path === path };
  }
}

interface AlikeFiles {
  readonly sources: DataSource[];
  readonly ignoreFirstRecord: boolean;
  /** Of the columns that only paths say, as SQL. */
  readonly constants: readonly string[];
}

/** Files that are read in the same way, and whose paths say the same. */
function alike(
  files: readonly ExternalFile[],
  { properties }: ExternalTableView,
  { reader }: Format,
  virtual: readonly { readonly name: string }[],
): Iterable<AlikeFiles> {
  const headers = reader.kind === 'delimited' ? properties['includeHeaders']?.toLowerCase() : undefined;
  const groups = new Map<string, AlikeFiles>();
  for (const { source, values, isFirst } of files) {
    const constants = virtual.map(({ name }) => sqlOf(values.get(name) ?? null));
    const ignoreFirstRecord = headers === 'all' || (headers === 'firstfile' && isFirst);
    const key = JSON.stringify([constants, ignoreFirstRecord]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { sources: [source], ignoreFirstRecord, constants });
    else group.sources.push(source);
  }
  return groups.values();
}

const sqlOf = (value: PartitionValue): string =>
  value === null ? 'NULL' : typeof value === 'string' ? quoted(value) : `${value}::BIGINT`;
