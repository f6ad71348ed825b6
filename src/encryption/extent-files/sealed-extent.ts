import type { Base64Url } from '../../base/base64url.ts';
import { fromBase64Url, toBase64Url } from '../../base/base64url.ts';
import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { BlobName } from '../../storage/blob-store.ts';
import { parseBlobName } from '../../storage/blob-store.ts';
import { encryptionAlgorithm, protocolVersion, regionCount } from '../cse-v2/format.ts';
import { rewrapDek, twiceWrappedDekBytes, wrappedDekBytes } from '../cse-v2/wrapped-dek.ts';

/** What the sealed catalog keeps of an extent's bytes. A reader believes this, and nothing that the blob says. */
export interface SealedExtent {
  readonly blob: BlobName;
  /** One for each write attempt; also names the plaintext, since a DEK seals one blob only. */
  readonly dekId: Guid;
  /** 48 bytes, wrapped with the DEK-wrapping key of the cluster; or 56, when a database's own key wraps it first. */
  readonly wrappedDek: Base64Url;
  /** The database whose own key wraps the DEK, inside the wrap of the cluster's. */
  readonly sealedFor?: Guid;
  readonly algorithm: typeof sealAlgorithm;
  readonly regionBytes: number;
  readonly regions: number;
  /** Bytes of the Parquet file. */
  readonly length: number;
}

export const sealAlgorithm = `${encryptionAlgorithm}/${protocolVersion}` as const;

const regionBytesMax = 64 * 1024 * 1024;

/** For the parser of a catalog row.
 * @throws Error for what `SealedExtent` cannot be */
export function parseSealedExtent(value: Json): SealedExtent {
  const fields = isJsonObject(value) ? value : {};
  const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name] : '');
  const blob = parseBlobName(text('blob'));
  const dekId = parseGuid(text('dekId'));
  const wrappedDek = fromBase64Url(text('wrappedDek'));
  const sealedFor = parseGuid(text('sealedFor'));
  const { algorithm, regionBytes, regions, length } = fields;
  if (
    blob === undefined ||
    dekId === undefined ||
    wrappedDek?.length !== (sealedFor === undefined ? wrappedDekBytes : twiceWrappedDekBytes) ||
    algorithm !== sealAlgorithm
  ) {
    throw new Error('A sealed extent names its blob, its DEK and a known algorithm.');
  }
  if (!isCount(regionBytes, 16, regionBytesMax) || !isCount(length, 0, Number.MAX_SAFE_INTEGER)) {
    throw new Error('A sealed extent has a length and regions of 16 bytes to 64 MiB.');
  }
  if (regions !== regionCount({ regionBytes, length }))
    throw new Error('A sealed extent has as many regions as its length gives.');
  return {
    ...{ blob, dekId, wrappedDek: toBase64Url(wrappedDek), algorithm, regionBytes, regions, length },
    ...(sealedFor === undefined ? {} : { sealedFor }),
  };
}

/** The same extent under another DEK-wrapping key: for a change of custody. No byte of the blob changes.
 * @throws KeyUnwrapError */
export function rewrapExtent(extent: SealedExtent, old: Uint8Array, next: Uint8Array): SealedExtent {
  return { ...extent, wrappedDek: toBase64Url(rewrapDek(old, next, wrappedDekOf(extent))) };
}

export const wrappedDekOf = (extent: SealedExtent): Buffer => Buffer.from(extent.wrappedDek, 'base64url');

const isCount = (value: Json | undefined, least: number, most: number): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most;
