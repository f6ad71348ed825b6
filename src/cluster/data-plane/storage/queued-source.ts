import type { Guid } from '../../../base/guid.ts';
import { malformedData, sourceFailed } from '../../../database/catalog/data-error.ts';
import type { StagedBlobRecord } from '../../../database/catalog/queued-records.ts';
import type { OpenedSource, SourceOf, StorageUse } from '../../../database/ingest/data-source.ts';
import type { QueuedSource } from '../../../database/queued/ingest-queue.ts';
import type { QueuedStorage } from '../../../database/queued/queued-storage.ts';
import type { BlobAddress } from '../../../database/queued/staged-blobs.ts';
import { lengthOf } from '../../../database/queued/staged-blobs.ts';
import { accountNames, blobAddressOf } from '../../../database/queued/storage-accounts.ts';
import { checkSas } from './sas.ts';

const nameOf = (url: string): string => url.split(/[?;]/)[0] ?? '';

/** The blob that a message names: in an account of the cluster, if its address is signed for reading, else where `.ingest into` would read it.
 * What is signed for a time counts as of when the message was sent, since a message may wait for the cluster's key longer than any signature
 * holds. @throws DataError `SourceFailed` | `SourceNotAllowed` */
export function queuedSource(
  storage: QueuedStorage,
  about: { readonly clusterId: Guid; readonly elsewhere: SourceOf; readonly use: StorageUse },
  blobPath: string,
  sentOn: number,
): QueuedSource {
  const at = blobAddressOf(about.clusterId, blobPath);
  if (at === undefined) return { blob: undefined, source: about.elsewhere(blobPath, about.use) };
  const blob = signedBlob(storage, about.clusterId, at, blobPath, sentOn);
  const isZipped = blob?.contentEncoding?.toLowerCase().includes('gzip') === true && !/\.gz$/i.test(at.name);
  const name = `${nameOf(blobPath)}${isZipped ? '.gz' : ''}`;
  return { blob, source: { name, open: () => openedBlob(storage, at) } };
}

/** Sources that commands, queries and streaming ingestion name: blobs in the accounts of the cluster are read here, all else by `elsewhere`.
 * @param wallClock signatures end by it */
export const ownBlobsOr =
  (
    elsewhere: SourceOf,
    ports: {
      readonly clusterId: Guid;
      readonly storage: () => Promise<QueuedStorage>;
      readonly wallClock: () => number;
    },
  ): SourceOf =>
  (address, use) => {
    const at = blobAddressOf(ports.clusterId, address);
    if (at === undefined) return elsewhere(address, use);
    const open = async (): Promise<OpenedSource> => {
      const storage = await ports.storage();
      signedBlob(storage, ports.clusterId, at, address, ports.wallClock());
      return openedBlob(storage, at);
    };
    return { name: nameOf(address), open };
  };

/** @returns undefined: nobody has put it there, or it is gone. @throws DataError `SourceFailed` for an address that is not signed for reading */
function signedBlob(
  storage: QueuedStorage,
  clusterId: Guid,
  at: BlobAddress,
  url: string,
  when: number,
): StagedBlobRecord | undefined {
  const [account, key] = [accountNames(clusterId)[at.account], storage.keys()?.accounts[at.account]];
  const verdict =
    account === undefined || key === undefined
      ? undefined
      : checkSas(
          Buffer.from(key, 'base64url'),
          { service: 'blob', account, name: at.container },
          new URL(url).searchParams,
          when,
        );
  if (verdict?.outcome !== 'granted' || !verdict.permissions.includes('r'))
    throw sourceFailed('Download_Forbidden', 'The address of the blob is not signed for reading.');
  return storage.blobs.find(at);
}

function openedBlob(storage: QueuedStorage, at: BlobAddress): Promise<OpenedSource> {
  const found = storage.blobs.find(at);
  if (found === undefined) return Promise.reject(sourceFailed('Download_SourceNotFound', 'The blob is not there.'));
  if (lengthOf(found) === 0) return Promise.reject(malformedData('BadRequest_EmptyBlob', 'The blob is empty'));
  return Promise.resolve({ bytes: lengthOf(found), stream: storage.blobs.read(found) });
}
