import type { Base64Url } from '../../base/base64url.ts';
import type { Guid } from '../../base/guid.ts';
import type { BlobName } from '../../storage/blob-store.ts';

/** Where and how an extent is sealed: what a reader takes from here and never from the blob. */
export interface SealedExtent {
  readonly blob: BlobName;
  readonly dekId: Guid;
  readonly wrappedDek: Base64Url;
  /** The database whose own key wraps the DEK, inside the wrap of the cluster's. */
  readonly sealedFor?: Guid;
  readonly algorithm: string;
  readonly regionBytes: number;
  readonly regions: number;
  /** Bytes of the Parquet file. */
  readonly length: number;
}

/** Nonce and tag of each region. */
const regionOverheadBytes = 28;
export const bytesAtRest = ({ length, regions }: SealedExtent): number => length + regions * regionOverheadBytes;
