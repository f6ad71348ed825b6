import type { CursorOptions } from './plan/cursor-options.ts';
import type { ColumnValues } from './duckdb/engine-database.ts';
import type { KqlCatalog } from './plan/catalog.ts';
import type { Program } from './plan/plan.ts';
import type { KqlType } from './plan/types.ts';
import type { TableUses } from './scan-ranges.ts';
import type { PrincipalDetails, TableSource } from './sql/context.ts';
import type { KnownRows } from './summaries.ts';

/** How much of the stored tables a query looks at. */
export interface ScanCounts {
  readonly extents: number;
  readonly extentsScanned: number;
  readonly rows: number;
  readonly rowsScanned: number;
}

export interface OpenTable extends TableSource {
  readonly counts?: ScanCounts;
  /** For each summary that was asked for, what it is of the rows that `sql` leaves out. Absent: `sql` leaves out none that they are of. */
  readonly known?: readonly KnownRows[];
  /** The same rows where no table of the engine is seen but those of `tails`; absent where `sql` reads no other. */
  readonly apart?: () => Pick<TableSource, 'sql' | 'sqlOf' | 'extentSql'>;
  /** Rows that lie in tables of the engine, which other threads do not see. */
  readonly tails?: readonly TailRows[];
  /** The rows are not of the moment when they were asked for: what there was then was gone before it could be read. */
  readonly isLater?: true;
  /** The same rows, of the same moment, for other uses. @throws SnapshotGoneError where they are there no more */
  again?(uses: TableUses): Promise<OpenTable>;
  /** What these rows go together with: tables that tell other moments of the same thing are not of one query. */
  readonly moments?: readonly { readonly of: string; readonly at: number }[];
  /** Called once, when the query is over. */
  release(): void;
}

/** The rows of a table of the engine that `sql` of an `OpenTable` reads. */
export interface TailRows {
  /** Of the table in the engine. */
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly type: KqlType }[];
  /** In the order of the columns, in the types of `stagingType`. */
  rows(): AsyncIterable<ColumnValues[]>;
}

/** Where rows come from. `open` is called once for every table that a query names, before it runs. */
export interface EngineSources {
  /** Which rows there are is said by the moment of the call, so that tables asked for in one go are of one moment.
   * @param uses of the table in the query: rows that none of them asks for may be left out, and those that are known to all summaries
   * @param turn rows are not read before it has come. What it fails with, `open` fails with */
  open(
    database: string,
    table: string,
    uses: TableUses,
    signal?: AbortSignal,
    turn?: Promise<unknown>,
  ): Promise<OpenTable>;
}

export interface QueryRequest {
  readonly text: string;
  readonly database: string;
  readonly catalog: KqlCatalog;
  /** As the client sent them: KQL literals as text, or JSON values. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Ticks that `now()` gives in the whole request. */
  readonly now: bigint;
  readonly principal?: string;
  /** Absent: nobody asks, but the cluster itself. */
  readonly principalDetails?: PrincipalDetails;
  /** What else `current_principal_is_member_of()` knows the principal by: its groups, `aadgroup={object id};{tenant id}`, and its name. */
  readonly memberOf?: readonly string[];
  /** What `cursor_current()` is: when the newest records were ingested that can be read, in ticks. Taken before a table is opened. */
  readonly cursor?: bigint;
  /** What the client says of cursors; `set` statements of the text go before. */
  readonly cursors?: CursorOptions;
  /** Unions do without tables that are not there, as under `set best_effort`. */
  readonly bestEffort?: boolean;
  /** `json`: chunks of results have one column, each value the JSON array of a row as clients get it. */
  readonly rowsAs?: 'json';
  /** Bytes that the query may hold, by whoever asks and by the `set` statements of its text; undefined: what there is. */
  readonly memoryBytes?: (set: Program['options']) => number | undefined;
  /** Whether only what counts as hot is read, by the same. Absent: all is. */
  readonly hotOnly?: (set: Program['options']) => boolean;
  /** Percent of the engine's threads that the query may have, by the same; undefined: all. */
  readonly threadsPercent?: (set: Program['options']) => number | undefined;
  readonly signal?: AbortSignal;
  readonly sources: EngineSources;
}
