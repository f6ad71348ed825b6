import { invariant } from '../../base/invariant.ts';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import { quotedName } from '../../kql/plan/quoted.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { RowStatement } from '../../kql/query-engine.ts';
import type { EngineSources, QueryRequest } from '../../kql/query-request.ts';
import { ticksOfUnixMilliseconds } from '../../kql/values/ticks.ts';
import { dataError } from '../catalog/data-error.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';
import { collect } from '../extents/collect.ts';
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
  const name = store.databaseById(databaseId)?.name;
  invariant(name !== undefined, 'a view that is materialized is in a database');
  return name;
}

const schemaOf = (columns: readonly Column[]): string => columns.map(({ name, type }) => `${name}:${type}`).join();

/** A statement over the states of a view. */
async function prepare(
  { store, queries }: { readonly store: TableStore; readonly queries: DataQueries },
  { record, catalog, open, signal }: StatesRequest,
): Promise<RowStatement> {
  const names = { text: quotedName(record.name), database: databaseOfView(store, record), catalog };
  const request: QueryRequest = {
    ...names,
    now: ticksOfUnixMilliseconds(store.parts.now()),
    sources: { open },
    ...(signal && { signal }),
  };
  const [statement] = await queries.prepareRows(queries.programOf(names), request);
  return statement;
}

/** What is told of the states of a view, in a handful of rows. */
export async function readStates(
  parts: { readonly store: TableStore; readonly queries: DataQueries },
  request: StatesRequest,
): ReturnType<typeof collect> {
  const statement = await prepare(parts, request);
  try {
    return await statement.run((connection, { sql, bound }) => collect(connection, sql, bound));
  } finally {
    statement.close();
  }
}

/** Rows of the stored part of a view, as an extent that no commit names yet. @returns undefined when there are none
 * @throws KqlError, DataError where its query means something else by now */
export async function writeStates(
  parts: { readonly store: TableStore; readonly queries: DataQueries },
  request: StatesRequest,
): Promise<WrittenExtent | undefined> {
  const { record } = request;
  const { now, writer } = parts.store.parts;
  const statement = await prepare(parts, request);
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
