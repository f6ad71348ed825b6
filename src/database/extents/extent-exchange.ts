import type { ExportedExtent } from '../catalog/cluster-data.ts';
import type { ExtentRecord, TableRecord } from '../catalog/records.ts';

/** Extents to and from other people's readers and writers of the same sealed format. */
export interface ExtentExchange {
  export(extent: ExtentRecord): Promise<ExportedExtent>;
  import(
    table: TableRecord,
    sealed: { readonly bytes: AsyncIterable<Uint8Array>; readonly encryptionData: string },
  ): Promise<ExtentRecord>;
}
