import type { ExternalData } from '../../kql/plan/external-data.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { OpenTable } from '../../kql/query-request.ts';
import { DataError } from '../catalog/data-error.ts';
import type { SourceOf } from './data-source.ts';
import type { ExternalTableParts } from './external-rows.ts';
import { ExternalRows } from './external-rows.ts';
import { formatOfName, requireFormat } from './formats.ts';
import { parseMapping, requireFits } from './ingestion-mapping.ts';

export interface ExternalDataRequest {
  readonly data: ExternalData;
  /** That the query is of. */
  readonly database: string;
  readonly sourceOf: SourceOf;
  readonly signal: AbortSignal | undefined;
}

const knownProperties = ['format', 'ignorefirstrecord', 'ingestionmapping', 'ingestionmappingtype', 'zippattern'];

/** Reads sources to their end, into a table of the engine's memory that is there until the query is over. @throws DataError, KqlError */
export async function openExternalData(
  parts: ExternalTableParts,
  { data, database, sourceOf, signal }: ExternalDataRequest,
): Promise<OpenTable> {
  const { properties } = data;
  const unknown = Object.keys(properties).find((name) => !knownProperties.includes(name));
  if (unknown !== undefined)
    throw new KqlError('notSupported', `The property '${unknown.slice(0, 100)}' is not supported in externaldata.`);
  const columns = data.columns.map((column, index) => ({ ...column, columnId: index + 1 }));
  const rows = await ExternalRows.create(parts, columns);
  try {
    const sources = data.sources.map((address) => sourceOf(address, { usage: undefined, database }));
    const format = requireFormat(
      properties['format'] ?? properties['ingestionmappingtype'] ?? formatOfName(sources[0]?.name ?? '') ?? 'csv',
    );
    const text = properties['ingestionmapping'];
    const mapping = text === undefined ? undefined : parseMapping(format.mapping, text);
    if (mapping !== undefined) requireFits(mapping, columns);
    const zipPattern = properties['zippattern'];
    const ignoreFirstRecord = /^(true|1)$/i.test(properties['ignorefirstrecord'] ?? '');
    await rows.add({ sources, columns, format, mapping, ignoreFirstRecord, zipPattern, signal });
  } catch (error) {
    await rows.drop();
    throw saidOf('externaldata', error);
  }
  // What it read is all there is, whatever it is used for.
  const opened: OpenTable = { ...rows.opened(), again: () => Promise.resolve(opened) };
  return opened;
}

/** Whoever reads the refusal of a query learns which operator it is of. */
export const saidOf = (operator: string, error: unknown): unknown =>
  error instanceof DataError
    ? new DataError(error.code, `${operator}: ${error.message}`, error.position, error.malformed)
    : error;
