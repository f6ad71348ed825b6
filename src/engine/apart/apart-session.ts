import type { ColumnValues, StatementConnection } from '../duckdb/engine-database.ts';
import type { Program } from '../kql/ir/plan.ts';
import type { OpenTable } from '../query-engine.ts';
import type { CommandRows, SessionFacts } from '../session.ts';
import type { Translation } from '../sql/translate.ts';

/** A program that runs in a thread that nobody else waits for. */
export interface ApartSession {
  /** Each result is to be read to its end before the next begins. */
  chunks(index: number): AsyncGenerator<readonly ColumnValues[]>;
  statement(index: number, wrapping: boolean): Promise<Translation>;
  readonly connection: StatementConnection;
  /** The thread is free for others once it has stopped. Safe to call twice. */
  close(): void;
}

export interface ApartRequest {
  readonly program: Program;
  readonly facts: SessionFacts;
  /** By `tableKey`; they stay open until the session is closed. */
  readonly tables: ReadonlyMap<string, OpenTable>;
  readonly command?: CommandRows;
  readonly signal?: AbortSignal;
}

export interface EngineThreads {
  /** Waits for a thread, and begins there. @throws KqlError, or what the signal was aborted with */
  begin(request: ApartRequest): Promise<ApartSession>;
  close(): Promise<void>;
}
