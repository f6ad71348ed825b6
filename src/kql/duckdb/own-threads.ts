import type { DuckDBConnection, DuckDBPendingResult, DuckDBResult } from '@duckdb/node-api';
import { machineTime } from '../../clock/host-time.ts';
import type { BoundValue } from '../sql/context.ts';
import { bindings } from './bindings.ts';

/** Of a statement that has started. */
interface KeptPending {
  readonly pending_result: unknown;
}

const pollMsMax = 8;
/** Of the time it took, so much more at most passes before it is seen that a statement has ended. */
const lateness = 1 / 8;

/** Waits for a statement that has started and that no thread of ours works on: DuckDB's own do, a piece of each statement after the other. It
 * is looked at every few milliseconds. It must be started in a transaction that began before the statement was prepared, and have no
 * parameters: else DuckDB may plan it anew in this thread, and wait in it for a function that is to be called in it. And it may call none:
 * whoever looks at one that has failed waits until all threads have left it. So nobody looks once it was interrupted.
 * @throws what the statement failed with */
export async function startedElsewhere(
  pending: DuckDBPendingResult,
  isInterrupted: () => boolean,
): Promise<DuckDBResult> {
  const { pending_result: kept } = pending as unknown as KeptPending;
  const { RESULT_NOT_READY, NO_TASKS_AVAILABLE } = bindings.PendingState;
  const startedMs = machineTime.monotonic();
  while (!isInterrupted()) {
    const state = bindings.pending_execute_check_state(kept);
    if (state !== RESULT_NOT_READY && state !== NO_TASKS_AVAILABLE) break;
    const waitMs = Math.max(1, Math.min((machineTime.monotonic() - startedMs) * lateness, pollMsMax));
    await new Promise<void>((resolve) => machineTime.startTimer(waitMs, resolve));
  }
  try {
    return await pending.getResult();
  } catch (error) {
    throw new Error(causeOf(error instanceof Error ? error.message : ''), { cause: error });
  }
}

/** DuckDB puts words of its own before the reason. */
const causeOf = (message: string): string =>
  message.replace(/^Invalid Input Error: Attempting to execute an unsuccessful[^\n]*\nError: /, '');

/** Transactions of a connection, one after the other: in one no catalog changes for it. */
export class Transactions {
  readonly #duckdb: DuckDBConnection;
  #isOpen = false;

  constructor(duckdb: DuckDBConnection) {
    this.#duckdb = duckdb;
  }

  /** The same chunks, read in a transaction. One that is left before its end is ended before the next: nothing is under way behind whoever
   * leaves, who may close the connection.
   * @param chunks are whole when they return true */
  async *around<T>(chunks: AsyncGenerator<T, boolean>): AsyncGenerator<T, boolean> {
    await this.end();
    await this.#duckdb.run('BEGIN');
    this.#isOpen = true;
    const isWhole = yield* chunks;
    if (isWhole) await this.end();
    return isWhole;
  }

  async end(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      await this.#duckdb.run('COMMIT');
    } catch {
      // It had failed.
      await this.#duckdb.run('ROLLBACK').catch(() => undefined);
    }
  }
}

/** Of a statement without rows worth reading. */
export async function finished(chunks: AsyncGenerator<unknown, boolean>): Promise<void> {
  while ((await chunks.next()).done !== true);
}

/** Texts in it, names, and parameters. */
const tokens = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w+)/g;

/** A statement with its values written out, each as a text that is cast where it stands; what is no plain text as bytes. */
export function withValues(sql: string, bound: readonly BoundValue[]): string {
  const values = new Map(bound.map(({ name, value }) => [name, value]));
  return sql.replaceAll(tokens, (token: string, name: string | undefined) => {
    const value = name === undefined ? undefined : values.get(name);
    return value === undefined ? token : written(value);
  });
}

function written(value: BoundValue['value']): string {
  if (value === null) return 'NULL';
  const text = String(value);
  if (/^[\x20-\x7e]*$/.test(text)) return `'${text.replaceAll("'", "''")}'`;
  return `decode('${[...Buffer.from(text, 'utf8')].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}'::BLOB)`;
}
