import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { DataError } from '../catalog/data-error.ts';
import { ofKind } from '../catalog/image.ts';
import type { MessageRecord, QueuedItemRecord, QueuedOperationRecord, WatchRecord } from '../catalog/queued-records.ts';
import { recordId } from '../catalog/records.ts';
import { writeIngestionMessage } from './ingestion-message.ts';
import type { MessageQueues } from './message-queues.ts';
import type { QueuedParts } from './queued-parts.ts';
import { keptMs } from './queued-parts.ts';

/** A blob of the user's that is to be ingested. */
export interface QueuedBlob {
  /** With what it is read with. */
  readonly address: string;
  /** The same for people. */
  readonly name: string;
  /** Of the data, not compressed, as far as anybody knows. */
  readonly rawBytes: number | undefined;
  /** Properties of its own, beside those of all. */
  readonly properties: Readonly<Record<string, string>>;
  /** Of its own. Absent: as the others. */
  readonly database?: string;
  readonly table?: string;
}

export interface QueuedBlobs {
  readonly database: string;
  readonly table: string;
  readonly blobs: readonly QueuedBlob[];
  /** Ingestion properties, as clients send them. */
  readonly properties: Readonly<Record<string, string>>;
  /** Nobody asks how far they are, unless it is so. */
  readonly isTracked: boolean;
  /** Each becomes an extent of its own. */
  readonly isAlone: boolean;
  /** What is kept in the same commit. */
  readonly also?: readonly WatchRecord[];
}

/** How far blobs are that one command has put into the queue. */
export interface QueuedOperationView {
  readonly operation: QueuedOperationRecord;
  readonly items: readonly QueuedItemRecord[];
}

/** Of one command. */
export const queuedBlobsMax = 5_000;
/** Of all that are followed. */
const itemsMax = 20_000;

interface QueuedOperationsParts extends QueuedParts {
  readonly messages: MessageQueues;
  /** Told when messages may have been taken out of the queue by somebody else than who makes rows of them. */
  readonly withdrawn: () => void;
}

/** Blobs that commands have put into the queue, where the messages of clients wait, too. All blobs of a command come into the queue in one commit
 * with what is kept to follow them, or none does. What came of a blob is in the commit with its rows, or with its failure. */
export class QueuedOperations {
  readonly #parts: QueuedOperationsParts;

  constructor(parts: QueuedOperationsParts) {
    this.#parts = parts;
  }

  /** Durable when it resolves. @param by whose rights count, as a token; `sentOn`: on the wall clock
   * @throws DataError `PayloadTooLarge` when the queue has no room */
  async begin(asked: QueuedBlobs, by: { readonly identity: string; readonly sentOn: number }): Promise<Guid> {
    const { catalog, now, randomBytes, messages } = this.#parts;
    const operationId = newGuid(randomBytes);
    const { database, table, isTracked, isAlone } = asked;
    const at = now();
    const put = asked.blobs.map((blob): MessageRecord => {
      const messageId = newGuid(randomBytes);
      const text = writeIngestionMessage({
        ...{ id: messageId, blobPath: blob.address, rawDataBytes: blob.rawBytes },
        ...{ database: blob.database ?? database, table: blob.table ?? table },
        ...{ properties: { ...asked.properties, ...blob.properties }, identity: by.identity },
      });
      return {
        ...{ kind: 'message', messageId, account: 0, queue: 'ready', text, insertedOn: at, expiresOn: at + keptMs },
        sentOn: by.sentOn,
        ...(isAlone ? { isAlone } : {}),
      };
    });
    const units = put.reduce((sum, { text }) => sum + text.length, 0);
    const old = isTracked ? this.#oldest(put.length) : [];
    if (old === undefined || !messages.hasRoom('ready', put.length, units))
      throw new DataError(
        'PayloadTooLarge',
        `The queue of the cluster has no room for ${put.length} more blobs now. Try again when others are ingested.`,
      );
    await catalog.change((draft) => {
      for (const record of old) draft.delete(recordId(record));
      for (const record of [...put, ...(asked.also ?? [])]) draft.put(record);
      if (!isTracked) return;
      draft.put({ kind: 'queuedOperation', operationId, database, table, startedOn: at });
      for (const [index, { messageId }] of put.entries())
        draft.put({ kind: 'queuedItem', messageId, operationId, source: asked.blobs[index]?.name ?? '' });
    });
    return operationId;
  }

  /** @returns undefined for one that is not followed, or was too long ago */
  find(operationId: Guid): QueuedOperationView | undefined {
    const found = this.#parts.catalog.image.get(`q/${operationId}`);
    return found?.kind === 'queuedOperation' ? { operation: found, items: this.#itemsOf(operationId) } : undefined;
  }

  /** Takes those out of the queue that wait; the reading of one ends, and comes to nothing. */
  async cancel(operationId: Guid): Promise<void> {
    const { catalog, now, withdrawn } = this.#parts;
    await catalog.change((draft) => {
      const operation = draft.get(`q/${operationId}`);
      if (operation?.kind !== 'queuedOperation') return;
      let isOver = true;
      for (const { messageId } of this.#itemsOf(operationId)) {
        const item = draft.get(`i/${messageId}`);
        if (item?.kind !== 'queuedItem' || item.ended !== undefined) continue;
        draft.delete(`m/${messageId}`);
        draft.put({ ...item, ended: { state: 'Canceled', on: now(), why: '' } });
        isOver = false;
      }
      if (!isOver) draft.put({ ...operation, canceledOn: now() });
    });
    withdrawn();
  }

  /** Removes what was begun too long ago, so many a commit: what is followed last goes with its operation. */
  async expire(): Promise<void> {
    const { catalog, now } = this.#parts;
    const old = this.#all().filter(({ startedOn }) => startedOn + keptMs <= now());
    const records = old.flatMap((one) => [...this.#itemsOf(one.operationId), one]);
    for (let at = 0; at < records.length; at += 1_000)
      await catalog.change((draft) => {
        for (const record of records.slice(at, at + 1_000)) draft.delete(recordId(record));
      });
  }

  /** Operations that have ended and go, so that there is room for more. @returns undefined: there is none all the same */
  #oldest(more: number): (QueuedItemRecord | QueuedOperationRecord)[] | undefined {
    const all = this.#all().map((operation) => ({ operation, items: this.#itemsOf(operation.operationId) }));
    let over = all.reduce((sum, { items }) => sum + items.length, 0) + more - itemsMax;
    const gone: (QueuedItemRecord | QueuedOperationRecord)[] = [];
    for (const { operation, items } of all) {
      if (over <= 0) break;
      if (items.some(({ ended }) => ended === undefined)) continue;
      over -= items.length;
      gone.push(...items, operation);
    }
    return over <= 0 ? gone : undefined;
  }

  /** Oldest first. */
  #all(): QueuedOperationRecord[] {
    const { image } = this.#parts.catalog;
    return [...image.group('queuedOperation')]
      .flatMap((id) => ofKind(image.get(id), 'queuedOperation'))
      .sort((left, right) => left.startedOn - right.startedOn);
  }

  #itemsOf(operationId: Guid): QueuedItemRecord[] {
    const { image } = this.#parts.catalog;
    return [...image.group(`queuedItem/${operationId}`)].flatMap((id) => ofKind(image.get(id), 'queuedItem'));
  }
}
