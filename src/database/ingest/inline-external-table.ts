import { OpenSchema } from '../../kql/open-schemas.ts';
import type { InlineExternalTable } from '../../kql/plan/external-data.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Column, KqlType } from '../../kql/plan/types.ts';
import type { OpenTable } from '../../kql/query-request.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import { instant } from '../../clock/clock.ts';
import type { ExternalTableView } from '../catalog/external-table.ts';
import { virtualColumns } from '../catalog/external-table.ts';
import { parsePathFormat, requirePartition } from '../catalog/path-format.ts';
import type { DataSource, SourceOf } from './data-source.ts';
import { openDeltaTable } from './delta-external-table.ts';
import { readDeltaTable } from './delta-log.ts';
import type { DeltaSchema } from './delta-schema.ts';
import { inferredSchema } from './delta-schema.ts';
import type { ExternalTableParts } from './external-rows.ts';
import { ExternalRows, numbered } from './external-rows.ts';
import type { ExternalTableRequest } from './external-table-request.ts';
import { namedMapping, requireFewFiles } from './external-table-request.ts';
import { saidOf } from './external-table.ts';
import { requireFormat } from './formats.ts';
import { openFolders } from './named-external-table.ts';

export interface InlineTableRequest {
  readonly inline: InlineExternalTable;
  /** That the query is of. */
  readonly database: string;
  readonly uses: TableUses;
  readonly sourceOf: SourceOf;
  readonly signal: AbortSignal | undefined;
}

/** Of `with (…)`, as of `externaldata`. */
const knownProperties = ['ignorefirstrecord', 'ingestionmapping', 'ingestionmappingtype'];
/** By which it is called inside. */
const ownMapping = 'inline';

/** Reads what a query asks for of an external table that it defines itself.
 * @throws OpenSchema where the log of a Delta table has told the columns; DataError, KqlError
 * @see Kusto "inline_external_table operator" */
export async function openInlineTable(parts: ExternalTableParts, request: InlineTableRequest): Promise<OpenTable> {
  const { inline, database, uses, signal } = request;
  requireProperties(inline);
  // Managed identities are for tables that somebody was allowed to make: a query brings its own proof.
  const sourceOf: SourceOf = (address, use) => request.sourceOf(address, { ...use, usage: undefined });
  const folderOf = (address: string): DataSource => sourceOf(address, { usage: undefined, database });
  try {
    const table = viewOf(inline);
    const mapping = table.mappings === undefined ? {} : { mapping: ownMapping };
    const asked = { table, database, named: { name: '', ...mapping }, uses, sourceOf, signal };
    if (inline.kind === 'delta') return await openDelta(parts, inline, asked, folderOf);
    if (table.partitions.length > 0 || table.pathFormat !== '') return await openFolders(parts, asked);
    return await openFiles(parts, asked, folderOf);
  } catch (error) {
    throw saidOf('inline_external_table', error);
  }
}

function requireProperties({ kind, properties }: InlineExternalTable): void {
  const known = kind === 'delta' ? [] : knownProperties;
  const unknown = Object.keys(properties).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new KqlError(
      'notSupported',
      `The property '${unknown.slice(0, 100)}' is not supported in inline_external_table of kind '${kind}'.`,
    );
}

function viewOf({ kind, columns = [], sources, format, partitions, pathFormat, properties }: InlineExternalTable) {
  for (const partition of partitions) requirePartition(partition);
  parsePathFormat(pathFormat, partitions);
  const mapping = properties['ingestionmapping'];
  const ignoresFirst = /^(true|1)$/i.test(properties['ignorefirstrecord'] ?? '');
  const mappings = [{ name: ownMapping, mapping: mapping ?? '', lastUpdatedOn: instant(0) }];
  return {
    ...{ name: '', folder: '', docstring: '', columns, connections: sources, format, partitions, pathFormat },
    ...(kind === 'delta' ? { kind } : {}),
    properties: ignoresFirst ? { includeHeaders: 'All' } : {},
    ...(mapping === undefined ? {} : { mappings }),
  } satisfies ExternalTableView;
}

/** Whatever lies below the addresses, or the blobs that they are themselves. */
function openFiles(
  parts: ExternalTableParts,
  { table, named, signal }: ExternalTableRequest,
  sourceOf: (address: string) => DataSource,
): Promise<OpenTable> {
  const columns = numbered(table.columns);
  const format = requireFormat(table.format);
  const mapping = namedMapping(table, named.mapping, columns);
  return ExternalRows.filled(parts, columns, async (rows) => {
    const sources: DataSource[] = [];
    for (const address of table.connections) {
      const before = sources.length;
      const source = sourceOf(address);
      for await (const { source: file, bytes } of source.below?.('', signal) ?? [])
        if (bytes !== 0) requireFewFiles(sources.push(file));
      if (sources.length === before) requireFewFiles(sources.push(source));
    }
    const ignoreFirstRecord = table.properties['includeHeaders'] !== undefined;
    await rows.add({ sources, columns, format, mapping, ignoreFirstRecord, signal });
  });
}

async function openDelta(
  parts: ExternalTableParts,
  { place, columns, sources }: InlineExternalTable,
  asked: ExternalTableRequest,
  sourceOf: (address: string) => DataSource,
): Promise<OpenTable> {
  if (columns !== undefined) return openDeltaTable(parts, asked, (schema) => requireColumns(columns, schema));
  const { schema } = await readDeltaTable(parts, sourceOf(sources[0] ?? ''), asked.signal);
  const told = inferredSchema(schema);
  throw new OpenSchema(place, [...told.columns, ...virtualColumns(told)]);
}

/** What numbers of the log may be read as beside their own type. */
const wider: Readonly<Partial<Record<KqlType, readonly KqlType[]>>> = {
  int: ['long', 'real', 'decimal'],
  long: ['real', 'decimal'],
};

/** @throws KqlError for a column that the table has not, or of another type */
function requireColumns(columns: readonly Column[], schema: DeltaSchema): void {
  for (const { name, type } of columns) {
    const own = schema.columns.find((column) => column.name === name);
    const shown = name.slice(0, 100);
    if (own === undefined)
      throw new KqlError('semantic', `inline_external_table: the Delta table has no column '${shown}'.`);
    if (own.type !== type && wider[own.type]?.includes(type) !== true)
      throw new KqlError(
        'semantic',
        `inline_external_table: the column '${shown}' of the Delta table is of type '${own.type}', not '${type}'.`,
      );
  }
}
