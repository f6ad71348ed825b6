import { toBase64Url } from '../../base/base64url.ts';
import type { CatalogWrite, SealedRecord } from './catalog-store.ts';
import type { CatalogSeal } from './catalog-seal.ts';
import { addElement, CatalogDamagedError, tagBytes } from './catalog-seal.ts';
import type { Rewrap } from './data-keys.ts';
import type { CatalogReader } from './image.ts';
import type { CatalogRecord } from './records.ts';
import { decodeRecord, encodeRecord } from './records.ts';

/** What is known of a stored record besides its content. */
export interface Entry {
  readonly version: number;
  /** Of the bytes only the tag. */
  readonly sealed: SealedRecord;
  readonly element: bigint;
}

export interface RewrappedRecords {
  readonly puts: ReadonlyMap<string, { readonly sealed: SealedRecord; readonly record: CatalogRecord }>;
  readonly sum: bigint;
}

export interface PlannedRewrap extends RewrappedRecords {
  readonly writes: readonly CatalogWrite[];
}

/** Of the bytes only the tag is kept: it is all that the sum needs. */
export function entryOf(seal: CatalogSeal, id: string, sealed: SealedRecord, version: number): Entry {
  const { generation, revision, bytes } = sealed;
  const tag = Buffer.from(bytes.subarray(Math.max(0, bytes.byteLength - tagBytes)));
  return { version, sealed: { generation, revision, bytes: tag }, element: seal.element(id, sealed) };
}

/** @throws CatalogDamagedError */
export function recordAt(id: string, plaintext: Buffer): CatalogRecord {
  const record = decodeRecord(plaintext);
  if (record.kind === 'head') throw new CatalogDamagedError(`the record ${id.slice(0, 2)} is a head`);
  return record;
}

/** Seals every record with `seal`, the keys in it wrapped anew. Log records stay as they are: they are sealed under the key of
 * their segment; only their share in the sum is another one. */
export function rewrapRecords(
  entries: ReadonlyMap<string, Entry>,
  image: Pick<CatalogReader, 'get'>,
  seal: CatalogSeal,
  rewrap: Rewrap,
): RewrappedRecords {
  const puts = new Map<string, { readonly sealed: SealedRecord; readonly record: CatalogRecord }>();
  let sum = 0n;
  const nonces = seal.nonces(entries.size).values();
  for (const [id, entry] of entries) {
    const before = image.get(id);
    let { sealed } = entry;
    if (before !== undefined) {
      const record = rewrappedRecord(before, rewrap);
      sealed = seal.seal(id, entry.sealed.revision + 1, encodeRecord(record), nonces.next().value);
      puts.set(id, { sealed, record });
    }
    sum = addElement(sum, seal.element(id, sealed));
  }
  return { puts, sum };
}

function rewrappedRecord(record: CatalogRecord, rewrap: Rewrap): CatalogRecord {
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');
  if (record.kind === 'extent') {
    const { sealed } = record;
    return { ...record, sealed: { ...sealed, wrappedDek: toBase64Url(rewrap.dek(bytes(sealed.wrappedDek))) } };
  }
  if (record.kind !== 'segment') return record;
  return { ...record, wrappedKey: toBase64Url(rewrap.segmentKey(bytes(record.wrappedKey))) };
}
