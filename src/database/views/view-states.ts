import { invariant } from '../../base/invariant.ts';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import { quotedName } from '../../kql/plan/quoted.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { EngineSources, QueryRequest } from '../../kql/query-request.ts';
import { ticksOfUnixMilliseconds } from '../../kql/values/ticks.ts';
import { dataError } from '../catalog/data-error.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';
import type { WrittenExtent } from '../extents/extent-writer.ts';
import type { TableStore } from '../extents/table-store.ts';
import { positional } from '../ingest/positional.ts';
import type { DataQueries } from '../ingest/update-query.ts';

export interface StatesRequest {
  readonly record: ViewRecord;
  /** In which the view stands for the states that are wanted. */
  readonly catalog: KqlCatalog;
  readonly open: EngineSources['open'];
  readonly signal?: AbortSignal | undefined;
}

export function databaseOfView(store: TableStore, { databaseId }: Pick<ViewRecord, 'databaseId'>): string {
  const name = store.databases().find((one) => one.databaseId === databaseId)?.name;
  invariant(name !== undefined, 'a view that is materialized is in a database');
  return name;
}

const schemaOf = (columns: readonly Column[]): string => columns.map(({ name, type }) => `${name}:${type}`).join();

/** Rows of the stored part of a view, as an extent that no commit names yet. @returns undefined when there are none
 * @throws KqlError, DataError where its query means something else by now */
export async function writeStates(
  { store, queries }: { readonly store: TableStore; readonly queries: DataQueries },
  { record, catalog, open, signal }: StatesRequest,
): Promise<WrittenExtent | undefined> {
  const { now, writer } = store.parts;
  const names = { text: quotedName(record.name), database: databaseOfView(store, record), catalog };
  const request: QueryRequest = {
    ...names,
    now: ticksOfUnixMilliseconds(now()),
    sources: { open },
    ...(signal && { signal }),
  };
  const [statement] = await queries.prepareRows(queries.programOf(names), request);
  try {
    if (schemaOf(statement.columns) !== schemaOf(record.columns))
      throw dataError('InvalidView', 'The source was changed: its rows give the materialized view another schema.');
    const at = now();
    const facts = { tableId: record.tableId, originalBytes: 0, minCreatedOn: at, maxCreatedOn: at, tags: [] };
    return await statement.run((connection, select) =>
      writer.write(connection, positional(record, select), record, facts, at),
    );
  } finally {
    statement.close();
  }
}
