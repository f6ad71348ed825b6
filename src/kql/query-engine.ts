import { untilAborted } from '../base/until-aborted.ts';
import { namingParameters } from './values/naming-parameters.ts';
import type { EngineThreads } from './apart-session.ts';
import { NeedsThreadError } from './duckdb/native-budget.ts';
import type { ColumnValues, EngineDatabase, StatementConnection } from './duckdb/engine-database.ts';
import { OverflowError } from './duckdb/engine-database.ts';
import type { ProgramSource } from './open-schemas.ts';
import type { KqlCatalog } from './plan/catalog.ts';
import type { ParsedCommand } from './plan/command.ts';
import type { Program, ProgramResult } from './plan/plan.ts';
import { KqlError } from './plan/kql-error.ts';
import type { CompileOptions, KqlParser } from './parser/parser-client.ts';
import type { Column } from './plan/types.ts';
import { programCache } from './program-cache.ts';
import type { QueryRequest, ScanCounts } from './query-request.ts';
import { language as withoutPlaces } from './language.ts';
import type { Places, Work } from './query-work.ts';
import type { Language } from './sql/scope.ts';
import { beginWork } from './query-work.ts';
import type { CommandRows } from './session.ts';
import { resultChunks, resultStatement } from './session.ts';
import type { Translation } from './sql/translate.ts';

/** One result table. Chunks must be read to the end or returned from; the next result's chunks come after. */
export interface QueryResult {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly chunks: AsyncIterable<readonly ColumnValues[]>;
  readonly visualization?: Readonly<Record<string, string | boolean | number>>;
  /** As asked for. */
  readonly rowsAs?: QueryRequest['rowsAs'];
}

export interface QueryExecution {
  readonly results: readonly QueryResult[];
  /** Options of `set` statements by lower-case name. */
  readonly options: Program['options'];
  readonly scanned: ScanCounts;
  /** See `Program`. */
  readonly warnings: readonly string[];
  /** Frees what the query holds; safe to call twice. Every caller must. */
  close(): void;
}

/** The one result of a program as a statement that has not run yet, for those who keep its rows in the engine. */
export interface RowStatement {
  readonly columns: readonly Column[];
  /** Lends the connection that the statement must run on. `select` gives the columns in physical types and in their order; `use` is called
   * once more when integers overflowed, with a form that wraps. */
  run<T>(use: StatementUse<T>): Promise<T>;
  /** Frees what the query holds; safe to call twice. Every caller must. */
  close(): void;
}

export type StatementUse<T> = (
  connection: StatementConnection,
  select: Pick<Translation, 'sql' | 'bound'>,
) => Promise<T>;

export interface QueryEngine {
  /** @throws KqlError before the first chunk, or from the chunks */
  execute(request: QueryRequest): Promise<QueryExecution>;
  /** Parses a management command: its kind, parts, the query after `<|`, the operators after `|`. */
  parseCommand(
    request: Pick<QueryRequest, 'text' | 'database' | 'catalog'> &
      Pick<CompileOptions, 'told'> & {
        readonly caller?: string | undefined;
        readonly signal?: AbortSignal | undefined;
      },
  ): Promise<ParsedCommand>;
  /** Runs a program of a parsed command: its `query`, or its `pipe` over the rows the command made. */
  executeProgram(source: ProgramSource, request: QueryRequest, command?: CommandRows): Promise<QueryExecution>;
  /** What a text means by the names of a catalog, compiled when it is asked for. */
  programOf(request: Pick<QueryRequest, 'text' | 'database' | 'catalog'>): ProgramSource;
  /** One for each result of the program, over one snapshot of the tables, on one connection. The first frees what all hold.
   * @throws KqlError also when the program has no result */
  prepareRows(source: ProgramSource, request: QueryRequest): Promise<readonly [RowStatement, ...RowStatement[]]>;
  /** What a graph model makes of its tables: two results, nodes and edges. @throws KqlError */
  compileGraph(model: string, database: string, catalog: KqlCatalog): Promise<Program>;
}

/** The entry of the engine: text → parser process → IR → SQL → DuckDB → chunks. Programs are cached by text and catalog version. */
export function createQueryEngine({
  parser,
  database,
  threads,
  memoryBytes = Infinity,
  language = withoutPlaces,
  cacheSize = 2_000,
}: {
  readonly parser: KqlParser;
  readonly database: EngineDatabase;
  /** For queries that would hold up others here; without them everything runs in this thread. */
  readonly threads?: EngineThreads;
  /** See `Places`. */
  readonly memoryBytes?: number;
  /** Default: without a database of places. */
  readonly language?: Language;
  readonly cacheSize?: number;
}): QueryEngine {
  const programs = programCache(parser, cacheSize);
  const places: Places = { language, database, threads, memoryBytes };
  return {
    parseCommand: ({ text, database: current, catalog, told = [], caller = '', signal }) =>
      whileWanted({ signal }, parser.parseCommand(text, current, catalog, { told, caller, ...(signal && { signal }) })),
    programOf: ({ text, database: current, catalog }) => ({
      compile: (told) => programs.compile(text, current, catalog, { told }),
    }),
    executeProgram: (source, request, command) => run(source, request, places, command),
    prepareRows: (source, request) =>
      whileWanted(request, prepareRows(source, request, places), ([statement]) => statement.close()),
    compileGraph: (model, current, catalog) => parser.compileGraph(model, current, catalog),
    execute: (request) => {
      const { text, database: current, catalog, bestEffort = false, principal = '', signal } = request;
      const naming = namingParameters(text, request.parameters, catalog);
      const options = { bestEffort, caller: principal, ...(naming && { naming }), ...(signal && { signal }) };
      const compile: ProgramSource['compile'] = (told) =>
        programs.compile(text, current, catalog, { ...options, told });
      return run({ compile }, request, places);
    },
  };
}

/** Whoever stops a query does not wait for what cannot be ended: DuckDB looks for no interrupt while it plans.
 * @param close what comes after all */
const whileWanted = <T>(
  { signal }: { readonly signal?: AbortSignal | undefined },
  work: Promise<T>,
  close?: (result: T) => void,
): Promise<T> => (signal === undefined ? work : untilAborted(work, signal, close));

const run = (
  source: ProgramSource,
  request: QueryRequest,
  places: Places,
  command?: CommandRows,
): Promise<QueryExecution> =>
  whileWanted(request, startAll(source, request, places, command), (execution) => execution.close());

async function startAll(
  source: ProgramSource,
  request: QueryRequest,
  places: Places,
  command?: CommandRows,
): Promise<QueryExecution> {
  const work = await beginWork(source, request, places, command);
  try {
    const { program } = work;
    // A connection streams one result at a time: the first starts now, each other one when its chunks are read.
    const results: QueryResult[] = [];
    for (const [index, result] of program.results.entries())
      results.push(index === 0 ? await startResult(work, result) : laterResult(work, result, index));
    const { options, warnings = [] } = program;
    return { results, options, warnings, scanned: work.scanned, close: () => work.close() };
  } catch (error) {
    work.close();
    throw error;
  }
}

/** So many chunks, and so much text, are held back, as long as the query may have to begin anew elsewhere: what is out cannot be taken
 * back. */
const heldMax = 32;
const heldUnitsMax = 32 << 20;

/** UTF-16 units. */
const unitsOf = (chunk: readonly ColumnValues[]): number => {
  let units = 0;
  for (const column of chunk) for (const value of column) if (typeof value === 'string') units += value.length;
  return units;
};

async function* chunksOf(work: Work, index: number): AsyncGenerator<readonly ColumnValues[]> {
  const session = await work.here();
  if (session !== undefined) {
    const { chunks, callsNatives } = resultChunks(session, index);
    const mayMove = callsNatives && session.connection.budget.isShared;
    const held: ColumnValues[][] = [];
    let heldUnits = 0;
    let isMoving = false;
    try {
      for await (const chunk of chunks) {
        held.push(chunk);
        if (!mayMove) yield* held.splice(0);
        else isMoving = held.length > heldMax || (heldUnits += unitsOf(chunk)) > heldUnitsMax;
        if (isMoving) break;
      }
    } catch (error) {
      if (!(error instanceof NeedsThreadError)) throw error;
      isMoving = true;
    }
    if (!isMoving) {
      yield* held;
      return;
    }
  }
  yield* (await work.goApart()).chunks(index);
}

async function startResult(work: Work, result: ProgramResult): Promise<QueryResult> {
  const iterator = chunksOf(work, 0);
  return described(work, result, wanted(work, iterator, await iterator.next()));
}

const laterResult = (work: Work, result: ProgramResult, index: number): QueryResult =>
  described(work, result, wanted(work, chunksOf(work, index)));

/** The same chunks. Whoever waits for one is answered as soon as the query is stopped. */
async function* wanted(
  work: Work,
  chunks: AsyncGenerator<readonly ColumnValues[]>,
  first?: IteratorResult<readonly ColumnValues[]>,
): AsyncGenerator<readonly ColumnValues[]> {
  try {
    for (let next = first ?? (await work.during(chunks.next())); !next.done; next = await work.during(chunks.next()))
      yield next.value;
  } finally {
    // Behind what is under way; an end that fails is no failure of the query.
    chunks.return(undefined).catch(() => undefined);
  }
}

const described = (
  { rowsAs }: Work,
  { name, plan, visualization }: ProgramResult,
  chunks: QueryResult['chunks'],
): QueryResult => ({
  name,
  columns: plan.cols,
  chunks,
  ...(visualization && { visualization }),
  ...(rowsAs && { rowsAs }),
});

async function prepareRows(
  source: ProgramSource,
  request: QueryRequest,
  places: Places,
): Promise<readonly [RowStatement, ...RowStatement[]]> {
  const work = await beginWork(source, request, places);
  const [first, ...others] = work.program.results.map(({ plan }, index) => rowStatement(work, plan.cols, index));
  if (first !== undefined) return [first, ...others];
  work.close();
  throw new KqlError('semantic', 'The query of this command has no result.');
}

const rowStatement = (work: Work, columns: readonly Column[], index: number): RowStatement => ({
  columns,
  close: () => work.close(),
  run: (use) => runStatement(work, index, use),
});

async function runStatement<T>(work: Work, index: number, use: StatementUse<T>): Promise<T> {
  const session = await work.here();
  if (session !== undefined) {
    try {
      return await wrappingAtNeed(work, async (wrapping) =>
        use(session.connection, resultStatement(session, index, wrapping)),
      );
    } catch (error) {
      if (!(error instanceof NeedsThreadError)) throw error;
    }
  }
  const apart = await work.goApart();
  return wrappingAtNeed(work, async (wrapping) => use(apart.connection, await apart.statement(index, wrapping)));
}

async function wrappingAtNeed<T>({ signal }: Work, run: (wrapping: boolean) => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  try {
    return await run(false);
  } catch (error) {
    if (!(error instanceof OverflowError)) throw error;
    signal?.throwIfAborted();
    return await run(true);
  }
}
