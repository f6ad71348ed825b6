import type { BlobName } from '../../storage/blob-store.ts';
import type { ExtentRecord, TableRecord } from '../catalog/records.ts';

export interface ExportedExtent {
  /** Where the same bytes lie in the cluster's blob store. */
  readonly blob: BlobName;
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly length: number;
  /** JSON as the Azure Storage SDKs write it into the blob's metadata. */
  readonly encryptionData: string;
}

/** Extents to and from other people's readers and writers of the same sealed format. */
export interface ExtentExchange {
  export(extent: ExtentRecord): Promise<ExportedExtent>;
  import(
    table: TableRecord,
    sealed: { readonly bytes: AsyncIterable<Uint8Array>; readonly encryptionData: string },
  ): Promise<ExtentRecord>;
}
