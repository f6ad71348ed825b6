import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import type { DataOperationKind, DataOperationRecord } from './data-operation-record.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import type { CatalogImage } from './image.ts';
import { ofKind } from './image.ts';
import { isHidden } from './record-groups.ts';
import { requesterNow } from './journal.ts';
import type { ExtentRecord, TableRecord } from './records.ts';
import { bytesAtRest } from './sealed-extent.ts';

/** Who asked, where that is not the one whose command runs. */
interface AskedBy {
  readonly principal: string;
  readonly rootActivityId: Guid;
  readonly operationKind: string;
}

/** Adds a record of the operation to the commit that adds its extents: so the one is there when, and only when, the others were. */
export type NoteOperation = (draft: CatalogDraft, table: TableRecord, extents: readonly ExtentRecord[]) => void;

/** The newest stay; the service has no such bound. A few more are there for a moment, so that not every one that is added removes one. */
const keptMax = 2_000;
const keptSlack = 200;

export interface DataOperationParts {
  readonly image: CatalogImage;
  readonly randomBytes: RandomBytes;
  readonly now: () => Instant;
  /** Milliseconds that processors have worked for this process. */
  readonly processorsUsed?: (() => number) | undefined;
}

export class DataOperations {
  readonly #parts: DataOperationParts;

  constructor(parts: DataOperationParts) {
    this.#parts = parts;
  }

  /** Now it begins, for whoever asks now. */
  begin(
    operation: DataOperationKind,
    by?: AskedBy,
    properties?: NonNullable<DataOperationRecord['properties']>,
  ): NoteOperation {
    const { randomBytes, now, processorsUsed } = this.#parts;
    const [startedOn, cpuBefore] = [now(), processorsUsed?.()];
    const requester = requesterNow();
    const isQueued = by?.operationKind === 'DataIngestPull' && requester.principal === '';
    return (draft, table, extents) => {
      // What is kept of queries and graphs is in no table that anybody has.
      if (extents.length === 0 || (isHidden(table) && table.view === undefined)) return;
      this.#trim(draft);
      const sum = (of: (extent: ExtentRecord) => number): number => extents.reduce((total, one) => total + of(one), 0);
      const at = now();
      draft.put({
        ...{ kind: 'dataOperation', dataOperationId: newGuid(randomBytes), at, operation },
        ...{ databaseId: table.databaseId, table: table.name },
        clientActivityId: isQueued ? `DM.IngestionExecutor;${by.rootActivityId};1` : requester.clientRequestId,
        originalBytes: sum(({ originalBytes }) => originalBytes),
        extentBytes: sum(({ sealed }) => bytesAtRest(sealed)),
        rowCount: sum(({ rowCount }) => rowCount),
        extentCount: extents.length,
        milliseconds: Math.max(0, at - startedOn),
        ...(cpuBefore !== undefined && processorsUsed && { cpuMs: processorsUsed() - cpuBefore }),
        principal: by?.principal ?? requester.principal,
        ...(properties && { properties }),
      });
    };
  }

  #trim(draft: CatalogDraft): void {
    const { image } = this.#parts;
    if (image.group('dataOperation').size < keptMax + keptSlack) return;
    // Others in the same group of commits may have removed the oldest already.
    const left = dataOperationsOf(image).filter((record) => draft.get(idOf(record)) !== undefined);
    for (const record of left.slice(keptMax - 1)) draft.delete(idOf(record));
  }
}

const idOf = ({ dataOperationId }: DataOperationRecord): string => `z/${dataOperationId}`;

/** Newest first; kept for 30 days. */
export const dataOperationsOf = (image: CatalogImage): readonly DataOperationRecord[] =>
  [...image.group('dataOperation')]
    .flatMap((id) => ofKind(image.get(id), 'dataOperation'))
    .sort((left, right) => right.at - left.at);
