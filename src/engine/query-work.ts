import { invariant } from '../base/invariant.ts';
import type { ApartSession, EngineThreads } from './apart/apart-session.ts';
import type { EngineConnection, EngineDatabase } from './duckdb/engine-database.ts';
import { NeedsThreadError, sharedNativeLimit } from './duckdb/native-budget.ts';
import { commandTable } from './kql/ir/command.ts';
import type { Literal } from './kql/ir/expression.ts';
import type { Plan, Program } from './kql/ir/plan.ts';
import { tablesOf } from './kql/ir/walk.ts';
import { KqlError } from './kql/kql-error.ts';
import type { OpenTable, QueryRequest, ScanCounts } from './query-engine.ts';
import { tableKey, tableUses } from './scan-ranges.ts';
import type { CommandRows, Session, SessionFacts } from './session.ts';
import { beginSession } from './session.ts';
import type { KnownRows, SummarizedProgram } from './summaries.ts';
import { findSummaries, withKnown } from './summaries.ts';
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
  readonly database: EngineDatabase;
  /** For what would hold up others; without them everything runs here, however long. */
  readonly threads: EngineThreads | undefined;
}

/** A program whose tables are open. It runs here, and in a thread of its own when that turns out to take long. */
export class Work {
  /** Once it has begun, with what is known beforehand of the tables in it. */
  program: Program;
  readonly #request: QueryRequest;
  readonly #places: Places;
  readonly #command: CommandRows | undefined;
  readonly #facts: SessionFacts;
  readonly #opened = new Map<string, OpenTable>();
  #here: Promise<Session> | undefined;
  #apart: Promise<ApartSession> | undefined;
  #isClosed = false;

  constructor(program: Program, sent: QueryRequest, places: Places, command?: CommandRows) {
    const request = timed(sent, program);
    const { database, now, principal, catalog } = request;
    this.program = program;
    this.#request = request;
    this.#places = places;
    this.#command = command;
    const parameters = parametersOf(program, request);
    this.#facts = {
      database,
      now,
      cluster: catalog.cluster,
      parameters,
      ...(principal !== undefined && { principal }),
    };
  }

  /** Opens the tables, and begins. @throws KqlError */
  async begin(): Promise<void> {
    try {
      this.signal?.throwIfAborted();
      const summarized = findSummaries(this.program, this.#facts);
      const { program, summaries } = summarized;
      const uses = tableUses(program, this.#facts, summaries);
      for (const { database, table } of tablesOf(program)) {
        const key = tableKey(database, table);
        if (this.#opened.has(key) || (this.#command && key === tableKey('', commandTable))) continue;
        const asked = uses.get(key) ?? { rows: [], summaries: [] };
        this.#opened.set(key, await this.#request.sources.open(database, table, asked));
      }
      this.program = this.#completed(summarized);
      await this.#begun();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #completed({ program, summaries }: SummarizedProgram): Program {
    const known = new Map<Plan, KnownRows>();
    const taken = new Map<string, number>();
    for (const [plan, { database, table }] of summaries) {
      const key = tableKey(database, table);
      const index = taken.get(key) ?? 0;
      taken.set(key, index + 1);
      const rows = this.#opened.get(key)?.known?.[index];
      if (rows !== undefined) known.set(plan, rows);
    }
    return known.size === 0 ? program : withKnown(program, summaries, (plan) => known.get(plan));
  }

  async #begun(): Promise<void> {
    try {
      this.#here = this.#beginHere();
      await this.#here;
    } catch (error) {
      if (!(error instanceof NeedsThreadError)) throw error;
      await this.goApart();
    }
  }

  async #beginHere(): Promise<Session> {
    const { database, threads } = this.#places;
    const connection = await database.connect(threads === undefined ? undefined : sharedNativeLimit);
    this.#connection = connection;
    if (this.#isClosed) connection.close();
    this.signal?.addEventListener('abort', this.#interrupt);
    const parts = { facts: this.#facts, connection, tables: this.#opened, signal: this.signal };
    return beginSession(this.program, parts, this.#command);
  }

  #connection: EngineConnection | undefined;
  readonly #interrupt = (): void => this.#connection?.interrupt();

  get signal(): AbortSignal | undefined {
    return this.#request.signal;
  }

  get scanned(): ScanCounts {
    return countsOf([...this.#opened.values()]);
  }

  /** Undefined once it has left this thread. */
  async here(): Promise<Session | undefined> {
    return this.#apart === undefined ? this.#here : undefined;
  }

  /** Begins anew in a thread of its own. */
  goApart(): Promise<ApartSession> {
    const { threads } = this.#places;
    invariant(threads !== undefined, 'without threads nothing needs one');
    return (this.#apart ??= threads.begin({
      program: this.program,
      facts: this.#facts,
      tables: this.#opened,
      ...(this.#command && { command: this.#command }),
      ...(this.signal && { signal: this.signal }),
    }));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.signal?.removeEventListener('abort', this.#interrupt);
    for (const table of this.#opened.values()) table.release();
    this.#connection?.close();
    void this.#apart?.then(
      (session) => session.close(),
      () => undefined,
    );
  }
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
