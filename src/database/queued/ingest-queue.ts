import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Instant } from '../../clock/clock.ts';
import { CommitRefusedError, DataError } from '../catalog/data-error.ts';
import { databaseOf } from '../catalog/image.ts';
import type { MessageRecord, StagedBlobRecord } from '../catalog/queued-records.ts';
import type { TableRecord } from '../catalog/records.ts';
import type { SealedExtent } from '../catalog/sealed-extent.ts';
import { findTable } from '../catalog/table-changes.ts';
import type { TableStore } from '../extents/table-store.ts';
import type { DataSource } from '../ingest/data-source.ts';
import type { SourcesRequest } from '../ingest/ingest-request.ts';
import type { IngestService } from '../ingest/ingest-service.ts';
import { noRecords } from '../ingest/source-stage.ts';
import { requireMapping } from '../ingest/target-table.ts';
import type { Batch, BatchingPolicy, WaitingMessage } from './batching.ts';
import { batchingPolicyOf, planBatches } from './batching.ts';
import type { IngestionMessage } from './ingestion-message.ts';
import { parseIngestionMessage, UnreadableMessage } from './ingestion-message.ts';
import { IngestionRefusal } from './ingestion-refusal.ts';
import { readProperties } from './message-properties.ts';
import type { MessageQueues } from './message-queues.ts';
import type { QueuedParts } from './queued-parts.ts';
import type { Settling, SourceOutcome } from './settle-message.ts';
import { blobAddressOf } from './storage-accounts.ts';
import { AlreadySettledError, settleMessage } from './settle-message.ts';
import type { StagedBlobs } from './staged-blobs.ts';
import { lengthOf } from './staged-blobs.ts';
import type { StatusEntities } from './status-entities.ts';

/** Who has uploaded a blob, as of now. */
export interface Uploader {
  readonly fqn: string;
  readonly displayName: string;
  /** For rows of one of its tables: the name of the database as the cluster spells it. @throws DataError `DatabaseNotFound`, IngestionRefusal */
  requireDatabase(name: string, table: string): string;
}

/** The blob that a message names. */
export interface QueuedSource {
  readonly source: DataSource;
  /** Where it lies in an account of the cluster. */
  readonly blob: StagedBlobRecord | undefined;
}

/** What the ingestion of queued blobs asks of those who know clients. */
export interface IngestPorts {
  /** Ends the reading of what is ingested, which stays in the queue. */
  readonly signal: AbortSignal;
  /** @throws IngestionRefusal */
  uploader(identity: string | undefined, sentOn: number): Promise<Uploader>;
  /** Other places than the cluster's own accounts are read by whoever has the way there. @throws DataError */
  source(blobPath: string, sentOn: number, database: string, identity: string | undefined): QueuedSource;
  /** What is our own fault. */
  failed(error: unknown): void;
}

type Waiting = WaitingMessage<MessageRecord>;

interface Admitted {
  readonly one: Waiting;
  readonly settling: Settling;
  readonly uploader: Uploader;
  /** As the cluster spells it. */
  readonly database: string;
}

/** Tries of a batch that fails for no fault of its sender. */
const attemptsMax = 3;

export interface IngestQueueParts extends QueuedParts {
  readonly store: TableStore;
  readonly ingestion: Pick<IngestService, 'ingestFrom'>;
  readonly messages: MessageQueues;
  readonly entities: StatusEntities;
  readonly blobs: StagedBlobs;
}

/** Makes rows of what is in the queue. What it knows are records, so it goes on after a restart where it was. A batch is ingested in this
 * order: who has uploaded it, and may they → its blobs are read, the rows sealed into the blob of an extent, durable → ONE commit with the
 * extent, without the messages, with what is told of them → the sealed pieces of the blobs go. So each message becomes rows exactly once,
 * whenever the process dies: before the commit it is in the queue and the extent is garbage, after it neither. */
export class IngestQueue {
  readonly #parts: IngestQueueParts;
  /** Messages that were there when this process began: an earlier one may have died of them. */
  readonly #inherited: Set<Guid>;
  readonly #attempts = new Map<Guid, number>();
  /** Messages whose blobs are read now, and what ends that. */
  #reading: { readonly messageIds: readonly Guid[]; readonly stop: AbortController } | undefined;
  #running: Promise<void> | undefined;

  constructor(parts: IngestQueueParts) {
    this.#parts = parts;
    this.#inherited = new Set(parts.messages.of('ready').map(({ messageId }) => messageId));
  }

  /** When a batch is due, as of now; undefined: nothing waits. */
  dueOn(): Instant | undefined {
    const { now } = this.#parts;
    const { readable, unreadable } = this.#waiting();
    const { due, nextDueOn } = planBatches(readable, (...names) => this.#policy(...names), now());
    return due.length + unreadable.length > 0 ? now() : (nextDueOn as Instant | undefined);
  }

  /** Ingests what is due. One run at a time; what comes meanwhile is seen by the next one. */
  async run(ports: IngestPorts, isFlush = false): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    this.#running = this.#run(ports, isFlush).finally(() => (this.#running = undefined));
    await this.#running;
  }

  /** Ingests all that is there now, due or not. @returns how many messages came to their end */
  async flush(ports: IngestPorts): Promise<number> {
    const { messages } = this.#parts;
    const there = new Set(messages.of('ready').map(({ messageId }) => messageId));
    let left = there.size;
    // What fails for no fault of its sender ends with the last try.
    for (let tries = 0; left > 0 && tries <= attemptsMax; tries += 1) {
      await this.run(ports, true);
      left = messages.of('ready').filter(({ messageId }) => there.has(messageId)).length;
    }
    return there.size - left;
  }

  /** To be called when messages may have been taken out of the queue: what is read for their sake ends. */
  stopWithdrawn(): void {
    const { messageIds = [], stop } = this.#reading ?? {};
    if (!messageIds.every((id) => this.#isThere(id))) stop?.abort(new AlreadySettledError());
  }

  #isThere(messageId: Guid): boolean {
    return this.#parts.catalog.image.get(`m/${messageId}`) !== undefined;
  }

  async #run(ports: IngestPorts, isFlush: boolean): Promise<void> {
    const { readable, unreadable } = this.#waiting();
    for (const record of unreadable)
      await this.#settleAll(
        [{ record, message: undefined, blob: undefined, uploader: undefined }],
        failed(new IngestionRefusal('BadRequest_CorruptedMessage', 'The message in the queue cannot be read.')),
      );
    const policyOf = (database: string, table: string): BatchingPolicy => ({
      ...this.#policy(database, table),
      ...(isFlush && { timeMs: -Infinity }),
    });
    const { due } = planBatches(readable, policyOf, this.#parts.now());
    for (const batch of due) {
      ports.signal.throwIfAborted();
      await this.#attempt(ports, batch);
    }
  }

  /** What fails together is tried one by one, so that one blob does not keep the others. */
  async #attempt(ports: IngestPorts, batch: Batch<MessageRecord>): Promise<void> {
    try {
      const members = await this.#begun(ports, batch.members);
      if (members.length > 0) await this.#ingest(ports, { ...batch, members });
    } catch (error) {
      ports.signal.throwIfAborted();
      if (error instanceof CommitRefusedError) throw error;
      if (error instanceof AlreadySettledError) {
        const left = batch.members.filter(({ record }) => this.#isThere(record.messageId));
        if (left.length > 0 && left.length < batch.members.length)
          await this.#attempt(ports, { ...batch, members: left });
        return;
      }
      if (batch.members.length > 1) {
        for (const member of batch.members) await this.#attempt(ports, { ...batch, members: [member] });
        return;
      }
      ports.failed(error);
      for (const { record } of batch.members)
        this.#attempts.set(record.messageId, (this.#attempts.get(record.messageId) ?? 0) + 1);
    }
  }

  /** Notes that messages of an earlier process are begun, before anything can happen to this one. Those that were begun too often end. */
  async #begun(ports: IngestPorts, members: readonly Waiting[]): Promise<readonly Waiting[]> {
    const { catalog } = this.#parts;
    const tries = ({ record }: Waiting): number => (record.attempts ?? 0) + (this.#attempts.get(record.messageId) ?? 0);
    const over = members.filter((one) => tries(one) >= attemptsMax);
    for (const one of over) {
      await this.#settleAll(
        [this.#settling(ports, one)],
        failed(
          new IngestionRefusal(
            'General_RetryAttemptsExceeded',
            `The ingestion was begun ${attemptsMax} times and never ended.`,
          ),
        ),
      );
      this.#attempts.delete(one.record.messageId);
    }
    const left = members.filter((one) => !over.includes(one));
    const inherited = left.filter(({ record }) => this.#inherited.delete(record.messageId));
    if (inherited.length > 0)
      await catalog.change((draft) => {
        for (const { record } of inherited) {
          const found = draft.get(`m/${record.messageId}`);
          if (found?.kind === 'message') draft.put({ ...found, attempts: (found.attempts ?? 0) + 1 });
        }
      });
    return left;
  }

  async #ingest(ports: IngestPorts, batch: Batch<MessageRecord>): Promise<void> {
    const admitted: Admitted[] = [];
    for (const one of batch.members) {
      const settling = this.#settling(ports, one);
      try {
        const uploader = await ports.uploader(one.message.identity, one.record.sentOn);
        admitted.push({
          ...{ one, uploader, settling: { ...settling, uploader } },
          database: uploader.requireDatabase(one.message.database, one.message.table),
        });
      } catch (error) {
        await this.#settleAll([settling], failed(refusalOf(error)));
      }
    }
    const [first] = admitted;
    if (first === undefined) return;
    const settlings = admitted.map(({ settling }) => settling);
    try {
      const rowCount = await this.#add(ports, first, admitted);
      if (rowCount === 0) throw noRecords();
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      // One that cannot be read does not keep the others.
      if (admitted.length > 1) for (const { one } of admitted) await this.#ingest(ports, { ...batch, members: [one] });
      else await this.#settleAll(settlings, failed(error));
    }
  }

  /** @returns how many rows were read; none: the messages are still there */
  async #add(ports: IngestPorts, first: Admitted, admitted: readonly Admitted[]): Promise<number> {
    const { properties, table, id } = first.one.message;
    const { unlessTagged, ...how } = readProperties(properties);
    const garbage: SealedExtent[] = [];
    const { database, uploader } = first;
    const { ingestion, writer } = this.#parts;
    const { tableId } = this.#target(database, table, how);
    const stop = new AbortController();
    this.#reading = { messageIds: admitted.map(({ one }) => one.record.messageId), stop };
    const request: SourcesRequest = {
      signal: AbortSignal.any([ports.signal, stop.signal]),
      ...{ ...how, database, table, recordsInEach: true },
      sources: admitted.map(
        ({ one }) => ports.source(one.message.blobPath, one.record.sentOn, database, one.message.identity).source,
      ),
      by: {
        ...{ principal: uploader.fqn, user: uploader.displayName, operationKind: 'DataIngestPull' },
        rootActivityId: parseGuid(id) ?? first.one.record.messageId,
      },
      also: (draft) => {
        garbage.length = 0;
        const isThere = draft.extentsTagged(tableId, unlessTagged).length > 0;
        const outcome: SourceOutcome = { outcome: isThere ? 'skipped' : 'added' };
        for (const { settling } of admitted) garbage.push(...settleMessage(this.#parts, draft, settling, outcome));
        return !isThere;
      },
    };
    const { rowCount } = await ingestion.ingestFrom(request).finally(() => (this.#reading = undefined));
    await writer.removeBlobs(garbage);
    return rowCount;
  }

  /** A mapping that is nowhere is said before a table that is not there, as in the service. */
  #target(database: string, table: string, how: Pick<SourcesRequest, 'mappingName'>): TableRecord {
    const { catalog, databaseNamed, store } = this.#parts;
    const databaseId = databaseNamed(database);
    const { mappingName } = how;
    if (mappingName !== undefined && databaseId !== undefined && !findTable(catalog.image, databaseId, table))
      requireMapping(databaseOf(catalog.image, databaseId).mappings, mappingName);
    return store.table(database, table);
  }

  #settling(ports: IngestPorts, { record, message }: Waiting): Settling {
    let blob: StagedBlobRecord | undefined;
    try {
      ({ blob } = ports.source(message.blobPath, record.sentOn, message.database, message.identity));
    } catch {
      // It is no blob of ours, or nobody may read it.
    }
    return { record, message, blob, uploader: undefined };
  }

  /** @param outcomes one for each, or one for all */
  async #settleAll(settlings: readonly Settling[], ...outcomes: readonly SourceOutcome[]): Promise<void> {
    const garbage = await this.#parts.catalog.change((draft) =>
      settlings.flatMap((settling, index) => {
        const outcome = outcomes[index] ?? outcomes[0];
        invariant(outcome !== undefined, 'a message ends somehow');
        return settleMessage(this.#parts, draft, settling, outcome);
      }),
    );
    await this.#parts.writer.removeBlobs(garbage);
  }

  #waiting(): { readonly readable: readonly Waiting[]; readonly unreadable: readonly MessageRecord[] } {
    const readable: Waiting[] = [];
    const unreadable: MessageRecord[] = [];
    for (const record of this.#parts.messages.of('ready')) {
      const message = this.#parsed(record);
      if (message === undefined) unreadable.push(record);
      else
        readable.push({
          record,
          message,
          insertedOn: record.insertedOn,
          rawBytes: record.isAlone ? undefined : (message.rawDataBytes ?? this.#staged(message)),
        });
    }
    return { readable, unreadable };
  }

  /** Compressed, if the blob is: then nobody knows how much it will be. @returns undefined: nobody knows at all before it is read */
  #staged({ blobPath }: IngestionMessage): number | undefined {
    const at = blobAddressOf(this.#parts.clusterId, blobPath);
    const blob = at && this.#parts.blobs.find(at);
    return blob === undefined ? undefined : lengthOf(blob);
  }

  #parsed(record: MessageRecord): IngestionMessage | undefined {
    try {
      return parseIngestionMessage(record.text);
    } catch (error) {
      if (error instanceof UnreadableMessage) return undefined;
      throw error;
    }
  }

  #policy(database: string, table: string): BatchingPolicy {
    const { catalog, databaseNamed, store } = this.#parts;
    const databaseId = databaseNamed(database);
    if (databaseId === undefined) return batchingPolicyOf(undefined);
    const found: TableRecord | undefined = findTable(catalog.image, databaseId, table);
    const policy =
      found === undefined
        ? store.databasePolicy(databaseId, 'ingestionbatching')
        : store.policy(found, 'ingestionbatching');
    return batchingPolicyOf(policy);
  }
}

const failed = (error: DataError): SourceOutcome => ({ outcome: 'failed', error });

/** What is no refusal is tried again. */
function refusalOf(error: unknown): DataError {
  if (error instanceof DataError) return error;
  throw error;
}
