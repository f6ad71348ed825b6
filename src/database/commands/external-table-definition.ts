import type { ExternalPartition, ExternalTableView } from '../catalog/external-table.ts';
import { parsePathFormat, requirePartition } from '../catalog/path-format.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Column } from '../../kql/plan/types.ts';
import { inferredSchema } from '../ingest/delta-schema.ts';
import { requireFormat } from '../ingest/formats.ts';
import type { Command } from './command.ts';
import type { CommandContext } from './command-context.ts';
import type { LayoutProperties } from './export-properties.ts';
import { exportFormats, exportLayout, isTrue } from './export-properties.ts';
import { columnType } from './schema-text.ts';

const knownProperties = [
  ...(['folder', 'docString', 'compressed', 'compressionType', 'includeHeaders', 'namePrefix'] as const),
  ...(['fileExtension', 'encoding', 'sampleUris', 'filesPreview', 'validateNotEmpty', 'dryRun'] as const),
];
const connectionsMax = 100;

/** Reads a definition. @throws KqlError for what is not built, by its name */
export function definition(command: Command, context: CommandContext): ExternalTableView {
  const kind = command.required('TableKind').toLowerCase();
  if (kind !== 'storage' && kind !== 'blob' && kind !== 'adl' && kind !== 'delta')
    throw new KqlError(
      'notSupported',
      `External tables of kind '${kind.slice(0, 50)}' are not built; storage and delta are.`,
    );
  const { folder = '', docString = '', ...properties } = command.properties(knownProperties);
  for (const name of ['sampleUris', 'filesPreview', 'validateNotEmpty', 'dryRun'] as const)
    if (isTrue(properties[name]))
      throw new KqlError('notSupported', `The property '${name}' of external tables is not built.`);
  const types = command.all('ColumnType');
  const columns: Column[] = command
    .all('ColumnName')
    .map((name, index) => ({ name, type: columnType(types[index] ?? '') }));
  const connections = command.all('StorageConnectionString');
  if (connections.length === 0 || connections.length > connectionsMax)
    throw new KqlError('semantic', `An external table has 1 to ${connectionsMax} storage connection strings.`);
  const base = { name: command.required('ExternalTableName'), columns, folder, docstring: docString, connections };
  return {
    ...base,
    properties,
    ...(kind === 'delta' ? deltaFiles : storageFiles(command, properties, context)),
  };
}

type Files = Pick<ExternalTableView, 'kind' | 'format' | 'partitions' | 'pathFormat'>;

/** The log says the rest. */
const deltaFiles: Files = { kind: 'delta', format: 'parquet', partitions: [], pathFormat: '' };

function storageFiles(
  command: Command,
  properties: LayoutProperties & { readonly compressed?: string },
  context: CommandContext,
): Files {
  const format = command.required('DataFormatKind');
  const isWritten = exportFormats.find((one) => one === format.toLowerCase());
  if (isWritten === undefined) requireFormat(format);
  // Says what is wrong with the properties before somebody exports.
  else exportLayout(isWritten, isTrue(properties.compressed), properties, context);
  const partitions = partitionsOf(command);
  for (const partition of partitions) requirePartition(partition);
  const pathFormat = /\bpathformat\s*=\s*\(([\s\S]*?)\)\s*dataformat\b/i.exec(command.text)?.[1]?.trim() ?? '';
  // Says what is wrong with the paths before somebody reads them.
  parsePathFormat(pathFormat, partitions);
  return { format, partitions, pathFormat };
}

/** With what the log of its table says: the partitions, and the columns where the definition has none.
 * @throws DataError, KqlError where the log cannot be read
 * @see Kusto "Create and alter delta external tables" */
export async function withDeltaSchema(table: ExternalTableView, context: CommandContext): Promise<ExternalTableView> {
  const { data, database, sourceOf, signal } = context;
  if (sourceOf === undefined) throw new KqlError('notSupported', 'Nothing is read from elsewhere on this cluster.');
  const [address = ''] = table.connections;
  const { columns, partitions } = inferredSchema(await data.deltaSchema(database, address, { sourceOf, signal }));
  return {
    ...table,
    columns: table.columns.length === 0 ? columns : table.columns,
    partitions,
    pathFormat: partitions.map(({ name, type }, index) => folderOf(name, type, index)).join(' '),
  };
}

/** A folder of each partition: `"Day=" datetime_pattern("yyyy-MM-dd", Day)`. */
function folderOf(name: string, type: string, index: number): string {
  const shown = /^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) ? name : `[${JSON.stringify(name)}]`;
  const value = type === 'datetime' ? `datetime_pattern("yyyy-MM-dd", ${shown})` : shown;
  return `${JSON.stringify(`${index === 0 ? '' : '/'}${name}=`)} ${value}`;
}

/** A partition's name stands in the path's format, too, without a type after it. */
function partitionsOf({ leaves }: Command): readonly ExternalPartition[] {
  const named = leaves.filter(({ name }) => name !== undefined);
  return named.flatMap((leaf, index): ExternalPartition[] => {
    if (leaf.name !== 'PartitionName' || named[index + 1]?.name !== 'PartitionType') return [];
    const after = named.slice(index + 2);
    const end = after.findIndex(
      ({ name }) => !/^(PartitionFunction|StringColumn|DateTimeColumn|HashMod|BinValue)$/.test(name ?? ''),
    );
    const own = end < 0 ? after : after.slice(0, end);
    const text = (pattern: RegExp): string | undefined => own.find(({ name = '' }) => pattern.test(name))?.text;
    const [column, call, argument] = [text(/Column$/), text(/Function$/), text(/^(HashMod|BinValue)$/)];
    const base = { name: leaf.text, type: named[index + 1]?.text ?? '' };
    if (column === undefined) return [base];
    return [{ ...base, of: { column, ...(call && { call }), ...(argument && { argument }) } }];
  });
}
