import type { NoteOperation } from '../catalog/data-operations.ts';
import type { TableStore } from '../extents/table-store.ts';
import type { Format } from './formats.ts';
import type { IngestRequest } from './ingest-request.ts';

/** What the commit tells of itself. */
export interface Noted {
  readonly note: NoteOperation;
}

/** Reading data begins. What is streamed becomes an extent at once where it is long; else when the log does. */
export function beginRead(
  { parts: { operations } }: TableStore,
  { kind, by }: Partial<Pick<IngestRequest, 'kind' | 'by'>>,
  { name }: Format,
  streams: number,
): NoteOperation {
  if (kind === 'streaming') return operations.begin('RowStoreSeal', by);
  const properties = { Format: name.charAt(0).toUpperCase() + name.slice(1), NumberOfInputStreams: streams };
  return operations.begin('BatchIngest', by, properties);
}
