import type { Guid } from '../../base/guid.ts';
import { parseGuid, zeroGuid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { Json } from '../../base/json.ts';
import { toIso } from '../../clock/clock.ts';
import type { DataError } from '../catalog/data-error.ts';
import { putFailure } from '../catalog/history.ts';
import type { CatalogDraft } from '../catalog/catalog-draft.ts';
import type { MessageRecord, QueueName, StagedBlobRecord } from '../catalog/queued-records.ts';
import { queuedItemId } from '../catalog/queued-records.ts';
import { recordId } from '../catalog/records.ts';
import type { SealedExtent } from '../catalog/sealed-extent.ts';
import { ingestionErrorCode } from '../ingest/ingestion-error-code.ts';
import type { IngestionMessage } from './ingestion-message.ts';
import { IngestionRefusal } from './ingestion-refusal.ts';
import type { QueuedParts } from './queued-parts.ts';
import { keptMs } from './queued-parts.ts';
import type { StatusEntities } from './status-entities.ts';

/** What came of a message. */
export type SourceOutcome =
  | { readonly outcome: 'added' }
  /** Rows with the same tag are there. */
  | { readonly outcome: 'skipped' }
  | { readonly outcome: 'failed'; readonly error: DataError };

/** Somebody else has come to an end with the message: nothing that is planned with it counts. */
export class AlreadySettledError extends Error {
  override readonly name = 'AlreadySettledError';
}

/** A message that is about to leave the queue. */
export interface Settling {
  readonly record: MessageRecord;
  /** Undefined: it cannot be read. */
  readonly message: IngestionMessage | undefined;
  /** The blob in an account of the cluster. */
  readonly blob: StagedBlobRecord | undefined;
  readonly uploader: { readonly fqn: string; readonly displayName: string } | undefined;
}

/** Statuses that clients read: the account of all of them is the first one. */
export const reportAccount = 0;

/** Ends a message in the commit that is planned: it leaves the queue together with the rows that came of it, or with the failure, and with
 * what is told of it.
 * @returns sealed pieces that nothing names after the commit
 * @throws AlreadySettledError */
export function settleMessage(
  parts: QueuedParts & { readonly entities: StatusEntities },
  draft: CatalogDraft,
  settling: Settling,
  outcome: SourceOutcome,
): readonly SealedExtent[] {
  const { record, message, blob } = settling;
  const id = recordId(record);
  if (draft.get(id)?.kind !== 'message') throw new AlreadySettledError();
  draft.delete(id);
  const operationId = newGuid(parts.randomBytes);
  endItem(parts, draft, record.messageId, outcome);
  if (message !== undefined) report(parts, draft, { ...settling, message, outcome, operationId });
  if (outcome.outcome === 'failed')
    putFailure(
      parts.catalog,
      draft,
      newGuid(parts.randomBytes),
      failureOf(parts, settling, outcome.error, operationId),
    );
  const kept = blob === undefined ? undefined : draft.get(recordId(blob));
  if (kept?.kind !== 'stagedBlob') return [];
  if (outcome.outcome !== 'failed' && message?.retainBlob === false) {
    draft.delete(recordId(kept));
    return kept.pieces;
  }
  draft.put({ ...kept, ingestedOn: parts.now() });
  return [];
}

/** A command follows the blob. */
function endItem(
  { now }: Pick<QueuedParts, 'now'>,
  draft: CatalogDraft,
  messageId: Guid,
  outcome: SourceOutcome,
): void {
  const item = draft.get(queuedItemId(messageId));
  if (item?.kind !== 'queuedItem') return;
  const why = outcome.outcome === 'failed' ? outcome.error.message : outcome.outcome === 'skipped' ? isThere : '';
  const state = outcome.outcome === 'added' ? 'Succeeded' : 'Failed';
  draft.put({ ...item, ended: { state, on: now(), why: why.slice(0, 1000) } });
}

const isThere = 'Rows with the same ingest-by tag are in the table.';

const errorCodeOf = (error: DataError): string =>
  error instanceof IngestionRefusal ? error.errorCode : ingestionErrorCode(error);

/** Without what it is read with. */
const pathOf = (message: IngestionMessage | undefined): string => message?.blobPath.split(/[?;]/)[0] ?? '';

function failureOf(parts: QueuedParts, { message, uploader }: Settling, error: DataError, operationId: Guid) {
  const properties = [...(message?.properties ?? [])].filter(([name]) => name !== 'authorizationcontext');
  return {
    operationId,
    database: message?.database ?? '',
    table: message?.table ?? '',
    failedOn: parts.now(),
    details: error.message.slice(0, 1000),
    failureKind: 'Permanent',
    rootActivityId: parseGuid(message?.id ?? '') ?? operationId,
    operationKind: 'DataIngestPull',
    errorCode: errorCodeOf(error),
    principal: uploader?.fqn ?? '',
    user: uploader?.displayName ?? '',
    shouldRetry: false,
    sourcePath: pathOf(message),
    properties: JSON.stringify(Object.fromEntries(properties)),
  } as const;
}

interface Reported extends Settling {
  readonly message: IngestionMessage;
  readonly outcome: SourceOutcome;
  readonly operationId: Guid;
}

function report(
  parts: QueuedParts & { readonly entities: StatusEntities },
  draft: CatalogDraft,
  { message, outcome, operationId }: Reported,
): void {
  const at = toIso(parts.now());
  const error = outcome.outcome === 'failed' ? outcome.error : undefined;
  const why =
    error !== undefined
      ? { Details: error.message.slice(0, 1000), ErrorCode: errorCodeOf(error), FailureStatus: 'Permanent' }
      : outcome.outcome === 'skipped'
        ? {
            Details: isThere,
            ErrorCode: 'Skipped_IngestByTagAlreadyExists',
            FailureStatus: 'Permanent',
          }
        : undefined;
  const { failures, successes, toQueue, toTable } = message.report;
  const about = {
    OperationId: operationId,
    Database: message.database,
    Table: message.table,
    IngestionSourceId: message.id,
    IngestionSourcePath: pathOf(message),
    RootActivityId: zeroGuid,
  };
  if (toQueue && why !== undefined && failures)
    put(parts, draft, 'failed', {
      ...about,
      FailedOn: at,
      ...why,
      OriginatesFromUpdatePolicy: false,
      ShouldRetry: false,
    });
  if (toQueue && why === undefined && successes) put(parts, draft, 'successful', { ...about, SucceededOn: at });
  const { status } = message;
  if (toTable && status !== undefined)
    parts.entities.merge(
      draft,
      { account: reportAccount, ...status },
      {
        Status: error !== undefined ? 'Failed' : why === undefined ? 'Succeeded' : 'Skipped',
        UpdatedOn: at,
        'UpdatedOn@odata.type': 'Edm.DateTime',
        OperationId: operationId,
        ...(why ?? { Details: '' }),
      },
    );
}

const reportsMax = 10_000;

/** Beyond what a queue holds nothing more is told there. */
function put(parts: QueuedParts, draft: CatalogDraft, queue: QueueName, body: Json): void {
  const { catalog, randomBytes, now } = parts;
  if (catalog.image.group(`message/${queue}`).size >= reportsMax) return;
  draft.put({
    ...{ kind: 'message', messageId: newGuid(randomBytes), account: reportAccount, queue },
    text: Buffer.from(JSON.stringify(body)).toString('base64'),
    ...{ insertedOn: now(), expiresOn: now() + keptMs, sentOn: now() },
  });
}
