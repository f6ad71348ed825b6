import { invariant } from '../../base/invariant.ts';
import type {
  DuckDBConnection,
  DuckDBDataChunk,
  DuckDBPendingResult,
  DuckDBPreparedStatement,
  DuckDBResult,
} from '@duckdb/node-api';
import { DuckDBInstance, ResultReturnType } from '@duckdb/node-api';
import type { KqlType } from '../plan/types.ts';
import { physicalType } from '../plan/types.ts';
import type { KqlErrorCode } from '../plan/kql-error.ts';
import { engineMistake, KqlError, lowMemory } from '../plan/kql-error.ts';
import type { BoundValue } from '../sql/context.ts';
import type { NativeFunction, NativeValue } from '../sql/native.ts';
import { decimalTooLong } from '../values/decimal.ts';
import { appendColumns, chunkRows } from './append-columns.ts';
import type { NativeLimit, Stopping } from './native-budget.ts';
import { NativeBudget, NeedsThreadError, nativeLimit } from './native-budget.ts';
import { partsOf } from './vector-values.ts';
import { callsNatives } from './native-calls.ts';
import { finished, startedElsewhere, Transactions, withValues } from './own-threads.ts';
import type { NativeCaller } from './run-native.ts';
import { runNative } from './run-native.ts';
import { needsThreadMark, refusalMark, scalarFunction } from './scalar-function.ts';
import { setupSql } from './setup-sql.ts';

export interface EngineDatabaseOptions {
  /** One of them is whoever asks, in its own thread; the others are the engine's. */
  readonly threads: number;
  /** Such as `1GB`. */
  readonly memoryLimit: string;
  /** Whether memory and threads may be other ones later; nothing else may. */
  readonly limitsChange?: boolean;
  /** A directory in memory (tmpfs) for spilling; without it a query that needs more memory fails. */
  readonly spillDirectory?: string;
  /** How what the one connection that there is works on is ended from outside. */
  readonly stopping?: Stopping;
  /** Default: in the thread that owns the engine. */
  readonly callNatives?: NativeCaller;
}

/** One column of a chunk. Values by type: bool boolean · int number · long, datetime, timespan bigint · real number ·
 * string, dynamic (JSON text), guid, decimal string; null for null. */
export type ColumnValues = readonly NativeValue[];

/** A connection for one request. Temporary tables live as long as it does. */
export interface EngineConnection {
  /** @returns columns of each chunk, in the order selected; decimal and guid must be selected as VARCHAR */
  stream(sql: string, bound: readonly BoundValue[]): AsyncGenerator<ColumnValues[]>;
  /** Makes a temporary table of columns v0, v1 … and `position`. */
  createTable(name: string, types: readonly KqlType[], rows: readonly (readonly NativeValue[])[]): Promise<void>;
  /** Runs a statement that answers nothing worth reading. */
  run(sql: string, bound?: readonly BoundValue[]): Promise<void>;
  /** Leaves the statements from now on to the engine's own threads, which work on a piece of each connection's after the other. So however
   * many are heavy, as many of them run as the engine has threads, and whoever asks for little does it in a thread of its own beside them.
   * Those that call JavaScript stay as they are: such a call waits for the thread that would look whether the statement has ended, and when
   * one has failed, looking waits for all calls. */
  giveWay(): void;
  /** What JavaScript may do for this connection. */
  readonly budget: NativeBudget;
  /** Adds rows to a table whose columns have the types of `stagingType`. */
  append(table: string, types: readonly KqlType[], columns: readonly ColumnValues[]): Promise<void>;
  interrupt(): void;
  close(): void;
}

/** What statements over the rows of a query run on, here or in another thread. */
export type StatementConnection = Pick<EngineConnection, 'run' | 'stream'>;

export interface EngineDatabase {
  connect(limit?: NativeLimit): Promise<EngineConnection>;
  close(): void;
}

/** Opens an in-memory database that cannot reach files, extensions or its own settings. Native functions are registered once. */
export async function openEngineDatabase(
  options: EngineDatabaseOptions,
  natives: readonly NativeFunction[],
): Promise<EngineDatabase> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads),
    memory_limit: options.memoryLimit,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    // An empty name turns spilling off.
    temp_directory: options.spillDirectory ?? '',
  });
  const setup = await instance.connect();
  const budgets = new Map<number, NativeBudget>();
  let connections = 0;
  for (const fn of natives) setup.registerScalarFunction(scalarFunction(fn, budgets, options.callNatives ?? runNative));
  const memory = await setup.runAndReadAll(`SELECT parse_formatted_bytes('${options.memoryLimit}')::BIGINT`);
  const memoryBytes = Number(memory.getRows()[0]?.[0]);
  await setup.run(setupSql(options.limitsChange === true));
  const closeAll = (): void => {
    setup.closeSync();
    instance.closeSync();
  };
  // An instance that is closed under a statement takes the process with it.
  let [inUse, isClosing] = [0, false];
  const left = (): void => {
    inUse -= 1;
    if (isClosing && inUse === 0) closeAll();
  };
  return {
    connect: async (limit = nativeLimit) => {
      if (isClosing) throw interrupted();
      inUse += 1;
      try {
        const duckdb = await instance.connect();
        const number = (connections += 1);
        const budget = new NativeBudget(limit, options.stopping, undefined, memoryBytes);
        budgets.set(number, budget);
        const hasOwnThreads = options.threads > 1;
        return connection(duckdb, number, budget, hasOwnThreads, () => {
          if (budgets.delete(number)) left();
        });
      } catch (error) {
        left();
        throw error;
      }
    },
    close: () => {
      isClosing = true;
      if (inUse === 0) closeAll();
    },
  };
}

/** Errors of DuckDB hold values and SQL; only their kind leaves this file. */
export function engineError(error: unknown): KqlError {
  if (error instanceof KqlError) return error;
  const message = error instanceof Error ? error.message : '';
  if (message.includes(needsThreadMark)) return new NeedsThreadError();
  for (const code of ['notSupported', 'runtime', 'limits', 'cancelled', 'memory'] as const) {
    const own = message.split(refusalMark[code] ?? '\0')[1];
    if (own === undefined) continue;
    const [, engineCode, words] = /^\[(SEM\d{4}|)\](.*)$/s.exec(own) ?? [];
    if (words === undefined) return new KqlError(code, own);
    return engineMistake(code, engineCode === '' ? {} : { code: engineCode }, words);
  }
  if (/INTERRUPT/i.test(message)) return interrupted();
  if (/^Out of Memory|failed to (allocate|pin|offload)/i.test(message)) return lowMemory();
  if (/No space left on device/i.test(message)) return lowMemory('The files in memory have no room for the rows');
  if (/^Out of Range|overflow/i.test(message)) return new OverflowError();
  if (/^INTERNAL Error: Failed to cast expression to type/.test(message)) return new UnplannedError();
  if (
    /^Invalid Input Error: .*regex|no argument for repetition|missing \)|invalid perl operator|invalid escape/i.test(
      message,
    )
  )
    return new KqlError('runtime', 'A regular expression in the query is not valid.');
  if (/QUANTILE can only take parameters in the range/.test(message))
    return new KqlError('semantic', 'A percentile must be from 0 to 100.');
  if (/^Conversion Error.*DECIMAL\(38,18\)/.test(message)) return new KqlError('notSupported', decimalTooLong);
  if (/^Conversion Error/.test(message)) return new KqlError('runtime', 'A value could not be converted.');
  const failure = new KqlError('internal', 'The engine could not run the query.');
  failure.cause = error;
  return failure;
}

const interrupted = (): KqlError => new KqlError('cancelled', 'The query was stopped.');

/** Integer arithmetic overflowed: the query runs again in its second form, where it wraps. */
export class OverflowError extends KqlError {
  constructor(code: KqlErrorCode = 'runtime', message = 'An arithmetic operation overflowed.') {
    super(code, message);
  }
}

/** DuckDB failed to plan a statement that is right: it runs again in its second form, which says the same in another way (`isFirst`). */
class UnplannedError extends OverflowError {
  constructor() {
    super('internal', 'The engine could not plan the query.');
  }
}

interface Running {
  /** Before a statement is prepared. */
  readonly ready: (sql: string) => Promise<void>;
  readonly budget: NativeBudget;
  readonly isInterrupted: () => boolean;
}

/** Prepares exactly one statement (text of two is refused by DuckDB), and runs it. */
async function withStatement(
  duckdb: DuckDBConnection,
  sql: string,
  bound: readonly BoundValue[],
  { ready, budget, isInterrupted }: Running,
  run: (statement: DuckDBPreparedStatement) => Promise<DuckDBResult>,
): Promise<DuckDBResult> {
  let statement: DuckDBPreparedStatement | undefined;
  try {
    await ready(sql);
    statement = await duckdb.prepare(sql);
    // An interrupt means nothing to DuckDB while it plans.
    if (isInterrupted()) throw interrupted();
    bind(statement, bound);
    return await run(statement);
  } catch (error) {
    throw causeOf(error, budget);
  } finally {
    budget.known.clear();
    statement?.destroySync();
  }
}

/** The statement tells which of the values it names. */
function bind(statement: DuckDBPreparedStatement, bound: readonly BoundValue[]): void {
  const values = new Map(bound.map(({ name, value }) => [name, value]));
  statement.bind(
    Array.from({ length: statement.parameterCount }, (_each, index) => {
      const value = values.get(statement.parameterName(index + 1));
      invariant(value !== undefined, 'every parameter of a statement has a value');
      return value;
    }),
  );
}

/** What DuckDB says when a native function refuses is of DuckDB's; the budget knows the reason. */
function causeOf(error: unknown, budget: NativeBudget): KqlError {
  return budget.failure ?? engineError(error);
}

/** DuckDB ends a stream that fails on its way as one that is complete; only the type of the result tells. The reason is found by running
 * the statement once more, its rows thrown away. */
async function failureOf(
  duckdb: DuckDBConnection,
  sql: string,
  bound: readonly BoundValue[],
  running: Running,
): Promise<KqlError> {
  const { budget } = running;
  if (budget.failure) return budget.failure;
  try {
    await withStatement(duckdb, `EXPLAIN ANALYZE ${sql}`, bound, running, (statement) => statement.run());
  } catch (error) {
    return causeOf(error, budget);
  }
  return new KqlError('internal', 'The engine could not run the query to its end.');
}

/** @param number by which functions in JavaScript know what they are called for */
function connection(
  duckdb: DuckDBConnection,
  number: number,
  budget: NativeBudget,
  hasOwnThreads: boolean,
  onClose: () => void,
): EngineConnection {
  let isInterrupted = false;
  let givesWay = false;
  const transactions = new Transactions(duckdb);
  let isNumbered = false;
  const running: Running = {
    // Most queries call none, and to set a variable takes as long as a tenth of a small one.
    ready: async (sql) => {
      if (isNumbered || !callsNatives(sql)) return;
      await duckdb.run(`SET VARIABLE connection = ${number}::INTEGER`);
      isNumbered = true;
    },
    budget,
    isInterrupted: () => isInterrupted,
  };
  /** @returns whether all have come */
  async function* chunksOf(
    sql: string,
    bound: readonly BoundValue[],
    start: (statement: DuckDBPreparedStatement) => Promise<DuckDBResult>,
  ): AsyncGenerator<ColumnValues[], boolean> {
    const result = await withStatement(duckdb, sql, bound, running, start);
    for (;;) {
      let chunk: DuckDBDataChunk | null;
      try {
        chunk = await result.fetchChunk();
      } catch (error) {
        throw causeOf(error, budget);
      }
      if (chunk === null || chunk.rowCount === 0) return result.returnType !== ResultReturnType.INVALID;
      yield* partsOf(chunk);
    }
  }
  const leaves = (sql: string): boolean => givesWay && !callsNatives(sql);
  const elsewhere = (
    sql: string,
    bound: readonly BoundValue[],
    start: (statement: DuckDBPreparedStatement) => DuckDBPendingResult,
  ): AsyncGenerator<ColumnValues[], boolean> =>
    transactions.around(
      chunksOf(withValues(sql, bound), [], (one) => startedElsewhere(start(one), running.isInterrupted)),
    );
  return {
    budget,
    giveWay: () => {
      givesWay = hasOwnThreads;
    },
    async *stream(sql, bound) {
      const isWhole = leaves(sql)
        ? yield* elsewhere(sql, bound, (one) => one.startStream())
        : yield* chunksOf(sql, bound, (statement) => statement.stream());
      if (isWhole) return;
      await transactions.end();
      throw isInterrupted ? interrupted() : await failureOf(duckdb, sql, bound, running);
    },
    async createTable(name, types, rows) {
      const columns = types.map(
        (type, index) => `v${index} ${type === 'decimal' || type === 'guid' ? 'VARCHAR' : physicalType[type]}`,
      );
      await duckdb.run(`CREATE TEMP TABLE ${name} (${[...columns, 'position BIGINT'].join(', ')})`);
      const appender = await duckdb.createAppender(name);
      rows.forEach((row, position) => {
        if (position % chunkRows === 0) budget.check();
        types.forEach((type, index) => {
          const value = row[index] ?? null;
          if (value === null) appender.appendNull();
          else if (type === 'bool') appender.appendBoolean(value === true);
          else if (type === 'int') appender.appendInteger(Number(value));
          else if (type === 'real') appender.appendDouble(Number(value));
          else if (typeof value === 'bigint') appender.appendBigInt(value);
          else appender.appendVarchar(String(value));
        });
        appender.appendBigInt(BigInt(position));
        appender.endRow();
      });
      appender.closeSync();
    },
    async run(sql, bound = []) {
      if (leaves(sql)) await finished(elsewhere(sql, bound, (one) => one.start()));
      else await withStatement(duckdb, sql, bound, running, (statement) => statement.run());
    },
    append: (table, types, columns) => appendColumns(duckdb, table, types, columns),
    interrupt: () => {
      isInterrupted = true;
      duckdb.interrupt();
    },
    close: () => {
      duckdb.closeSync();
      onClose();
    },
  };
}

/** The DuckDB type of a value on its way from JavaScript: decimal and guid come as text and are cast where they are read. */
export const stagingType = (type: KqlType): string =>
  type === 'decimal' || type === 'guid' ? 'VARCHAR' : physicalType[type];
