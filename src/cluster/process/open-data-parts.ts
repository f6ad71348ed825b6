import type { Instant } from '../../clock/clock.ts';
import { processorsUsed } from '../../clock/host-time.ts';
import { ExtentFiles } from '../../encryption/extent-files/extent-files.ts';
import { DoublySealedBlobs } from '../../encryption/infrastructure/doubly-sealed-blobs.ts';
import type { SecondLayer } from '../../encryption/infrastructure/infrastructure-key.ts';
import type { BlobStore } from '../../storage/blob-store.ts';
import type { OpenedClusterData } from '../../database/open-cluster-data.ts';
import { openClusterData } from '../../database/open-cluster-data.ts';
import type { ProcessDataKeys } from './data-keys.ts';
import type { DataHolderOptions } from './data-holder.ts';
import type { DataParts } from './data-parts.ts';
import { createExtentExchange } from './extent-exchange.ts';

export interface OpenDataOptions extends Pick<
  DataHolderOptions,
  'clusterId' | 'randomBytes' | 'databaseKeys' | 'store' | 'pause'
> {
  readonly parts: DataParts;
  readonly keys: ProcessDataKeys;
  /** The keys of now: a change of custody brings others. */
  readonly wrappingKeys: () => ProcessDataKeys;
  readonly now: () => Instant;
}

/** Puts together what serves the data of a cluster: sealed files, engine, catalog. @throws CatalogDamagedError */
export async function openDataParts(
  options: OpenDataOptions,
): Promise<{ readonly data: OpenedClusterData; readonly files: ExtentFiles }> {
  const { clusterId, randomBytes, databaseKeys, store, pause, keys, parts, wrappingKeys, now } = options;
  const { blobs, engine, queries, endpoint, cacheBytesMax, openBytesMax, hot, memoryDirectory, extentsPerPage } = parts;
  const files = new ExtentFiles({
    ...{ randomBytes, cacheBytesMax, openBytesMax },
    store: blobs,
    ...(memoryDirectory === undefined ? {} : { directory: memoryDirectory }),
    withDekWrappingKey: (use) => wrappingKeys().withDekWrappingKey(use),
    withDatabaseKey: (databaseId, use) => databaseKeys.lend(databaseId, 'dekWrapping', use),
  });
  const data = await openClusterData({
    ...{ clusterId, endpoint, keys, store, blobs, files, engine, queries, randomBytes, pause, now, processorsUsed },
    ...(hot === undefined ? {} : { hot }),
    ...(extentsPerPage === undefined ? {} : { extentsPerPage }),
    exchange: ({ keys: current, ...rest }) =>
      createExtentExchange({
        ...{ clusterId, blobs, files, randomBytes },
        generation: () => current().generation,
        ...rest,
      }),
  });
  return { data, files };
}

/** Under the second layer of a cluster that has one. */
export const twice = (blobs: BlobStore, layer: SecondLayer | undefined): BlobStore =>
  layer === undefined ? blobs : new DoublySealedBlobs(blobs, layer);
