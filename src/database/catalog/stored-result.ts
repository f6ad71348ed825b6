import type { Guid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { AppendRows } from './append-rows.ts';
import type { ExtentView } from './catalog-view.ts';
import { dataError, entityExists } from './data-error.ts';
import { requireEntityName } from './entity-name.ts';
import { dropHidden, hiddenRecord } from './hidden-table.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import type { StoredResultRecord } from './image.ts';

/** Rows of a query that its principal keeps for some hours.
 * @see https://learn.microsoft.com/kusto/management/stored-query-results */
export interface StoredResultView {
  readonly storedResultId: Guid;
  readonly database: string;
  readonly name: string;
  /** Who made it, and alone may read it. */
  readonly principal: string;
  readonly columns: readonly Column[];
  /** None when there are no rows. */
  readonly extents: readonly ExtentView[];
  readonly createdOn: Instant;
  readonly expiresOn: Instant;
}

export interface StoreResultRequest {
  readonly database: string;
  readonly name: string;
  readonly principal: string;
  readonly rows: AppendRows;
  /** At most `storedMsMax`. */
  readonly expiresAfterMs: number;
  /** What happens to the principal's result of that name. */
  readonly existing: 'refused' | 'replaced';
}

export interface StoredResults {
  /** All rows or none, in one commit with the name. @throws DataError `EntityExists` | `InvalidSchema` */
  storeResult(request: StoreResultRequest): Promise<StoredResultView>;
  /** Those of all principals that have not expired, by name. @throws DataError `DatabaseNotFound` */
  storedResults(database: string): readonly StoredResultView[];
  dropStoredResults(storedResultIds: readonly Guid[]): Promise<void>;
}

/** A stored query result lasts at most a day. */
export const storedMsMax = 24 * 3_600_000;
const columnsMax = 500;

/** Names are a principal's own: two may store results of the same name. */
export const findStored = (
  records: readonly StoredResultRecord[],
  { name, principal }: Pick<StoreResultRequest, 'name' | 'principal'>,
): StoredResultRecord | undefined =>
  records.find((record) => record.name === name && record.stored.principal === principal);

/** @returns the new record; one that it replaces is gone from the draft */
export function createStoredResult(
  draft: CatalogDraft,
  { databaseId, tableId, now }: { readonly databaseId: Guid; readonly tableId: Guid; readonly now: Instant },
  request: Pick<StoreResultRequest, 'name' | 'principal' | 'expiresAfterMs' | 'existing'>,
  columns: readonly Column[],
): StoredResultRecord {
  const { name, principal } = request;
  requireEntityName(name);
  if (columns.length === 0 || columns.length > columnsMax)
    throw dataError(
      'InvalidSchema',
      `A stored query result has 1 to ${columnsMax} columns; this has ${columns.length}.`,
    );
  const existing = findStored(draft.storedResultsOf(databaseId), request);
  if (existing !== undefined) {
    if (request.existing === 'refused' && existing.stored.expiresOn > now)
      throw entityExists('StoredQueryResult', name);
    dropHidden(draft, existing.tableId);
  }
  const record: StoredResultRecord = {
    ...hiddenRecord({ databaseId, tableId }, name, columns),
    stored: { principal, createdOn: now, expiresOn: now + request.expiresAfterMs },
  };
  draft.put(record);
  return record;
}
