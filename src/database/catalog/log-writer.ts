import type { SealedRecord } from './catalog-store.ts';
import type { DataKeys } from './data-keys.ts';
import type { CatalogDraft } from './catalog-draft.ts';

/** Turns the rows that a group of changes adds into log records; see the log of small writes. */
export interface LogWriter {
  /** @param draft gets the segment records */
  prepare(draft: CatalogDraft, keys: DataKeys): PreparedLog;
}

export interface PreparedLog {
  readonly writes: ReadonlyMap<string, SealedRecord>;
  /** The records are durable: their rows may be read. */
  committed(): void;
  /** They are not, or nobody knows. */
  failed(): void;
}
