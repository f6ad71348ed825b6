import type { Guid } from '../../../base/guid.ts';
import { malformedData } from '../../../database/catalog/data-error.ts';
import type { DataSource } from '../../../database/ingest/data-source.ts';
import type { QueuedSource } from '../../../database/queued/ingest-queue.ts';
import { IngestionRefusal } from '../../../database/queued/ingestion-refusal.ts';
import type { QueuedStorage } from '../../../database/queued/queued-storage.ts';
import { lengthOf } from '../../../database/queued/staged-blobs.ts';
import { accountNames, blobAddressOf } from '../../../database/queued/storage-accounts.ts';
import { checkSas } from './sas.ts';

/** The blob that a message names, if its address is signed for reading. What is signed for a time counts as of when the message was sent, since
 * a message may wait for the cluster's key longer than any signature holds.
 * @throws IngestionRefusal for what is in no account of the cluster: nothing else is read here */
export function queuedSource(storage: QueuedStorage, clusterId: Guid, blobPath: string, sentOn: number): QueuedSource {
  const at = blobAddressOf(clusterId, blobPath);
  const account = at && accountNames(clusterId)[at.account];
  const key = at && storage.keys()?.accounts[at.account];
  if (at === undefined || account === undefined || key === undefined)
    throw new IngestionRefusal(
      'Download_NotTransient',
      'Queued ingestion from blobs outside of the storage of the cluster is not built in Kustody.',
    );
  const resource = { service: 'blob', account, name: at.container } as const;
  const verdict = checkSas(Buffer.from(key, 'base64url'), resource, new URL(blobPath).searchParams, sentOn);
  if (verdict.outcome !== 'granted' || !verdict.permissions.includes('r'))
    throw new IngestionRefusal('Download_Forbidden', 'The address of the blob is not signed for reading.');
  const blob = storage.blobs.find(at);
  const isZipped = blob?.contentEncoding?.toLowerCase().includes('gzip') === true && !/\.gz$/i.test(at.name);
  const source: DataSource = {
    name: `${blobPath.split(/[?;]/)[0] ?? ''}${isZipped ? '.gz' : ''}`,
    open: () => {
      const found = storage.blobs.find(at);
      if (found === undefined)
        return Promise.reject(new IngestionRefusal('Download_SourceNotFound', 'The blob is not there.'));
      if (lengthOf(found) === 0) return Promise.reject(malformedData('BadRequest_EmptyBlob', 'The blob is empty'));
      return Promise.resolve({ bytes: lengthOf(found), stream: storage.blobs.read(found) });
    },
  };
  return { blob, source };
}
