import { invariant } from '../base/invariant.ts';
import { untilAborted } from '../base/until-aborted.ts';
import type { ApartSession, EngineThreads } from './apart-session.ts';
import type { EngineConnection, EngineDatabase } from './duckdb/engine-database.ts';
import { NeedsThreadError, sharedNativeLimit } from './duckdb/native-budget.ts';
import { KeptStages } from './kept-stages.ts';
import { commandTable } from './plan/command.ts';
import { readCursorOptions, requireTimesOfCursors, withCursorOptions } from './plan/cursor-options.ts';
import type { Literal } from './plan/expression.ts';
import type { Program } from './plan/plan.ts';
import { KqlError } from './plan/kql-error.ts';
import { eachPlan } from './plan/walk.ts';
import type { ProgramSource } from './open-schemas.ts';
import { beginWithSchemas } from './open-schemas.ts';
import { OpenTables, SnapshotGoneError } from './open-tables.ts';
import type { OpenTable, QueryRequest, ScanCounts } from './query-request.ts';
import { tableKey } from './scan-ranges.ts';
import type { CommandRows, Session, SessionFacts } from './session.ts';
import type { Language } from './sql/scope.ts';
import { beginSession } from './session.ts';
import { parameterLiteral } from './values/parameter-text.ts';
import { parseDatetime } from './values/ticks.ts';

/** `set query_now = …` says what `now()` gives. */
function timed(request: QueryRequest, { options }: Program): QueryRequest {
  const value = options['query_now'];
  if (typeof value !== 'string') return request;
  const now = /^\d+$/.test(value) ? BigInt(value) : parseDatetime(value);
  if (now === undefined) throw new KqlError('semantic', `set query_now: '${value}' is no datetime.`);
  return { ...request, now };
}

/** Where programs run. */
export interface Places {
  readonly language: Language;
  readonly database: EngineDatabase;
  /** For what would hold up others; without them everything runs here, however long. */
  readonly threads: EngineThreads | undefined;
  /** What queries have together in `database`: who may hold less has an engine to itself, in a thread. */
  readonly memoryBytes: number;
}

/** Begins a query. @throws KqlError */
export async function beginWork(
  source: ProgramSource,
  request: QueryRequest,
  places: Places,
  command?: CommandRows,
): Promise<Work> {
  for (let attempt = 1; ; attempt += 1) {
    const work = new Work(request, places, command);
    try {
      await beginWithSchemas(source, (program) => work.begin(program));
      return work;
    } catch (error) {
      work.close();
      if (!(error instanceof SnapshotGoneError) || attempt >= attemptsMax) throw error;
    }
  }
}
const attemptsMax = 5;

/** Rows that a query reads or makes, some tenths of a second of work: more of them are left to the engine's own threads, so that others find
 * theirs. Fewer end sooner than anybody would look whether they have ended. */
const lightRowsMax = 1_000_000;

/** Of ranges whose ends are written. */
function rowsMade({ lets, results }: Program): number {
  let rows = 0;
  eachPlan([lets, results], (plan) => {
    if (plan.op !== 'range') return;
    const [from, to, step] = [plan.from, plan.to, plan.step].map((end) =>
      end.k === 'literal' ? Number(end.value) : NaN,
    );
    const count = ((to ?? NaN) - (from ?? NaN)) / (step ?? NaN);
    if (count > 0) rows += count;
  });
  return rows;
}

/** The programs that one query is compiled to, one after the other, over one snapshot of its tables. It runs here, and in a thread of its
 * own when that turns out to take long. */
export class Work {
  #program: Program | undefined;
  #facts: SessionFacts | undefined;
  readonly #request: QueryRequest;
  readonly #places: Places;
  readonly #command: CommandRows | undefined;
  readonly #opened: OpenTables;
  #kept = new KeptStages();
  #connection: EngineConnection | undefined;
  #here: Promise<Session> | undefined;
  #thread: Promise<ApartSession> | undefined;
  #apart: Promise<ApartSession> | undefined;
  #isClosed = false;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(request: QueryRequest, places: Places, command?: CommandRows) {
    this.#request = request;
    this.#places = places;
    this.#command = command;
    this.#opened = new OpenTables(request.sources, request.signal, request.hotOnly);
  }

  /** Opens the tables, and begins; once more for the program that is made of what the one before has told.
   * @throws KqlError, OpenSchema */
  async begin(compiled: Program): Promise<void> {
    this.signal?.throwIfAborted();
    const { cursors, database } = this.#request;
    const program = withCursorOptions(compiled, { ...cursors, ...readCursorOptions(compiled.options) }, database);
    requireTimesOfCursors(program, this.#request.catalog);
    this.#facts = factsOf(program, timed(this.#request, program));
    const made = this.#command && tableKey('', commandTable);
    this.#program = await this.#opened.open(program, this.#facts, made);
    this.#apart = undefined;
    if (this.#thread === undefined && this.#memoryBytes === undefined && this.#threadsPercent === undefined) {
      try {
        this.#here = this.#beginHere();
        await this.#here;
        return;
      } catch (error) {
        if (!(error instanceof NeedsThreadError)) throw error;
      }
    }
    await this.goApart();
  }

  /** That the query may hold; undefined where that is no less than what there is. */
  get #memoryBytes(): number | undefined {
    const { threads, memoryBytes } = this.#places;
    const asked = this.#request.memoryBytes?.(this.program.options);
    return asked === undefined || threads === undefined || asked >= memoryBytes ? undefined : asked;
  }

  /** Of the engine's threads; undefined: all. */
  get #threadsPercent(): number | undefined {
    if (this.#places.threads === undefined) return undefined;
    const asked = this.#request.threadsPercent?.(this.program.options);
    return asked === undefined || asked >= 100 ? undefined : asked;
  }

  async #beginHere(): Promise<Session> {
    const { database, language, threads } = this.#places;
    if (this.#connection === undefined) {
      this.#connection = await database.connect(threads === undefined ? undefined : sharedNativeLimit);
      if (this.#isClosed) this.#connection.close();
      this.signal?.addEventListener('abort', this.#interrupt);
    }
    if (this.scanned.rowsScanned > lightRowsMax || rowsMade(this.program) > lightRowsMax) this.#connection.giveWay();
    // It may have come before anybody listened.
    this.signal?.throwIfAborted();
    const { facts, tables } = this.#parts;
    const parts = { facts, language, connection: this.#connection, tables, kept: this.#kept, signal: this.signal };
    return beginSession(this.program, parts, this.#command);
  }

  readonly #interrupt = (): void => this.#connection?.interrupt();

  get #parts(): {
    readonly program: Program;
    readonly facts: SessionFacts;
    readonly tables: ReadonlyMap<string, OpenTable>;
  } {
    invariant(this.#facts !== undefined, 'a program has begun');
    return { program: this.program, facts: this.#facts, tables: this.#opened.tables };
  }

  /** With what is known beforehand of the tables in it. */
  get program(): Program {
    invariant(this.#program !== undefined, 'a program has begun');
    return this.#program;
  }

  get signal(): AbortSignal | undefined {
    return this.#request.signal;
  }

  get rowsAs(): QueryRequest['rowsAs'] {
    return this.#request.rowsAs;
  }

  get scanned(): ScanCounts {
    return countsOf([...this.#opened.tables.values()]);
  }

  /** Undefined once it has left this thread. */
  async here(): Promise<Session | undefined> {
    return this.#thread === undefined ? this.#here : undefined;
  }

  /** Begins the program anew in a thread of its own, where what has told columns goes along. */
  goApart(): Promise<ApartSession> {
    return (this.#apart ??= this.#beginApart());
  }

  async #beginApart(): Promise<ApartSession> {
    const { threads } = this.#places;
    invariant(threads !== undefined, 'without threads nothing needs one');
    const isFirst = this.#thread === undefined;
    const signal = this.signal;
    this.#thread ??= threads.begin({ ...(this.#command && { command: this.#command }), ...(signal && { signal }) });
    const session = await this.#thread;
    const connection = this.#connection;
    const tails = isFirst && connection !== undefined ? this.#kept.tails(connection) : [];
    const tables = new Map([...this.#parts.tables].map(([key, table]) => [key, { ...table, ...table.apart?.() }]));
    const memoryBytes = this.#memoryBytes;
    const threadsPercent = this.#threadsPercent;
    await session.begin({
      ...{ ...this.#parts, tables },
      ...(isFirst && { kept: this.#kept.all, tails }),
      ...(memoryBytes !== undefined && { memoryBytes }),
      ...(threadsPercent !== undefined && { threadsPercent }),
    });
    return session;
  }

  /** What comes of work on the connection or, as soon as the query is stopped, why: DuckDB plans to the end. The connection and the tables
   * stay until the work has ended. */
  async during<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    if (signal === undefined) return work;
    this.#underWay.add(work);
    const ended = (): void => {
      this.#underWay.delete(work);
      if (this.#isClosed && this.#underWay.size === 0) this.#free();
    };
    work.then(ended, ended);
    return untilAborted(work, signal);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#underWay.size === 0) this.#free();
  }

  #free(): void {
    this.signal?.removeEventListener('abort', this.#interrupt);
    this.#opened.release();
    this.#connection?.close();
    void this.#thread?.then(
      (session) => session.close(),
      () => undefined,
    );
  }
}

function factsOf(program: Program, request: QueryRequest): SessionFacts {
  const { database, now, principal, principalDetails, memberOf, cursor, catalog, rowsAs } = request;
  return {
    database,
    now,
    cluster: catalog.cluster,
    parameters: parametersOf(program, request),
    ...(principal !== undefined && { principal }),
    ...(principalDetails !== undefined && { principalDetails }),
    ...(memberOf !== undefined && { memberOf }),
    ...(cursor !== undefined && { cursor }),
    ...(rowsAs !== undefined && { rowsAs }),
  };
}

function parametersOf(program: Program, request: QueryRequest): ReadonlyMap<string, Literal> {
  const parameters = new Map<string, Literal>();
  for (const { name, type, fallback } of program.parameters) {
    const given = request.parameters;
    if (given && Object.hasOwn(given, name)) parameters.set(name, parameterLiteral(name, type, given[name]));
    else if (fallback) parameters.set(name, fallback);
    else throw new KqlError('semantic', `The query parameter '${name}' has no value.`);
  }
  return parameters;
}

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
