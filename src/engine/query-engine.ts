import type { KqlCatalog } from './kql/catalog.ts';
import type { ParsedCommand } from './kql/ir/command.ts';
import { commandTable } from './kql/ir/command.ts';
import type { Literal } from './kql/ir/expression.ts';
import type { Plan, Program, ProgramResult } from './kql/ir/plan.ts';
import { KqlError } from './kql/kql-error.ts';
import type { KqlParser } from './kql/parser-client.ts';
import type { Column } from './kql/types.ts';
import { physicalType } from './kql/types.ts';
import type { NativeValue } from './sql/native.ts';
import type { ColumnValues, EngineConnection, EngineDatabase } from './duckdb/engine-database.ts';
import { OverflowError } from './duckdb/engine-database.ts';
import type { TableSource } from './sql/context.ts';
import type { Translation, TranslationInput } from './sql/translate.ts';
import { translate } from './sql/translate.ts';
import { programCache } from './program-cache.ts';
import type { ScanRange } from './scan-ranges.ts';
import { scanRanges, tableKey } from './scan-ranges.ts';
import { withSchemas } from './data-dependent-schema.ts';
import { runRowwise } from './rowwise.ts';
import { parameterLiteral } from './values/parameter-text.ts';
import { parseDatetime } from './values/ticks.ts';
import { tablesOf } from './kql/ir/walk.ts';

/** One result table. Chunks must be read to the end or returned from; the next result's chunks come after. */
export interface QueryResult {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly chunks: AsyncIterable<readonly ColumnValues[]>;
  readonly visualization?: Readonly<Record<string, string | boolean | number>>;
}

/** How much of the stored tables a query looks at. */
export interface ScanCounts {
  readonly extents: number;
  readonly extentsScanned: number;
  readonly rows: number;
  readonly rowsScanned: number;
}

export interface OpenTable extends TableSource {
  readonly counts?: ScanCounts;
  /** Called once, when the query is over. */
  release(): void;
}

/** Where rows come from. `open` is called once for every table that a query names, before it runs. */
export interface EngineSources {
  /** @param ranges what the query looks for in columns of whole numbers or times: rows outside of them may be left out */
  open(database: string, table: string, ranges: readonly ScanRange[]): Promise<OpenTable>;
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
  /** Unions do without tables that are not there, as under `set best_effort`. */
  readonly bestEffort?: boolean;
  readonly signal?: AbortSignal;
  readonly sources: EngineSources;
}

export interface QueryExecution {
  readonly results: readonly QueryResult[];
  /** Options of `set` statements by lower-case name. */
  readonly options: Program['options'];
  readonly scanned: ScanCounts;
  /** Frees what the query holds; safe to call twice. Every caller must. */
  close(): void;
}

/** Rows that a command made; values by type as in chunks. */
export interface CommandRows {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly NativeValue[])[];
}

/** The one result of a program as a statement that has not run yet, for those who keep its rows in the engine. */
export interface RowStatement {
  readonly columns: readonly Column[];
  /** Lends the connection that the statement must run on. `select` gives the columns in physical types and in their order; `use` is called
   * once more when integers overflowed, with a form that wraps. */
  run<T>(use: (connection: EngineConnection, select: Pick<Translation, 'sql' | 'bound'>) => Promise<T>): Promise<T>;
  /** Frees what the query holds; safe to call twice. Every caller must. */
  close(): void;
}

export interface QueryEngine {
  /** @throws KqlError before the first chunk, or from the chunks */
  execute(request: QueryRequest): Promise<QueryExecution>;
  /** Parses a management command: its kind, parts, the query after `<|`, the operators after `|`. */
  parseCommand(request: Pick<QueryRequest, 'text' | 'database' | 'catalog'>): Promise<ParsedCommand>;
  /** Runs a program of a parsed command: its `query`, or its `pipe` over the rows the command made. */
  executeProgram(program: Program, request: QueryRequest, command?: CommandRows): Promise<QueryExecution>;
  /** One for each result of the program, over one snapshot of the tables, on one connection. The first frees what all hold.
   * @throws KqlError also when the program has no result */
  prepareRows(program: Program, request: QueryRequest): Promise<readonly [RowStatement, ...RowStatement[]]>;
  /** What a graph model makes of its tables: two results, nodes and edges. @throws KqlError */
  compileGraph(model: string, database: string, catalog: KqlCatalog): Promise<Program>;
}

/** The entry of the engine: text → parser process → IR → SQL → DuckDB → chunks. Programs are cached by text and catalog version. */
export function createQueryEngine({
  parser,
  database,
  cacheSize = 2_000,
}: {
  readonly parser: KqlParser;
  readonly database: EngineDatabase;
  readonly cacheSize?: number;
}): QueryEngine {
  const programs = programCache(parser, cacheSize);
  return {
    parseCommand: ({ text, database: current, catalog }) => parser.parseCommand(text, current, catalog),
    executeProgram: (program, request, command) => run(program, request, database, command),
    prepareRows: (program, request) => prepareRows(program, request, database),
    compileGraph: (model, current, catalog) => parser.compileGraph(model, current, catalog),
    execute: (request) =>
      withSchemas(
        request.text,
        { database: request.database, catalog: () => request.catalog, queryStart: 0 },
        (text) => programs.compile(text, request.database, request.catalog, request.bestEffort),
        (program) => run(program, request, database),
      ),
  };
}

/** `set query_now = …` says what `now()` gives. */
function timed(request: QueryRequest, { options }: Program): QueryRequest {
  const value = options['query_now'];
  if (typeof value !== 'string') return request;
  const now = /^\d+$/.test(value) ? BigInt(value) : parseDatetime(value);
  if (now === undefined) throw new KqlError('semantic', `set query_now: '${value}' is no datetime.`);
  return { ...request, now };
}

/** A program whose tables are open and whose row operators have run. */
interface Begun {
  readonly session: Session;
  readonly staged: Program;
  readonly close: () => void;
}

async function begin(
  program: Program,
  sent: QueryRequest,
  database: EngineDatabase,
  command?: CommandRows,
): Promise<Begun> {
  const request = timed(sent, program);
  request.signal?.throwIfAborted();
  const connection = await database.connect();
  const interrupt = (): void => connection.interrupt();
  request.signal?.addEventListener('abort', interrupt);
  const opened = new Map<string, OpenTable>();
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    request.signal?.removeEventListener('abort', interrupt);
    for (const table of opened.values()) table.release();
    connection.close();
  };
  try {
    if (command) opened.set(tableKey('', commandTable), await commandSource(connection, command));
    const session = sessionOf(program, request, connection, opened);
    const ranges = scanRanges(program, { now: request.now, parameters: session.parameters });
    for (const { database: owner, table } of tablesOf(program)) {
      const key = tableKey(owner, table);
      if (!opened.has(key)) opened.set(key, await request.sources.open(owner, table, ranges.get(key) ?? []));
    }
    const staged = await runRowwise(program, (plan, lets) => collect(session, plan, lets), connection);
    return { session, staged, close };
  } catch (error) {
    close();
    throw error;
  }
}

async function run(...request: Parameters<typeof begin>): Promise<QueryExecution> {
  const { session, staged, close } = await begin(...request);
  try {
    // A connection streams one result at a time: the first starts now, each other one when its chunks are read.
    const results: QueryResult[] = [];
    for (const result of staged.results)
      results.push(
        results.length === 0 ? await startResult(session, staged, result) : laterResult(session, staged, result),
      );
    return { results, options: staged.options, scanned: countsOf([...session.opened.values()]), close };
  } catch (error) {
    close();
    throw error;
  }
}

async function prepareRows(
  program: Program,
  request: QueryRequest,
  database: EngineDatabase,
): Promise<readonly [RowStatement, ...RowStatement[]]> {
  const { session, staged, close } = await begin(program, request, database);
  const [first, ...others] = staged.results.map(({ plan }) => rowStatement(session, plan, staged.lets, close));
  if (first !== undefined) return [first, ...others];
  close();
  throw new KqlError('semantic', 'The query of this command has no result.');
}

const rowStatement = (session: Session, plan: Plan, lets: Program['lets'], close: () => void): RowStatement => ({
  columns: plan.cols,
  close,
  run: async (use) => {
    for (const wrapping of [false, true]) {
      session.request.signal?.throwIfAborted();
      try {
        return await use(session.connection, translated(session, plan, lets, { wrapping, stored: true }));
      } catch (error) {
        if (!(error instanceof OverflowError) || wrapping) throw error;
      }
    }
    throw new KqlError('internal', 'A statement runs once or twice.');
  },
});

function countsOf(tables: readonly OpenTable[]): ScanCounts {
  const sum = (name: keyof ScanCounts): number =>
    tables.reduce((total, { counts }) => total + (counts?.[name] ?? 0), 0);
  return {
    extents: sum('extents'),
    extentsScanned: sum('extentsScanned'),
    rows: sum('rows'),
    rowsScanned: sum('rowsScanned'),
  };
}

async function commandSource(connection: EngineConnection, { columns, rows }: CommandRows): Promise<OpenTable> {
  await connection.createTable(
    'command',
    columns.map((column) => column.type),
    rows,
  );
  const sql = columns.map(({ name, type }, index): [string, string] => [
    name,
    `CAST(v${index} AS ${physicalType[type]})`,
  ]);
  return { sql: 'command', columns: new Map(sql), release: () => undefined };
}

interface Session {
  readonly request: QueryRequest;
  readonly connection: EngineConnection;
  readonly parameters: ReadonlyMap<string, Literal>;
  readonly options: Program['options'];
  readonly opened: ReadonlyMap<string, OpenTable>;
}

function sessionOf(
  program: Program,
  request: QueryRequest,
  connection: EngineConnection,
  opened: ReadonlyMap<string, OpenTable>,
): Session {
  const parameters = new Map<string, Literal>();
  for (const { name, type, fallback } of program.parameters) {
    const given = request.parameters;
    if (given && Object.hasOwn(given, name)) parameters.set(name, parameterLiteral(name, type, given[name]));
    else if (fallback) parameters.set(name, fallback);
    else throw new KqlError('semantic', `The query parameter '${name}' has no value.`);
  }
  return { request, connection, parameters, options: program.options, opened };
}

function translated(
  session: Session,
  plan: Plan,
  lets: Program['lets'],
  form: Pick<TranslationInput, 'wrapping' | 'stored'>,
): Translation {
  const { request, parameters, options, opened } = session;
  const facts = {
    now: request.now,
    database: request.database,
    cluster: request.catalog.cluster,
    parameters,
    options,
    ...(request.principal !== undefined && { principal: request.principal }),
  };
  return translate(plan, {
    facts,
    lets,
    ...form,
    table: (owner, table) => {
      const source = opened.get(tableKey(owner, table));
      if (!source) throw new KqlError('internal', 'A table was not opened.');
      return source;
    },
  });
}

/** Starts a statement far enough to know that it runs. An overflow of integers starts it again in the form that wraps. */
async function* chunksOf(session: Session, plan: Plan, lets: Program['lets']): AsyncGenerator<ColumnValues[]> {
  let yielded = false;
  for (const wrapping of [false, true]) {
    const { sql, bound } = translated(session, plan, lets, { wrapping });
    try {
      for await (const chunk of session.connection.stream(sql, bound)) {
        session.request.signal?.throwIfAborted();
        yielded = true;
        yield chunk;
      }
      return;
    } catch (error) {
      if (!(error instanceof OverflowError) || yielded || wrapping) throw error;
    }
  }
}

async function startResult(session: Session, program: Program, result: ProgramResult): Promise<QueryResult> {
  const iterator = chunksOf(session, result.plan, program.lets);
  const first = await iterator.next();
  async function* all(): AsyncGenerator<readonly ColumnValues[]> {
    if (first.done) return;
    yield first.value;
    yield* iterator;
  }
  return {
    name: result.name,
    columns: result.plan.cols,
    chunks: all(),
    ...(result.visualization && { visualization: result.visualization }),
  };
}

const laterResult = (session: Session, program: Program, result: ProgramResult): QueryResult => ({
  name: result.name,
  columns: result.plan.cols,
  chunks: chunksOf(session, result.plan, program.lets),
  ...(result.visualization && { visualization: result.visualization }),
});

async function collect(session: Session, plan: Plan, lets: Program['lets']): Promise<ColumnValues[][]> {
  const chunks: ColumnValues[][] = [];
  for await (const chunk of chunksOf(session, plan, lets)) chunks.push(chunk);
  return chunks;
}
