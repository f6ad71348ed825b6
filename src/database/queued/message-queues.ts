import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { ofKind } from '../catalog/image.ts';
import type { MessageRecord, QueueName } from '../catalog/queued-records.ts';
import type { QueuedParts } from './queued-parts.ts';
import { keptMs } from './queued-parts.ts';
import { StorageRefusal } from './storage-refusal.ts';

/** UTF-16 units of one message, as Azure's queues have it in bytes. */
const textMax = 65_536;
/** Of one queue. */
const messagesMax = 10_000;
const unitsMax = 64 * 1024 * 1024;

export interface QueueAddress {
  readonly account: number;
  readonly queue: QueueName;
}

/** A message that somebody has taken out of a queue for a while. */
export interface TakenMessage {
  readonly message: MessageRecord;
  readonly popReceipt: string;
  readonly nextVisibleOn: number;
  readonly dequeueCount: number;
}

interface Hidden {
  readonly popReceipt: string;
  readonly untilMs: number;
  readonly count: number;
}

interface MessageQueuesParts extends QueuedParts {
  /** Told when a client has taken a message away for good. */
  readonly withdrawn: () => void;
}

/** The queues of the storage accounts. Messages are records; who has taken one for a while stands in memory, so after a restart it is there
 * for all again, as it would be a little later. */
export class MessageQueues {
  readonly #parts: MessageQueuesParts;
  readonly #hidden = new Map<Guid, Hidden>();

  constructor(parts: MessageQueuesParts) {
    this.#parts = parts;
  }

  /** Durable when it resolves. @param sentOn on the wall clock
   * @throws StorageRefusal `MessageTooLarge` | `ServerBusy` */
  async put(
    at: QueueAddress,
    text: string,
    how: { readonly ttlMs?: number; readonly sentOn: number },
  ): Promise<TakenMessage> {
    const { catalog, randomBytes, now } = this.#parts;
    if (text.length > textMax) throw new StorageRefusal('MessageTooLarge');
    if (!this.hasRoom(at.queue, 1, 1)) throw new StorageRefusal('ServerBusy');
    const message: MessageRecord = {
      ...{ kind: 'message', messageId: newGuid(randomBytes), ...at, text, insertedOn: now(), sentOn: how.sentOn },
      expiresOn: now() + Math.min(how.ttlMs ?? keptMs, keptMs),
    };
    await catalog.change((draft) => draft.put(message));
    return { message, popReceipt: this.#newReceipt(), nextVisibleOn: message.insertedOn, dequeueCount: 0 };
  }

  /** For so many messages, of so many UTF-16 units together. */
  hasRoom(queue: QueueName, count: number, units: number): boolean {
    const all = this.of(queue);
    return all.length + count <= messagesMax && all.reduce((sum, one) => sum + one.text.length, 0) + units <= unitsMax;
  }

  /** Oldest first, without those whose time is over. */
  of(queue: QueueName): MessageRecord[] {
    const { catalog, now } = this.#parts;
    return [...catalog.image.group(`message/${queue}`)]
      .flatMap((id) => ofKind(catalog.image.get(id), 'message'))
      .filter(({ expiresOn }) => expiresOn > now())
      .sort((left, right) => left.insertedOn - right.insertedOn);
  }

  peek(at: QueueAddress, count: number): TakenMessage[] {
    return this.#visible(at)
      .slice(0, count)
      .map((message) => ({
        ...{ message, popReceipt: '', nextVisibleOn: 0 },
        dequeueCount: this.#hidden.get(message.messageId)?.count ?? 0,
      }));
  }

  take(at: QueueAddress, count: number, visibilityMs: number): TakenMessage[] {
    const untilMs = this.#parts.now() + visibilityMs;
    return this.#visible(at)
      .slice(0, count)
      .map((message) => {
        const { messageId } = message;
        const hidden: Hidden = {
          ...{ popReceipt: this.#newReceipt(), untilMs },
          count: (this.#hidden.get(messageId)?.count ?? 0) + 1,
        };
        this.#hidden.set(messageId, hidden);
        return { message, popReceipt: hidden.popReceipt, nextVisibleOn: untilMs, dequeueCount: hidden.count };
      });
  }

  /** @throws StorageRefusal `MessageNotFound` | `PopReceiptMismatch` */
  async delete(at: QueueAddress, messageId: Guid, popReceipt: string): Promise<void> {
    const { catalog } = this.#parts;
    const id = `m/${messageId}`;
    await catalog.change((draft) => {
      const found = draft.get(id);
      if (found?.kind !== 'message' || found.account !== at.account || found.queue !== at.queue)
        throw new StorageRefusal('MessageNotFound');
      if (this.#hidden.get(messageId)?.popReceipt !== popReceipt) throw new StorageRefusal('PopReceiptMismatch');
      draft.delete(id);
    });
    this.#hidden.delete(messageId);
    this.#parts.withdrawn();
  }

  /** Removes messages whose time is over. */
  async expire(): Promise<void> {
    const { catalog, now } = this.#parts;
    const old = ['ready', 'failed', 'successful']
      .flatMap((queue) => [...catalog.image.group(`message/${queue}`)])
      .flatMap((id) => ofKind(catalog.image.get(id), 'message'))
      .filter(({ expiresOn }) => expiresOn <= now());
    for (let at = 0; at < old.length; at += 1_000)
      await catalog.change((draft) => {
        for (const { messageId } of old.slice(at, at + 1_000)) draft.delete(`m/${messageId}`);
      });
    for (const messageId of this.#hidden.keys())
      if (catalog.image.get(`m/${messageId}`) === undefined) this.#hidden.delete(messageId);
  }

  #visible({ account, queue }: QueueAddress): MessageRecord[] {
    const at = this.#parts.now();
    return this.of(queue).filter(
      (message) => message.account === account && (this.#hidden.get(message.messageId)?.untilMs ?? 0) <= at,
    );
  }

  #newReceipt(): string {
    return Buffer.from(this.#parts.randomBytes(12)).toString('base64');
  }
}
