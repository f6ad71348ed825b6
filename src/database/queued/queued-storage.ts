import type { Instant } from '../../clock/clock.ts';
import type { StorageKeysRecord } from '../catalog/queued-records.ts';
import type { TableStore } from '../extents/table-store.ts';
import type { IngestService } from '../ingest/ingest-service.ts';
import type { IngestPorts } from './ingest-queue.ts';
import { IngestQueue } from './ingest-queue.ts';
import { BlobWatches } from './blob-watches.ts';
import { MessageQueues } from './message-queues.ts';
import { QueuedOperations } from './queued-operations.ts';
import type { QueuedParts } from './queued-parts.ts';
import { StagedBlobs } from './staged-blobs.ts';
import { StatusEntities } from './status-entities.ts';
import { ensureStorageKeys, storageKeysOf } from './storage-keys.ts';

/** The storage accounts of a cluster, and how their content becomes rows. */
export interface QueuedStorage {
  readonly blobs: StagedBlobs;
  readonly messages: MessageQueues;
  readonly entities: StatusEntities;
  /** Blobs that commands have put into the queue. */
  readonly operations: QueuedOperations;
  /** Blobs that data connections have found. */
  readonly watches: BlobWatches;
  /** Undefined as long as nobody has asked where to put data. */
  keys(): StorageKeysRecord | undefined;
  ensureKeys(): Promise<StorageKeysRecord>;
  /** When a batch is due; undefined: nothing waits. */
  dueOn(): Instant | undefined;
  /** Ingests what is due. @throws CommitRefusedError */
  ingestDue(ports: IngestPorts): Promise<void>;
  /** Ingests all that waits, due or not. @returns how many messages came to their end @throws CommitRefusedError */
  flush(ports: IngestPorts): Promise<number>;
  /** Removes what has been there too long. */
  expire(): Promise<void>;
}

export function createQueuedStorage(
  parts: QueuedParts & { readonly store: TableStore; readonly ingestion: Pick<IngestService, 'ingestFrom'> },
): QueuedStorage {
  const blobs = new StagedBlobs(parts);
  const withdrawn = (): void => queue.stopWithdrawn();
  const messages = new MessageQueues({ ...parts, withdrawn });
  const entities = new StatusEntities(parts);
  const operations = new QueuedOperations({ ...parts, messages, withdrawn });
  const watches = new BlobWatches({ ...parts, operations });
  const queue = new IngestQueue({ ...parts, blobs, messages, entities });
  return {
    ...{ blobs, messages, entities, operations, watches },
    keys: () => storageKeysOf(parts.catalog),
    ensureKeys: () => ensureStorageKeys(parts.catalog, parts.randomBytes),
    dueOn: () => queue.dueOn(),
    ingestDue: (ports) => queue.run(ports),
    flush: (ports) => queue.flush(ports),
    expire: async () => {
      await blobs.expire();
      await messages.expire();
      await entities.expire();
      await operations.expire();
    },
  };
}
