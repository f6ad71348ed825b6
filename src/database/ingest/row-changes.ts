import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { RandomBytes } from '../../base/random.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { SnapshotGoneError } from '../../kql/open-tables.ts';
import type { OpenTable } from '../../kql/query-request.ts';
import type { RowStatement } from '../../kql/query-engine.ts';
import { hiddenTable } from '../../kql/plan/hidden-tables.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import type { StatementConnection } from '../../kql/duckdb/engine-database.ts';
import { BlobNotFoundError } from '../../storage/blob-store.ts';
import { dataError } from '../catalog/data-error.ts';
import { requireView } from '../catalog/materialized-view.ts';
import type { ExtentRecord, TableRecord } from '../catalog/records.ts';
import { collect } from '../extents/collect.ts';
import type { WrittenExtent } from '../extents/extent-writer.ts';
import { withOneOf } from '../extents/chosen-extents.ts';
import { columnsText } from '../extents/extent-moves.ts';
import { HeldExtents } from '../extents/held-extents.ts';
import { keepRows } from '../extents/kept-rows.ts';
import type { Merger } from '../extents/merger.ts';
import { hasViews, movedExtent, requireMovable } from '../extents/moved-extents.ts';
import { keptBy } from '../extents/periods.ts';
import type { NewExtent } from '../extents/replace-extents.ts';
import { commitExtents, ExtentsGoneError, onSettledExtents } from '../extents/replace-extents.ts';
import { RowMarks } from '../extents/row-marks.ts';
import { openTable } from '../extents/table-sources.ts';
import type { TableStore } from '../extents/table-store.ts';
import type { IngestedBy } from './ingest-request.ts';
import type { Select } from './positional.ts';
import { positional } from './positional.ts';
import type { UpdatePolicies } from './update-policies.ts';
import { deriveOptions } from './update-policies.ts';

/** Opens the tables of a change as they were when it began. @returns undefined for all others */
export type ChangedTables = (database: string, table: string, uses?: TableUses) => Promise<OpenTable> | undefined;

/** The queries of a change, over one snapshot. */
export interface ChangeStatements {
  /** Which records go: extents as text, and places in them; see `withRecordPlaces`. */
  readonly gone: RowStatement;
  /** What comes instead, in the columns of the table. */
  readonly added?: RowStatement;
  close(): void;
}

/** Records of a table that go, and what comes in their place, in one commit. */
export interface RowChangeRequest {
  readonly database: string;
  /** As plans name it: a table, or the stored part of a materialized view. */
  readonly table: string;
  /** Begins the queries. Called again when extents were moved meanwhile. */
  readonly prepare: (tables: ChangedTables) => Promise<ChangeStatements>;
  /** Another table of the database, whose extents come to this one. */
  readonly moved?: {
    readonly table: string;
    /** Those that have one of them; absent: all. */
    readonly tags?: readonly string[];
  };
  /** Nothing is changed. */
  readonly whatIf: boolean;
  /** So many records may go; absent: all. */
  readonly goneMax?: number;
  readonly by?: IngestedBy;
  readonly signal?: AbortSignal | undefined;
}

/** An extent of which records went; `result`: the one that has the others, if there are any. */
export interface ReplacedExtent {
  readonly extentId: Guid;
  readonly result: Guid | undefined;
  readonly goneCount: number;
}

export interface RowChange {
  readonly replaced: readonly ReplacedExtent[];
  /** Extents that came. `from`: the table and the extent that it was. What would come has no id. */
  readonly created: readonly {
    readonly extentId: Guid | undefined;
    readonly rowCount: number;
    readonly from?: { readonly table: string; readonly extentId: Guid };
  }[];
}

export interface RowChanges {
  /** Takes records out of a table for good, and puts others there. Rows that were sent before are seen, those in the log too; rows that come
   * meanwhile stay. @throws DataError `ExtentsChanged`; KqlError */
  changeRows(request: RowChangeRequest): Promise<RowChange>;
}

export interface RowChangeParts {
  readonly store: TableStore;
  readonly merger: Merger;
  readonly updates: UpdatePolicies;
  readonly randomBytes: RandomBytes;
}

interface Held {
  /** In plans. */
  readonly name: string;
  readonly table: TableRecord;
  readonly extents: HeldExtents;
}

/** Order: the log of the table becomes an extent → which records go, by extent and place → for each such extent a blob with its other
 * records → a blob with what comes → blobs of what update policies make of that → one commit that puts all of them in the place of the
 * extents that records went from → the blobs of those. A commit that finds one of these extents gone makes everything anew. */
export function createRowChanges({ store, merger, updates, randomBytes }: RowChangeParts): RowChanges {
  const { catalog, writer, now } = store.parts;

  /** The extents of now, in pages where they lie in such; rows that come to the log from now on are not looked at. */
  async function hold(database: string, name: string): Promise<Held> {
    await merger.flush(recordOf(database, name));
    const table = recordOf(database, name);
    return { name, table, extents: new HeldExtents(catalog.image, table, keptBy(store.periods(table), now())) };
  }

  const recordOf = (database: string, name: string): TableRecord => {
    const hidden = hiddenTable(name);
    if (hidden?.kind !== 'view') return store.table(database, name);
    return requireView(catalog.image, store.database(database).databaseId, hidden.view);
  };

  const opener =
    (database: string, held: readonly Held[]): ChangedTables =>
    (other, name, uses) => {
      const found = held.find((one) => one.name === name);
      if (found === undefined || other.toLowerCase() !== database.toLowerCase()) return undefined;
      const { files, connect } = store.parts;
      const { table, extents } = found;
      const snapshot = () => ({ table, extents: extents.all, segments: [] });
      return openTable({ files, connect, keys: () => catalog.keys, snapshot, opened: extents.opened }, uses);
    };

  async function attempt(request: RowChangeRequest): Promise<RowChange> {
    const { database, moved } = request;
    const { generation } = catalog.keys;
    const target = await hold(database, request.table);
    const source = moved && (await hold(database, moved.table));
    if (source !== undefined) requireMovable(source.table, target.table);
    const coming = source === undefined ? [] : [...source.extents.each(withOneOf(moved?.tags))];
    const held = source === undefined ? [target] : [target, source];
    try {
      return await changed(request, target, source, coming, held);
    } catch (error) {
      // What was merged or dropped while it was to be read has taken its blob along; after a change of custody its key is another.
      const isNotThere = error instanceof BlobNotFoundError || error instanceof SnapshotGoneError;
      throw (isNotThere && held.some(({ extents }) => extents.hasLost())) || catalog.keys.generation !== generation
        ? new ExtentsGoneError()
        : error;
    }
  }

  async function changed(
    request: RowChangeRequest,
    target: Held,
    source: Held | undefined,
    coming: readonly ExtentRecord[],
    held: readonly Held[],
  ): Promise<RowChange> {
    const { database, whatIf, signal, goneMax = Infinity } = request;
    const statements = await request.prepare(opener(database, held));
    try {
      const { added } = statements;
      if (added !== undefined) requireSameTypes(added.columns, target.table);
      const marks = await statements.gone.run((connection, select) =>
        RowMarks.read(connection, select, target.extents, signal),
      );
      if (marks.count > goneMax)
        throw new KqlError(
          'limits',
          `At most ${goneMax} records can be deleted by one command; this would be ${marks.count}.`,
        );
      if (whatIf) return await foretold(marks, added, source, coming);
      const kept = new Map<Guid, WrittenExtent>();
      const others: NewExtent[] = [];
      let extent: WrittenExtent | undefined;
      try {
        for (const one of marks.extents) {
          signal?.throwIfAborted();
          const rest = await keepRows(store, target.table, one, marks);
          if (rest !== undefined) kept.set(one.extentId, rest);
        }
        extent = await added?.run((connection, select) => write(connection, select, target.table));
        for (const one of coming) {
          signal?.throwIfAborted();
          invariant(source, 'what comes has a table');
          const at = hasViews(store, target.table) ? now() : undefined;
          const came = await movedExtent({ store, randomBytes }, one, source.table, target.table, at);
          if (came !== undefined) others.push(came);
        }
        const all = [...kept.values(), ...(extent === undefined ? [] : [extent]), ...others];
        await commit(request, target, [...marks.extents, ...coming], all, extent);
      } finally {
        for (const one of [...kept.values(), ...(extent === undefined ? [] : [extent])]) writer.settled(one);
        for (const one of others) if (!('of' in one)) writer.settled(one);
      }
      return {
        replaced: marks.extents.map(({ extentId }) => ({
          extentId,
          result: kept.get(extentId)?.record.extentId,
          goneCount: marks.countOf(extentId),
        })),
        created: [
          ...(extent === undefined ? [] : [{ extentId: extent.record.extentId, rowCount: extent.record.rowCount }]),
          ...others.map(({ record }, index) => ({
            extentId: record.extentId,
            rowCount: record.rowCount,
            ...fromOf(source, coming[index]),
          })),
        ],
      };
    } finally {
      statements.close();
    }
  }

  /** The blobs are durable. */
  async function commit(
    request: RowChangeRequest,
    { table }: Held,
    old: readonly ExtentRecord[],
    by: readonly NewExtent[],
    added: WrittenExtent | undefined,
  ): Promise<void> {
    if (old.length === 0 && by.length === 0) return;
    const rows = added && { table, extents: [added] };
    const derived = await updates.derive(table, rows, deriveOptions(request));
    try {
      await commitExtents(store, old, by, (draft) => {
        const current = store.current(draft, table);
        if (columnsText(current) !== columnsText(table)) throw new ExtentsGoneError();
        derived.apply(draft);
      });
    } finally {
      derived.settled();
    }
  }

  function write(
    connection: StatementConnection,
    select: Select,
    table: TableRecord,
  ): Promise<WrittenExtent | undefined> {
    const at = now();
    const facts = { tableId: table.tableId, originalBytes: 0, minCreatedOn: at, maxCreatedOn: at, tags: [] };
    return writer.write(connection, positional(table, select), table, facts, at);
  }

  return {
    changeRows: async (request) => {
      try {
        return await onSettledExtents(() => writer.retried(() => attempt(request)));
      } catch (error) {
        throw error instanceof ExtentsGoneError ? dataError('ExtentsChanged', request.table) : error;
      }
    },
  };
}

async function foretold(
  marks: RowMarks,
  added: RowStatement | undefined,
  source: Held | undefined,
  coming: readonly ExtentRecord[],
): Promise<RowChange> {
  const count = await added?.run(async (connection, { sql, bound }) => {
    const [row] = await collect(connection, `SELECT count(*) FROM (${sql})`, bound);
    return Number(row?.[0] ?? 0);
  });
  return {
    replaced: marks.extents.map(({ extentId }) => ({
      extentId,
      result: undefined,
      goneCount: marks.countOf(extentId),
    })),
    created: [
      ...(count === undefined || count === 0 ? [] : [{ extentId: undefined, rowCount: count }]),
      ...coming.map((extent) => ({ extentId: undefined, rowCount: extent.rowCount, ...fromOf(source, extent) })),
    ],
  };
}

const fromOf = (
  source: Held | undefined,
  extent: ExtentRecord | undefined,
): Pick<RowChange['created'][number], 'from'> =>
  source === undefined || extent === undefined ? {} : { from: { table: source.table.name, extentId: extent.extentId } };

function requireSameTypes(columns: readonly Column[], table: TableRecord): void {
  const types = (some: readonly Pick<Column, 'type'>[]): string => some.map(({ type }) => `'${type}'`).join(',');
  if (types(columns) !== types(table.columns))
    throw new KqlError(
      'semantic',
      `Query schema does not match table schema. QuerySchema=(${types(columns)}), TableSchema=(${types(table.columns)}).`,
    );
}
