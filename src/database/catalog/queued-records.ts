import type { Guid } from '../../base/guid.ts';
import type { SealedExtent } from './sealed-extent.ts';

/** What queued ingestion keeps in the catalog: what clients have put into the storage accounts of the cluster, and what they are told
 * there. Times are milliseconds on the Kustody clock. */
export type QueuedRecord =
  | StorageKeysRecord
  | StagedBlobRecord
  | StagedBlockRecord
  | MessageRecord
  | EntityRecord
  | QueuedOperationRecord
  | QueuedItemRecord
  | WatchRecord;

/** Made when somebody first asks where to put data. */
export interface StorageKeysRecord {
  readonly kind: 'storageKeys';
  /** Base64url, 512 bits, in the order of the accounts: what signatures of their addresses are checked with. */
  readonly accounts: readonly string[];
  /** Base64url, 256 bits: what says who uploads. */
  readonly identity: string;
}

/** A blob, or a block that is part of none yet. Its bytes are sealed, in pieces, as extents are. */
interface StagedBytes {
  readonly account: number;
  readonly container: string;
  readonly name: string;
  readonly pieces: readonly SealedExtent[];
  readonly createdOn: number;
}

export interface StagedBlobRecord extends StagedBytes {
  readonly kind: 'stagedBlob';
  readonly blobId: Guid;
  readonly contentType: string;
  readonly contentEncoding?: string;
  /** Its rows are in a table; it stays because its sender asked for that. */
  readonly ingestedOn?: number;
}

export interface StagedBlockRecord extends StagedBytes {
  readonly kind: 'stagedBlock';
  readonly recordId: Guid;
  /** As the client names it, base64. */
  readonly blockId: string;
}

export const queueNames = ['ready', 'failed', 'successful'] as const;
/** `ready`: what is to be ingested · `failed`, `successful`: what came of it. */
export type QueueName = (typeof queueNames)[number];

export interface MessageRecord {
  readonly kind: 'message';
  readonly messageId: Guid;
  readonly account: number;
  readonly queue: QueueName;
  readonly text: string;
  readonly insertedOn: number;
  readonly expiresOn: number;
  /** On the wall clock, which addresses with a signature end by. */
  readonly sentOn: number;
  /** How often its ingestion was begun by a process that has not brought it to an end. Absent: never. */
  readonly attempts?: number;
  /** It shares no extent with others. */
  readonly isAlone?: true;
}

/** A row of the table of statuses. */
export interface EntityRecord {
  readonly kind: 'entity';
  readonly entityId: Guid;
  readonly account: number;
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly createdOn: number;
  readonly updatedOn: number;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
}

/** Blobs that one command has put into the queue, and that are followed. */
export interface QueuedOperationRecord {
  readonly kind: 'queuedOperation';
  readonly operationId: Guid;
  readonly database: string;
  readonly table: string;
  readonly startedOn: number;
  readonly canceledOn?: number;
}

export type QueuedItemState = 'Succeeded' | 'Failed' | 'Canceled';

/** One of those blobs. */
export interface QueuedItemRecord {
  readonly kind: 'queuedItem';
  /** Of the message that brings it. */
  readonly messageId: Guid;
  readonly operationId: Guid;
  /** Where it lies, without what it is read with. */
  readonly source: string;
  /** Absent: it waits, or is being read. */
  readonly ended?: { readonly state: QueuedItemState; readonly on: number; readonly why: string };
}

/** What of watched storage has come into the queue. */
export interface WatchRecord {
  readonly kind: 'watch';
  /** A digest of the id of the connection. */
  readonly watchId: string;
  /** When the connection was made. */
  readonly createdOn: number;
  /** What was modified before is settled. Milliseconds on the clock of the storage, as all of these. */
  readonly floor: number;
  /** Digests of what was modified since and has come. */
  readonly seen: readonly { readonly key: string; readonly modifiedOn: number }[];
}

export const queuedKinds = [
  'storageKeys',
  'stagedBlob',
  'stagedBlock',
  'message',
  'entity',
  'queuedOperation',
  'queuedItem',
  'watch',
] as const satisfies readonly QueuedRecord['kind'][];

export const storageKeysId = 'k/storage';

export const queuedItemId = (messageId: Guid): string => `i/${messageId}`;

export function queuedRecordId(record: QueuedRecord): string {
  switch (record.kind) {
    case 'storageKeys':
      return storageKeysId;
    case 'stagedBlob':
      return `b/${record.blobId}`;
    case 'stagedBlock':
      return `c/${record.recordId}`;
    case 'message':
      return `m/${record.messageId}`;
    case 'entity':
      return `n/${record.entityId}`;
    case 'queuedOperation':
      return `q/${record.operationId}`;
    case 'queuedItem':
      return queuedItemId(record.messageId);
    case 'watch':
      return `u/${record.watchId}`;
  }
}

export const isQueued = (record: { readonly kind: string }): record is QueuedRecord =>
  (queuedKinds as readonly string[]).includes(record.kind);

/** The group that a record is listed in. */
export function queuedGroup(record: QueuedRecord): string | undefined {
  switch (record.kind) {
    case 'storageKeys':
      return undefined;
    case 'stagedBlob':
    case 'stagedBlock':
    case 'entity':
    case 'queuedOperation':
    case 'watch':
      return record.kind;
    case 'queuedItem':
      return `queuedItem/${record.operationId}`;
    case 'message':
      return `message/${record.queue}`;
  }
}
