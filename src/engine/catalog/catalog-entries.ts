import { toBase64Url } from '../../base/base64url.ts';
import type { SealedRecord } from './catalog-store.ts';
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
  /** All of them, as they are known once the change is committed. */
  readonly entries: Map<string, Entry>;
  readonly puts: ReadonlyMap<string, { readonly sealed: SealedRecord; readonly record: CatalogRecord }>;
  readonly sum: bigint;
}

export interface PlannedRewrap extends RewrappedRecords {
  readonly head: SealedRecord;
}

/** Of the bytes only the tag is kept: it is all that the sum needs. */
export const entryOf = (seal: CatalogSeal, id: string, sealed: SealedRecord, version: number): Entry => ({
  version,
  sealed: tagOnly(sealed),
  element: seal.element(id, sealed),
});

function tagOnly({ generation, revision, bytes }: SealedRecord): SealedRecord {
  const tag = Buffer.from(bytes.subarray(Math.max(0, bytes.byteLength - tagBytes)));
  return { generation, revision, bytes: tag };
}

/** @throws CatalogDamagedError */
export function recordAt(id: string, plaintext: Buffer): CatalogRecord {
  const record = decodeRecord(plaintext);
  if (record.kind === 'head') throw new CatalogDamagedError(`the record ${id.slice(0, 2)} is a head`);
  return record;
}

/** Seals every record with `seal`, the keys in it wrapped anew. Log records stay as they are: they are sealed under the key of
 * their segment; only their share in the sum is another one. Nobody has seen the versions of what is written beside. */
export function rewrapRecords(
  {
    entries,
    image,
  }: {
    readonly entries: ReadonlyMap<string, Entry>;
    readonly image: Pick<CatalogReader, 'get'>;
  },
  seal: CatalogSeal,
  rewrap: Rewrap,
): RewrappedRecords {
  const after = new Map<string, Entry>();
  const puts = new Map<string, { readonly sealed: SealedRecord; readonly record: CatalogRecord }>();
  let sum = 0n;
  const nonces = seal.nonces(entries.size).values();
  for (const [id, entry] of entries) {
    const before = image.get(id);
    if (before === undefined) {
      const element = seal.element(id, entry.sealed);
      after.set(id, { ...entry, element, version: 0 });
      sum = addElement(sum, element);
      continue;
    }
    const record = rewrappedRecord(before, rewrap);
    const sealed = seal.seal(id, entry.sealed.revision + 1, encodeRecord(record), nonces.next().value);
    puts.set(id, { sealed, record });
    const known = entryOf(seal, id, sealed, 0);
    after.set(id, known);
    sum = addElement(sum, known.element);
  }
  return { entries: after, puts, sum };
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
