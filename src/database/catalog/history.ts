import { beginningOf } from '../../base/beginning-of.ts';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Catalog } from './catalog.ts';
import type { IngestionFailure, OperationRecord } from './operations.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import { ofKind } from './image.ts';
import type { CatalogRecord } from './records.ts';
import { recordId } from './records.ts';

type HistoryKind = 'operation' | 'failure';
type Entry<Kind extends HistoryKind> = Extract<CatalogRecord, { kind: Kind }>;

/** Of each kind so many stay, the newest; the service keeps two weeks. A few more are there for a moment, so that not every one that is
 * added removes one. */
const keptMax = 2_000;
const keptSlack = 200;
/** UTF-16 units of a name or message. */
const textMax = 1_024;

export interface History {
  /** Newest first; kept for two weeks. What an earlier process has not brought to its end is `Abandoned`. */
  operations(): readonly OperationRecord[];
  /** Is shown until `recordOperation` tells how it ended. A process that ends before leaves nothing of it: whoever waited for it hears that. */
  beginOperation(operation: OperationRecord): void;
  /** Adds an operation or replaces the one with its id. */
  recordOperation(operation: OperationRecord): Promise<void>;
  /** Newest first; kept for two weeks. */
  ingestionFailures(): readonly IngestionFailure[];
  recordIngestionFailure(failure: IngestionFailure): Promise<void>;
}

/** What `.show operations` and `.show ingestion failures` tell: records of the catalog, in one commit with the removal of the oldest. */
export function createHistory(catalog: Catalog, randomBytes: RandomBytes): History {
  /** Operations that this process goes on with. */
  const begun = new Set<Guid>();
  /** Of them those that no record tells of before they have ended. */
  const waitedFor = new Map<Guid, OperationRecord>();

  /** Kinds of which a commit that is under way removes the oldest: others need not do the same. */
  const removing = new Set<HistoryKind>();

  const add = async (record: CatalogRecord, kind: HistoryKind): Promise<void> => {
    const removes = catalog.image.group(kind).size >= keptMax + keptSlack && !removing.has(kind);
    const superfluous = removes ? oldest(catalog, kind, begun) : [];
    if (removes) removing.add(kind);
    try {
      await catalog.change((draft) => {
        for (const id of superfluous) draft.delete(id);
        draft.put(record);
      });
    } finally {
      if (removes) removing.delete(kind);
    }
  };

  return {
    operations: () => {
      const recorded = entries(catalog, 'operation').map(({ operation }) =>
        begun.has(operation.operationId) ? operation : ofEarlierProcess(operation),
      );
      // Between its commit and the end of that promise one is in both.
      const ids = new Set(recorded.map(({ operationId }) => operationId));
      return [...[...waitedFor.values()].filter(({ operationId }) => !ids.has(operationId)), ...recorded].sort(
        (left, right) => right.startedOn - left.startedOn,
      );
    },
    beginOperation: (operation) => {
      waitedFor.set(operation.operationId, withShortTexts(operation));
    },
    recordOperation: async (operation) => {
      begun.add(operation.operationId);
      try {
        await add({ kind: 'operation', operation: withShortTexts(operation) }, 'operation');
      } finally {
        if (operation.state !== 'InProgress') {
          begun.delete(operation.operationId);
          waitedFor.delete(operation.operationId);
        }
      }
    },
    ingestionFailures: () =>
      entries(catalog, 'failure')
        .map(({ failure }) => failure)
        .sort((left, right) => right.failedOn - left.failedOn),
    recordIngestionFailure: (failure) =>
      add({ kind: 'failure', failureId: newGuid(randomBytes), failure: withShortTexts(failure) }, 'failure'),
  };
}

/** Adds a refused ingestion to a commit that is being planned; the oldest ones beyond what is kept go with it. */
export function putFailure(catalog: Catalog, draft: CatalogDraft, failureId: Guid, failure: IngestionFailure): void {
  if (catalog.image.group('failure').size >= keptMax + keptSlack)
    for (const id of oldest(catalog, 'failure', new Set())) draft.delete(id);
  draft.put({ kind: 'failure', failureId, failure: withShortTexts(failure) });
}

const entries = <Kind extends HistoryKind>(catalog: Catalog, kind: Kind): Entry<Kind>[] =>
  [...catalog.image.group(kind)].flatMap((id) => ofKind(catalog.image.get(id), kind));

function oldest(catalog: Catalog, kind: HistoryKind, begun: ReadonlySet<Guid>): string[] {
  const byTime = [...catalog.image.group(kind)].flatMap((id): { readonly id: string; readonly at: number }[] => {
    const record = catalog.image.get(id);
    if (record?.kind === 'failure') return [{ id, at: record.failure.failedOn }];
    if (record?.kind !== 'operation' || begun.has(record.operation.operationId)) return [];
    return [{ id: recordId(record), at: record.operation.startedOn }];
  });
  byTime.sort((left, right) => left.at - right.at);
  return byTime.slice(0, Math.max(0, byTime.length - keptMax + 1)).map(({ id }) => id);
}

/** Texts that a client makes long are kept by their beginning; `details` are our own, and read as a whole. */
function withShortTexts<T extends object>(record: T): T {
  const short = Object.entries(record).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'string' && name !== 'details' ? beginningOf(value, textMax) : value,
  ]);
  return Object.fromEntries(short) as T;
}

/** Nobody goes on with it when it has not ended. */
const ofEarlierProcess = (operation: OperationRecord): OperationRecord =>
  operation.state !== 'InProgress'
    ? operation
    : {
        ...operation,
        state: 'Abandoned',
        status: operation.status || 'The process of the cluster ended before the operation did.',
      };
