import type { QueuedBlob } from './queued-operations.ts';

/** Where blobs go whose metadata does not say. */
export interface BlobTarget {
  readonly database: string;
  readonly table?: string;
  readonly mapping?: string;
  readonly format?: string;
  readonly ignoreFirstRecord: boolean;
}

/** A table that nobody has named: it is not there, and its ingestion is refused for that. */
const noTable = ' ';

/** What is to become of a blob, by its metadata first. @see Azure Data Explorer "Event Grid data connection", ingestion properties
 * @param bytes as stored */
export function routedBlob(
  { name, address, bytes }: { readonly name: string; readonly address: string; readonly bytes: number },
  metadata: Readonly<Record<string, string>>,
  target: BlobTarget,
): QueuedBlob & { readonly database: string; readonly table: string } {
  const said = new Map(Object.entries(metadata).map(([key, value]) => [key.toLowerCase(), value]));
  const of = (key: string): string | undefined => said.get(key.toLowerCase()) || undefined;
  const raw = Number(of('rawSizeBytes'));
  const properties: Readonly<Record<string, string | undefined>> = {
    format: of('kustoDataFormat') ?? target.format,
    ingestionMappingReference: of('kustoIngestionMappingReference') ?? target.mapping,
    ignoreFirstRecord: of('kustoIgnoreFirstRecord') ?? String(target.ignoreFirstRecord),
    tags: of('kustoExtentTags'),
    creationTime: of('kustoCreationTime'),
  };
  return {
    ...{ name, address, rawBytes: Number.isSafeInteger(raw) && raw > 0 ? raw : bytes },
    database: of('kustoDatabase') ?? target.database,
    table: of('kustoTable') ?? target.table ?? noTable,
    properties: Object.fromEntries(
      Object.entries(properties).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  };
}
