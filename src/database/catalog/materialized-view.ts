import { isDeepStrictEqual } from 'node:util';
import type { Guid } from '../../base/guid.ts';
import { dataError } from './data-error.ts';
import type { CatalogReader } from './image.ts';
import type { CatalogRecord, TableRecord } from './records.ts';
import type { ViewFacts, ViewProgress } from './view-facts.ts';

export type ViewRecord = TableRecord & { readonly view: ViewFacts };

const isView = (record: TableRecord): record is ViewRecord => record.view !== undefined;

export const viewsOf = (reader: Pick<CatalogReader, 'hiddenTablesOf'>, databaseId: Guid): ViewRecord[] =>
  reader.hiddenTablesOf(databaseId).filter(isView);

export const findView = (
  reader: Pick<CatalogReader, 'hiddenTablesOf'>,
  databaseId: Guid,
  name: string,
): ViewRecord | undefined => viewsOf(reader, databaseId).find((view) => view.name === name);

/** @throws DataError `ViewNotFound` */
export function requireView(reader: Pick<CatalogReader, 'hiddenTablesOf'>, databaseId: Guid, name: string): ViewRecord {
  const found = findView(reader, databaseId, name);
  if (found === undefined) throw dataError('ViewNotFound', name.slice(0, 200));
  return found;
}

/** The view as it is in a change that is being planned. @throws DataError when it was dropped meanwhile */
export function currentView(reader: Pick<CatalogReader, 'get'>, { tableId, name }: ViewRecord): ViewRecord {
  const found = reader.get(`t/${tableId}`);
  if (found?.kind !== 'table' || !isView(found)) throw dataError('ViewNotFound', name);
  return found;
}

/** Whether names mean something else after some changes. */
export const changesNames = (
  changes: ReadonlyMap<string, CatalogRecord | null>,
  reader: Pick<CatalogReader, 'get'>,
): boolean =>
  [...changes].some(
    ([id, record]) => id.startsWith('d/') || (id.startsWith('t/') && !isOnlyProgress(reader.get(id), record)),
  );

/** Two records of a view that differ by its progress at most. */
function isOnlyProgress(before: CatalogRecord | undefined, after: CatalogRecord | null): boolean {
  if (before?.kind !== 'table' || after?.kind !== 'table' || !isView(before) || !isView(after)) return false;
  return isDeepStrictEqual(withoutProgress(before), withoutProgress(after));
}

/** As far as it is not progress. */
function withoutProgress(record: ViewRecord): unknown {
  const facts = Object.entries(record.view).filter(([name]) => !progress.has(name));
  return { ...record, view: Object.fromEntries(facts) };
}

const progress: ReadonlySet<string> = new Set<keyof ViewProgress>([
  ...(['isEnabled', 'materializedTo', 'lastRunOn', 'failures'] as const),
]);
