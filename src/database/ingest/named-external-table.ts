import type { OpenTable } from '../../kql/query-request.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { dataError } from '../catalog/data-error.ts';
import type { ExternalTableView } from '../catalog/external-table.ts';
import { virtualColumns } from '../catalog/external-table.ts';
import type { PartitionValue, PartitionValues, PathFormat } from '../catalog/path-format.ts';
import { matchPath, parsePathFormat, pathPrefix } from '../catalog/path-format.ts';
import type { DataSource } from './data-source.ts';
import { deltaExternalFiles, openDeltaTable } from './delta-external-table.ts';
import type { ExternalTableParts } from './external-rows.ts';
import { ExternalRows, numbered } from './external-rows.ts';
import { saidOf } from './external-table.ts';
import type { ExternalFile, ExternalTableRequest } from './external-table-request.ts';
import { externalSourceOf, filesMax, isCalledAs, namedMapping, requireFewFiles } from './external-table-request.ts';
import type { Format } from './formats.ts';
import { requireFormat } from './formats.ts';
import { quoted } from './parquet-convert.ts';
import type { Wanted } from './partition-pruning.ts';
import { knownValues, mayBeWanted, wantedOf } from './partition-pruning.ts';

const listedMax = 1_000_000;
const natural = new Intl.Collator('en', { numeric: true });

/** Reads the files of an external table that a query asks for, into a table of the engine's memory that is there until it is over.
 * @throws DataError, KqlError */
export async function openExternalTable(parts: ExternalTableParts, request: ExternalTableRequest): Promise<OpenTable> {
  try {
    return await (request.table.kind === 'delta' ? openDeltaTable : openFolders)(parts, request);
  } catch (error) {
    throw saidOf(`external_table('${request.table.name}')`, error);
  }
}

/** @throws DataError, KqlError */
export async function openFolders(
  parts: ExternalTableParts,
  { table, database, named, uses, sourceOf, signal }: ExternalTableRequest,
): Promise<OpenTable> {
  const columns = numbered(table.columns);
  const virtual = numbered(virtualColumns(table), columns.length);
  return ExternalRows.filled(parts, [...columns, ...virtual], async (rows) => {
    const format = requireFormat(table.format);
    const mapping = namedMapping(table, named.mapping, columns);
    const files: ExternalFile[] = [];
    for await (const file of filesInFolders(table, externalSourceOf(sourceOf, database), wantedOf(uses), signal))
      requireFewFiles(files.push(file));
    for (const group of alike(files, table, format, virtual)) {
      signal?.throwIfAborted();
      const { sources, ignoreFirstRecord, constants } = group;
      await rows.add({ sources, columns, format, mapping, ignoreFirstRecord, signal }, constants);
    }
  });
}

/** All files of an external table. @throws DataError, KqlError */
export async function* externalFiles(
  parts: ExternalTableParts,
  { table, database, sourceOf, signal }: Pick<ExternalTableRequest, 'table' | 'database' | 'sourceOf' | 'signal'>,
): AsyncGenerator<ExternalFile> {
  const source = externalSourceOf(sourceOf, database);
  if (table.kind === 'delta') yield* await deltaExternalFiles(parts, table, source, signal);
  else yield* filesInFolders(table, source, [[]], signal);
}

/** Lists the files of an external table, folder by folder, without those that nobody asks for. @throws DataError */
async function* filesInFolders(
  table: Pick<ExternalTableView, 'connections' | 'partitions' | 'pathFormat' | 'properties'>,
  sourceOf: (address: string) => DataSource,
  wanted: Wanted,
  signal: AbortSignal | undefined,
): AsyncGenerator<ExternalFile> {
  const format: PathFormat = parsePathFormat(table.pathFormat, table.partitions);
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
      const values = isCalledAs(table.properties, path) && bytes !== 0 ? matchPath(format, path) : undefined;
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
