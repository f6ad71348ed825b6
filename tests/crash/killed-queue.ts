import {
  accountNames,
  blobAddressOf,
  containerNames,
  storageHost,
} from '../../src/database/queued/storage-accounts.ts';
import type { IngestPorts } from '../../src/database/queued/ingest-queue.ts';
import type { QueuedStorage } from '../../src/database/queued/queued-storage.ts';
import type { KilledCluster } from './killed-cluster.ts';
import { clusterId } from './killed-cluster.ts';

const container = `https://${storageHost(accountNames(clusterId)[0] ?? '', 'blob')}/${containerNames.ingest}`;
const blobOf = (name: string): string => `${container}/db__${encodeURIComponent(name)}.csv`;

// eslint-disable-next-line @typescript-eslint/require-await -- a stream of one piece
async function* inOnePiece(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** As a client does: the blob, then the message. It is acknowledged when both are durable. */
export async function enqueue(cluster: KilledCluster, name: string, table: string, rows: string): Promise<void> {
  const { queued } = await cluster.data();
  await queued.ensureKeys();
  const path = blobOf(name);
  const at = blobAddressOf(clusterId, path);
  if (at === undefined) throw new Error(`${path} is no address`);
  await queued.blobs.put(at, inOnePiece(rows), { contentType: 'text/csv' });
  const message = {
    ...{ Id: crypto.randomUUID(), BlobPath: path, DatabaseName: 'db', TableName: table },
    ...{ FlushImmediately: true, RetainBlobOnSuccess: false, AdditionalProperties: { format: 'csv' } },
  };
  const text = Buffer.from(JSON.stringify(message)).toString('base64');
  await queued.messages.put({ account: 0, queue: 'ready' }, text, { sentOn: 0 });
}

/** Makes rows of all that is in the queue. */
export async function ingestQueue(cluster: KilledCluster): Promise<void> {
  const { queued } = await cluster.data();
  await queued.ingestDue(portsOf(queued));
}

const portsOf = (queued: QueuedStorage): IngestPorts => ({
  signal: new AbortController().signal,
  uploader: () => Promise.resolve({ fqn: 'aadapp=a', displayName: '', requireDatabase: (name) => name }),
  source: (blobPath) => {
    const at = blobAddressOf(clusterId, blobPath);
    const blob = at && queued.blobs.find(at);
    if (blob === undefined) throw new Error('a message is there without its blob');
    const stream = () => Promise.resolve({ bytes: undefined, stream: queued.blobs.read(blob) });
    return { blob, source: { name: blobPath, open: stream } };
  },
  failed: (error) => {
    throw error;
  },
});

/** Of these, so many are there that no message names any more: their sender was killed in between, or they wait. */
export async function stagedOf(cluster: KilledCluster, names: readonly string[]): Promise<number> {
  const { queued } = await cluster.data();
  return names.filter((name) => {
    const at = blobAddressOf(clusterId, blobOf(name));
    return at !== undefined && queued.blobs.find(at) !== undefined;
  }).length;
}
