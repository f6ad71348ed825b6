import type { ColumnValues, StatementConnection } from './duckdb/engine-database.ts';
import type { Program } from './plan/plan.ts';
import type { KeptBefore } from './kept-stages.ts';
import type { OpenTable, TailRows } from './query-request.ts';
import type { CommandRows, SessionFacts } from './session.ts';
import type { Translation } from './sql/translate.ts';

/** A query that runs in a thread that nobody else waits for. */
export interface ApartSession {
  /** Begins a program; once more for the one that is made of what it has told, which goes on from there.
   * @throws KqlError, OpenSchema, or what the signal was aborted with */
  begin(program: ApartProgram): Promise<void>;
  /** Each result is to be read to its end before the next begins. */
  chunks(index: number): AsyncGenerator<readonly ColumnValues[]>;
  statement(index: number, wrapping: boolean): Promise<Translation>;
  readonly connection: StatementConnection;
  /** The thread is free for others once it has stopped. Safe to call twice. */
  close(): void;
}

export interface ApartProgram {
  readonly program: Program;
  readonly facts: SessionFacts;
  /** By `tableKey`; they stay open until the session is closed. */
  readonly tables: ReadonlyMap<string, OpenTable>;
  /** What has told columns elsewhere, of the first program; the rows are among `tails`. */
  readonly kept?: KeptBefore;
  readonly tails?: readonly TailRows[];
  /** That the query may hold, besides the rows of `tails` and `tables`. The first program says it for all that follow. */
  readonly memoryBytes?: number;
  /** Of the threads of its engine, the same. Absent: all. */
  readonly threadsPercent?: number;
}

export interface ApartRequest {
  readonly command?: CommandRows;
  readonly signal?: AbortSignal;
}

export interface EngineThreads {
  /** Waits for a thread, for one query. @throws KqlError, or what the signal was aborted with */
  begin(request: ApartRequest): Promise<ApartSession>;
  close(): Promise<void>;
}
