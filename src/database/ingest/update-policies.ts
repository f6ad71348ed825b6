import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import type { QueryRequest } from '../../kql/query-request.ts';
import { ticksOfUnixMilliseconds } from '../../kql/values/ticks.ts';
import type { DataErrorCode } from '../catalog/data-error.ts';
import { DataError, dataError } from '../catalog/data-error.ts';
import type { NoteOperation } from '../catalog/data-operations.ts';
import type { CatalogDraft } from '../catalog/catalog-draft.ts';
import type { CatalogReader } from '../catalog/image.ts';
import { databaseOf } from '../catalog/image.ts';
import { isHidden } from '../catalog/record-groups.ts';
import { viewsOf } from '../catalog/materialized-view.ts';
import type { IngestionFailure } from '../catalog/operations.ts';
import type { NamedPolicies } from '../catalog/read-policies.ts';
import type { TableRecord } from '../catalog/records.ts';
import { isFedBy } from '../catalog/update-policy.ts';
import type { Update } from '../catalog/updates.ts';
import { updatesOf } from '../catalog/updates.ts';
import { withoutSecurity } from '../catalog/views.ts';
import type { TableStore } from '../extents/table-store.ts';
import type { AppendRequest, IngestedBy, IngestRequest, IngestResult } from './ingest-request.ts';
import type { NewRows } from './new-rows.ts';
import { openNewRows, readNewRows } from './new-rows.ts';
import { positional } from './positional.ts';
import type { DataQueries } from './update-query.ts';
import {
  requireOneDatabase,
  requireSchema,
  requireStreamable,
  requireUnrestricted,
  updateText,
} from './update-query.ts';

export interface UpdatePolicyParts {
  readonly store: TableStore;
  readonly queries: DataQueries;
  /** All that the cluster has names for. */
  readonly catalog: () => KqlCatalog;
  readonly recordFailure: (failure: IngestionFailure) => Promise<void>;
  readonly randomBytes: RandomBytes;
}

/** How the rows of the source come. */
export interface DeriveOptions {
  readonly streaming: boolean;
  /** All other rows of the source go: so do those of the tables that are filled by it. */
  readonly replace: boolean;
  readonly tags: readonly string[] | undefined;
  readonly creationTime: Instant | undefined;
  readonly by: IngestedBy | undefined;
  readonly signal: AbortSignal | undefined;
}

export const deriveOptions = ({
  kind,
  replace = false,
  ...how
}: Partial<Pick<AppendRequest & IngestRequest, 'kind' | 'replace' | 'tags' | 'creationTime' | 'by'>> & {
  readonly signal?: AbortSignal | undefined;
}): DeriveOptions => {
  const { tags, creationTime, by, signal } = how;
  return { streaming: kind === 'streaming', replace, tags, creationTime, by, signal };
};

/** So long is a chain of policies at most, and so many run for one ingestion. */
const chainMax = 16;
const updatesMax = 256;
/** What is derived from rows of the log goes to the log, too, up to so much. */
const logged = { rowsMax: 10_000, unitsMax: 128 * 1024 };

/** What an update policy made, and what the commit tells of that. */
type MadeRows = NewRows & { readonly note: NoteOperation };

/** What a commit adds to other tables because of the rows that it adds to one. */
export class Derived {
  readonly #store: TableStore;
  readonly #rows: MadeRows[] = [];
  readonly #cleared = new Set<Guid>();
  /** Of an ingestion: `Inactive` when no policy ran. */
  status: 'Inactive' | 'Succeeded' | 'Failed' = 'Inactive';
  failure: { readonly code: string; readonly reason: string } | undefined;
  runs = 0;

  constructor(store: TableStore) {
    this.#store = store;
  }

  /** For the answer of an ingestion. */
  told(): Pick<IngestResult, 'updates'> {
    const { status, failure } = this;
    return status === 'Inactive' ? {} : { updates: { status, ...(failure === undefined ? {} : { failure }) } };
  }

  add(rows: MadeRows | undefined, cleared: Guid | undefined): void {
    if (rows !== undefined) this.#rows.push(rows);
    if (cleared !== undefined) this.#cleared.add(cleared);
  }

  /** Part of the commit. A table that was dropped meanwhile gets nothing. */
  apply(draft: CatalogDraft): void {
    for (const tableId of this.#cleared) draft.clearTable(tableId);
    for (const rows of this.#rows) {
      const { tableId } = rows.table;
      if (draft.get(`t/${tableId}`) === undefined) continue;
      if ('extents' in rows) {
        const records = rows.extents.map((extent) => this.#store.parts.writer.recordNow(extent));
        for (const record of records) draft.put(record);
        rows.note(draft, rows.table, records);
      } else draft.appendLog({ tableId, batch: rows.batch, at: rows.at });
    }
  }

  /** After the commit, however it ended: blobs that it does not name go with the next collection. */
  settled(): void {
    const { writer } = this.#store.parts;
    for (const rows of this.#rows) if ('extents' in rows) for (const extent of rows.extents) writer.settled(extent);
  }

  mark(): { readonly rows: number; readonly cleared: readonly Guid[] } {
    return { rows: this.#rows.length, cleared: [...this.#cleared] };
  }

  /** Forgets what was added since. */
  async backTo({ rows, cleared }: ReturnType<Derived['mark']>): Promise<void> {
    this.#cleared.clear();
    for (const tableId of cleared) this.#cleared.add(tableId);
    const { writer } = this.#store.parts;
    for (const gone of this.#rows.splice(rows))
      if ('extents' in gone) for (const extent of gone.extents) await writer.abandon(extent);
  }
}

/** Fills tables from the rows that others get. Everything that a policy makes is in the commit of the source's rows. Order: blob of the
 * source → for each policy its query over those rows alone → blob of what it makes, and so on from there → failures are recorded →
 * the one commit, made by the caller. A transactional policy that fails keeps the commit from being made. */
export class UpdatePolicies {
  readonly #parts: UpdatePolicyParts;
  readonly #updates = new Map<Guid, { readonly version: number; readonly updates: readonly Update[] }>();
  #names = 0;
  readonly #prefix: string;

  constructor(parts: UpdatePolicyParts) {
    this.#parts = parts;
    this.#prefix = `updates_${Buffer.from(parts.randomBytes(8)).toString('hex')}`;
  }

  /** Whether the rows of a table are for others alone: it keeps none, and a transactional policy takes them.
   * @throws DataError `ZeroRetention` when nobody takes them */
  isPassedOn(table: TableRecord): boolean {
    if (isHidden(table) || this.#parts.store.periods(table).softDeleteMs > 0) return false;
    if (!this.#from(table).some(({ policy }) => policy.IsTransactional)) throw dataError('ZeroRetention', table.name);
    return true;
  }

  /** @param rows undefined: there are none, but those that the table had go
   * @throws DataError of a transactional policy that failed */
  async derive(table: TableRecord, rows: NewRows | undefined, options: DeriveOptions): Promise<Derived> {
    const derived = new Derived(this.#parts.store);
    if (isHidden(table)) return derived;
    try {
      await this.#follow(table, rows, [table.tableId], options, derived);
      return derived;
    } catch (error) {
      await derived.backTo({ rows: 0, cleared: [] });
      throw error;
    }
  }

  async #follow(
    source: TableRecord,
    rows: NewRows | undefined,
    chain: readonly Guid[],
    options: DeriveOptions,
    derived: Derived,
  ): Promise<void> {
    for (const update of this.#from(source)) {
      const { target, policy } = update;
      // A circle ends where it would begin anew.
      if (chain.includes(target.tableId)) continue;
      const mark = derived.mark();
      try {
        if (rows !== undefined && ((derived.runs += 1) > updatesMax || chain.length > chainMax))
          throw new KqlError('limits', 'There are too many update policies in one ingestion.');
        const made = rows && (await this.#run(update, rows, chain, options));
        derived.add(made, options.replace ? target.tableId : undefined);
        if (derived.status === 'Inactive') derived.status = 'Succeeded';
        if (made !== undefined || options.replace)
          await this.#follow(target, made, [...chain, target.tableId], options, derived);
      } catch (error) {
        this.#requireGoingOn(rows, options, error);
        await derived.backTo(mark);
        const failure = asFailure(error, update);
        await this.#record(failure, failure === error, target, options);
        derived.status = 'Failed';
        derived.failure ??= { code: updateCode(failure.code), reason: failure.message };
        if (policy.IsTransactional) throw failure;
      }
    }
  }

  /** Nobody waits for what is made any more, or it must be made anew under another key. */
  #requireGoingOn(rows: NewRows | undefined, { signal }: DeriveOptions, error: unknown): void {
    if (signal?.aborted) throw error;
    if (rows === undefined || !('extents' in rows)) return;
    for (const extent of rows.extents) this.#parts.store.parts.writer.recordNow(extent);
  }

  #from(source: TableRecord): readonly Update[] {
    const { catalog } = this.#parts.store.parts;
    const { databaseId } = source;
    const known = this.#updates.get(databaseId);
    const version = catalog.schemaVersion;
    const updates = known?.version === version ? known.updates : updatesOf(catalog.image, databaseId);
    if (updates !== known?.updates) this.#updates.set(databaseId, { version, updates });
    return updates.filter(({ policy }) => isFedBy(policy, source.name));
  }

  /** @returns undefined when the query has no rows */
  async #run(
    { target, policy }: Update,
    rows: NewRows,
    chain: readonly Guid[],
    options: DeriveOptions,
  ): Promise<MadeRows | undefined> {
    const { store, queries } = this.#parts;
    const { now, writer, operations } = store.parts;
    const note = operations.begin('UpdatePolicy', options.by, { SourceTable: rows.table.name });
    const database = store.databaseById(target.databaseId)?.name ?? '';
    const { text, catalog } = updateText(policy, rows.table.name, database, withoutSecurity(this.#parts.catalog()));
    const names = { text, database, catalog };
    const program = queries.programOf(names);
    const compiled = await program.compile([]);
    requireOneDatabase(compiled, database);
    requireUnrestricted(compiled, namesIn(store.parts.catalog.image, target.databaseId));
    if (options.streaming) requireStreamable(compiled, rows.table.name, chain.length > 1);
    const request: QueryRequest = {
      ...names,
      now: ticksOfUnixMilliseconds(now()),
      sources: this.#sources(rows, database),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    };
    const [statement, ...others] = await queries.prepareRows(program, request);
    try {
      if (others.length > 0) throw new KqlError('semantic', 'The query of an update policy has one result.');
      requireSchema(statement.columns, target.columns);
      const at = now();
      if ('batch' in rows) {
        const batch = await statement.run((connection, select) =>
          readNewRows(connection, positional(target, select), target, logged),
        );
        if (batch !== undefined) return batch.rowCount === 0 ? undefined : { table: target, batch, at, note };
      }
      const createdOn = (policy.PropagateIngestionProperties ? options.creationTime : undefined) ?? at;
      const facts = {
        ...{ tableId: target.tableId, originalBytes: 0, minCreatedOn: createdOn, maxCreatedOn: createdOn },
        tags: (policy.PropagateIngestionProperties ? options.tags : undefined) ?? [],
      };
      const extent = await statement.run((connection, select) =>
        writer.write(connection, positional(target, select), target, facts, at),
      );
      return extent && { table: target, extents: [extent], note };
    } finally {
      statement.close();
    }
  }

  /** Of its source a query sees the new rows alone. */
  #sources(rows: NewRows, database: string): QueryRequest['sources'] {
    const { store } = this.#parts;
    return {
      open: (other, table, uses, _signal, turn) =>
        other === database && table === rows.table.name
          ? openNewRows(store, rows, () => `${this.#prefix}_${(this.#names += 1)}`, uses)
          : store.openNamed(other, table, undefined, uses, undefined, turn),
    };
  }

  /** @param isFurther it is a transactional policy further on that failed */
  async #record(
    failure: UpdatePolicyFailure,
    isFurther: boolean,
    target: TableRecord,
    { by }: DeriveOptions,
  ): Promise<void> {
    const { store, randomBytes, recordFailure } = this.#parts;
    const database = store.databaseById(target.databaseId)?.name ?? '';
    await recordFailure({
      ...{ operationId: newGuid(randomBytes), database, table: target.name, failedOn: store.parts.now() },
      details: failure.message.slice(0, 1000),
      failureKind: isFurther || failure.code === 'UpdatePolicyUnknown' ? 'Transient' : 'Permanent',
      rootActivityId: by?.rootActivityId ?? newGuid(randomBytes),
      operationKind: by?.operationKind ?? 'DataIngestPull',
      errorCode: isFurther ? 'UpdatePolicy_FailedDescendantTransaction' : updateCode(failure.code),
      principal: by?.principal ?? '',
      user: by?.user ?? '',
      shouldRetry: false,
      originatesFromUpdatePolicy: true,
    });
  }
}

const namesIn = (reader: CatalogReader, databaseId: Guid): NamedPolicies => ({
  tables: new Map(reader.tablesOf(databaseId).map((one) => [one.name, one])),
  views: new Map(
    viewsOf(reader, databaseId).map(({ tableId, name, policies, view }) => [
      name,
      { ...view, tableId, name, policies },
    ]),
  ),
  graphModels: databaseOf(reader, databaseId).graphModels ?? [],
});

/** A policy that failed: its table and query, and why. Nobody need write it down any more. */
export class UpdatePolicyFailure extends DataError {}

/** @see https://learn.microsoft.com/azure/data-explorer/error-codes */
const codes: Readonly<Partial<Record<DataErrorCode, string>>> = {
  UpdatePolicySchema: 'UpdatePolicy_QuerySchemaDoesNotMatchTableSchema',
  UpdatePolicyBadRequest: 'UpdatePolicy_BadRequest',
  UpdatePolicyIncompatible: 'BadRequest_UpdatePolicyIncompatible',
};
const updateCode = (code: DataErrorCode): string => codes[code] ?? 'UpdatePolicy_UnknownError';

/** What a client made wrong is told; of all else only that it was so. */
function asFailure(error: unknown, { target, policy }: Update): UpdatePolicyFailure {
  if (error instanceof UpdatePolicyFailure) return error; // of a policy further on
  const failure = (code: DataErrorCode, text: string): UpdatePolicyFailure =>
    new UpdatePolicyFailure(
      code,
      `Failed to invoke update policy. Target Table = '${target.name}', Query = '${policy.Query.slice(0, 500)}': ${text}`,
    );
  if (error instanceof DataError)
    return failure(codes[error.code] === undefined ? 'UpdatePolicyBadRequest' : error.code, error.message);
  if (error instanceof KqlError && error.code !== 'internal') return failure('UpdatePolicyBadRequest', error.message);
  return failure('UpdatePolicyUnknown', 'an unexpected error occurred.');
}
