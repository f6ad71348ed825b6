import { invariant } from '../../base/invariant.ts';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { toBase64Url } from '../../base/base64url.ts';
import type { RandomBytes } from '../../base/random.ts';
import {
  EncryptionDataError,
  parseEncryptionData,
  wrapAlgorithm,
  writeEncryptionData,
} from '../../encryption/cse-v2/encryption-data.ts';
import { openedBytes, regionCount } from '../../encryption/cse-v2/format.ts';
import { sealAlgorithm } from '../../encryption/extent-files/sealed-extent.ts';
import { dataError } from '../../database/catalog/data-error.ts';
import type { ExtentRecord } from '../../database/catalog/records.ts';
import type { SealedExtent } from '../../database/catalog/sealed-extent.ts';
import { bytesAtRest } from '../../database/catalog/sealed-extent.ts';
import type { ExtentExchange } from '../../database/extents/extent-exchange.ts';
import type { ExtentFiles } from '../../database/extents/extent-files.ts';
import type { ExtentWriter } from '../../database/extents/extent-writer.ts';
import type { TableStore } from '../../database/extents/table-store.ts';
import { parquetColumns, parquetFileSelect } from '../../database/ingest/parquet-select.ts';
import type { BlobStore } from '../../storage/blob-store.ts';
import { parseBlobName } from '../../storage/blob-store.ts';

export interface ExtentExchangeParts {
  readonly clusterId: Guid;
  readonly generation: () => number;
  readonly blobs: BlobStore;
  readonly files: ExtentFiles;
  readonly writer: ExtentWriter;
  readonly tables: TableStore;
  readonly randomBytes: RandomBytes;
}

/** Names the DEK-wrapping key of a cluster in `encryptiondata`. */
export const dekWrappingKeyId = (clusterId: Guid, generation: number): string => `kustody:${clusterId}/${generation}`;
const library = 'Kustody';

/** Extents to and from others: bytes as they are at rest, and `encryptiondata` whose wrapped key the cluster's DEK-wrapping key opens. */
export function createExtentExchange(parts: ExtentExchangeParts): ExtentExchange {
  const { clusterId, generation, blobs, writer, tables } = parts;
  return {
    export({ sealed }) {
      if (sealed.sealedFor !== undefined)
        return Promise.reject(
          dataError(
            'DatabaseLocked',
            'The database has a key of its own, and the key of the cluster opens no extent of it.',
          ),
        );
      const keyId = dekWrappingKeyId(clusterId, generation());
      const wrappedKey = Buffer.from(sealed.wrappedDek, 'base64url');
      const encryptionData = writeEncryptionData(
        { keyId, wrapAlgorithm, wrappedKey, regionBytes: sealed.regionBytes },
        library,
      );
      return Promise.resolve({
        blob: sealed.blob,
        bytes: blobs.read(sealed.blob),
        length: bytesAtRest(sealed),
        encryptionData,
      });
    },

    /** What comes in is opened, read as Parquet and written anew: nothing of another writer is kept. */
    async import(table, { bytes, encryptionData }) {
      const dekId = newGuid(parts.randomBytes);
      const blob = parseBlobName(`${writer.prefix}/${dekId}`);
      invariant(blob !== undefined, 'a prefix and an id make a blob name');
      return writer.holding(blob, async () => {
        const sealed = await received(parts, { dekId, blob }, bytes, encryptionData);
        try {
          const opened = await parts.files.open(sealed).catch(() => {
            throw dataError('MalformedData', 'The sealed extent does not open with the key of this cluster.');
          });
          try {
            const record = await tables.withConnection(async (connection): Promise<ExtentRecord | undefined> => {
              const fields = await parquetColumns(connection, opened.path);
              const select = {
                sql: parquetFileSelect(opened.path, fields, table.columns, undefined, { asExtent: true }),
                bound: [],
              };
              const at = tables.parts.now();
              const facts = {
                tableId: table.tableId,
                originalBytes: sealed.length,
                minCreatedOn: at,
                maxCreatedOn: at,
                tags: [],
              };
              return writer.retried(async () => {
                const written = await writer.write(connection, select, table, facts, at);
                if (written === undefined) return undefined;
                try {
                  await tables.parts.catalog.change((draft) => {
                    tables.current(draft, table);
                    draft.put(writer.recordNow(written));
                  });
                } finally {
                  writer.settled(written);
                }
                return written.record;
              });
            });
            if (record === undefined) throw dataError('MalformedData', 'The extent has no rows.');
            return record;
          } finally {
            opened.release();
          }
        } finally {
          await parts.files.forget(sealed);
          await blobs.delete(sealed.blob);
        }
      });
    },
  };
}

/** Puts what came in among the blobs, for as long as it is read; a crash leaves garbage that is collected. */
async function received(
  { blobs }: ExtentExchangeParts,
  { dekId, blob }: Pick<SealedExtent, 'dekId' | 'blob'>,
  bytes: AsyncIterable<Uint8Array>,
  text: string,
): Promise<SealedExtent> {
  let data: ReturnType<typeof parseEncryptionData>;
  try {
    data = parseEncryptionData(text);
  } catch (error) {
    throw error instanceof EncryptionDataError ? dataError('MalformedData', error.message) : error;
  }
  const { length: sealedLength } = await blobs.write(blob, bytes);
  const { regionBytes } = data;
  const length = openedBytes(sealedLength, regionBytes);
  if (length === undefined) {
    await blobs.delete(blob);
    throw dataError('MalformedData', 'The sealed bytes have a length that no extent has.');
  }
  return {
    blob,
    dekId,
    wrappedDek: toBase64Url(data.wrappedKey),
    algorithm: sealAlgorithm,
    regionBytes,
    regions: regionCount({ regionBytes, length }),
    length,
  };
}
