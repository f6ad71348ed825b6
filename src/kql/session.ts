import type { Literal } from './plan/expression.ts';
import { commandTable } from './plan/command.ts';
import type { Plan, Program } from './plan/plan.ts';
import { tablesOf } from './plan/walk.ts';
import { KqlError } from './plan/kql-error.ts';
import type { Column } from './plan/types.ts';
import { physicalType } from './plan/types.ts';
import type { ColumnValues, EngineConnection } from './duckdb/engine-database.ts';
import { OverflowError } from './duckdb/engine-database.ts';
import type { KeptStages, TemporaryPlan } from './kept-stages.ts';
import { storeRows } from './kept-stages.ts';
import type { Language } from './sql/scope.ts';
import { tableKey } from './scan-ranges.ts';
import { collected } from './stage-rows.ts';
import { runStages } from './stages.ts';
import type { PrincipalDetails, TableSource } from './sql/context.ts';
import { encodeRows } from './row-json.ts';
import type { NativeValue } from './sql/native.ts';
import type { Translation, TranslationInput } from './sql/translate.ts';
import { translate } from './sql/translate.ts';
import type { Pieces } from './wide-results.ts';
import { piecesOf, widened } from './wide-results.ts';

/** Rows that a command made; values by type as in chunks. */
export interface CommandRows {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly NativeValue[])[];
}

/** What a program is run with, besides the tables that it names. Can be handed to another thread. */
export interface SessionFacts {
  readonly database: string;
  readonly cluster: string;
  /** Ticks that `now()` gives in the whole request. */
  readonly now: bigint;
  readonly principal?: string;
  readonly principalDetails?: PrincipalDetails;
  readonly memberOf?: readonly string[];
  readonly cursor?: bigint;
  readonly rowsAs?: 'json';
  /** Of the query, by name. */
  readonly parameters: ReadonlyMap<string, Literal>;
}

/** A program with its row operators run, on one connection. */
export interface Session {
  readonly facts: SessionFacts;
  readonly language: Language;
  readonly connection: EngineConnection;
  readonly tables: ReadonlyMap<string, TableSource>;
  /** Of the programs before, which told columns. */
  readonly kept: KeptStages;
  readonly signal: AbortSignal | undefined;
  /** With temporary tables in place of row operators. */
  readonly staged: Program;
}

/** @param tables by `tableKey`: all that the program names
 * @throws KqlError; NeedsThreadError where others wait for this thread */
export async function beginSession(
  program: Program,
  parts: Omit<Session, 'staged'>,
  command?: CommandRows,
): Promise<Session> {
  const tables = new Map(parts.tables);
  if (command)
    tables.set(tableKey('', commandTable), (parts.kept.command ??= await commandSource(parts.connection, command)));
  for (const { database, table } of tablesOf(program))
    if (!tables.has(tableKey(database, table))) throw new KqlError('internal', 'A table was not opened.');
  const session: Session = { ...parts, tables, staged: program };
  const { connection, kept } = parts;
  const staged = await runStages(program, {
    connection,
    kept,
    collect: (plan, lets) => collect(session, plan, lets),
    store: (plan, lets, name) => store(session, plan, lets, name),
  });
  return { ...session, staged };
}

async function commandSource(connection: EngineConnection, { columns, rows }: CommandRows): Promise<TableSource> {
  await connection.createTable(
    'command',
    columns.map((column) => column.type),
    rows,
  );
  const sql = columns.map(({ name, type }, index): [string, string] => [
    name,
    `CAST(v${index} AS ${physicalType[type]})`,
  ]);
  return { sql: 'command', columns: new Map(sql) };
}

/** The chunks of one result. Each is to be read to its end before the next begins.
 * @returns also whether functions in JavaScript may be called for them */
export function resultChunks(
  session: Session,
  index: number,
): { readonly chunks: AsyncGenerator<ColumnValues[]>; readonly callsNatives: boolean } {
  const [plan, { lets }] = [resultPlan(session, index), session.staged];
  const wide = piecesOf(plan);
  if (wide !== undefined) return chunksInPieces(session, wide, plan.cols);
  const { rowsAs } = session.facts;
  const form = plan.cols.length <= jsonColumnsMax ? rowsAs : undefined;
  const first = translated(session, plan, lets, { wrapping: false, form });
  const chunks = chunksOf(session, plan, lets, first, form);
  return { chunks: form === rowsAs ? chunks : written(chunks, plan.cols), callsNatives: first.callsNatives };
}

/** DuckDB plans 0.1 ms for each column that it makes text of: of many, that is more than few rows are worth. */
const jsonColumnsMax = 200;

async function* written(
  chunks: AsyncGenerator<ColumnValues[]>,
  cols: readonly Column[],
): AsyncGenerator<ColumnValues[]> {
  for await (const chunk of chunks) yield [encodeRows(cols, chunk)];
}

/** All pieces are translated before the first runs, so that what is wrong in one is known then. */
function chunksInPieces(
  session: Session,
  { pieces, rowsMax }: Pieces,
  cols: readonly Column[],
): ReturnType<typeof resultChunks> {
  const { lets } = session.staged;
  const translations = pieces.map(({ plan }) => translated(session, plan, lets, { wrapping: false }));
  async function* chunks(): AsyncGenerator<ColumnValues[]> {
    let left = rowsMax;
    for (const [index, piece] of pieces.entries()) {
      if (left <= 0) return;
      for await (const chunk of chunksOf(session, piece.plan, lets, translations[index])) {
        const rows = widened(chunk, piece, cols, left);
        left -= rows[0]?.length ?? 0;
        yield session.facts.rowsAs === 'json' ? [encodeRows(cols, rows)] : rows;
      }
    }
  }
  return { chunks: chunks(), callsNatives: translations.some(({ callsNatives }) => callsNatives) };
}

/** A result as a statement for those who keep its rows in the engine. */
export const resultStatement = (session: Session, index: number, wrapping: boolean): Translation =>
  translated(session, resultPlan(session, index), session.staged.lets, { wrapping, form: 'stored' });

function resultPlan({ staged }: Session, index: number): Plan {
  const plan = staged.results[index]?.plan;
  if (!plan) throw new KqlError('internal', 'There is no such result.');
  return plan;
}

function translated(
  session: Session,
  plan: Plan,
  lets: Program['lets'],
  form: Pick<TranslationInput, 'wrapping' | 'form'>,
): Translation {
  const { facts, language, tables, staged } = session;
  return translate(plan, {
    facts: { ...facts, options: staged.options },
    language,
    lets,
    ...form,
    table: (owner, table) => {
      const source = tables.get(tableKey(owner, table));
      if (!source) throw new KqlError('internal', 'A table was not opened.');
      return source;
    },
  });
}

/** Starts a statement far enough to know that it runs. An overflow of integers starts it again in the form that wraps. */
async function* chunksOf(
  session: Session,
  plan: Plan,
  lets: Program['lets'],
  first = translated(session, plan, lets, { wrapping: false }),
  form?: TranslationInput['form'],
): AsyncGenerator<ColumnValues[]> {
  let yielded = false;
  for (const wrapping of [false, true]) {
    const { sql, bound } = wrapping ? translated(session, plan, lets, { wrapping, form }) : first;
    try {
      for await (const chunk of session.connection.stream(sql, bound)) {
        session.signal?.throwIfAborted();
        yielded = true;
        yield chunk;
      }
      return;
    } catch (error) {
      if (!(error instanceof OverflowError) || yielded || wrapping) throw error;
    }
  }
}

const collect = (session: Session, plan: Plan, lets: Program['lets']): Promise<ColumnValues[][]> =>
  collected(chunksOf(session, plan, lets), session.connection.budget);

/** An overflow of integers does it again in the form that wraps. */
async function store(session: Session, plan: Plan, lets: Program['lets'], name: string): Promise<TemporaryPlan> {
  for (const wrapping of [false, true]) {
    session.signal?.throwIfAborted();
    try {
      const select = translated(session, plan, lets, { wrapping, form: 'stored' });
      return await storeRows(session.connection, name, plan.cols, select);
    } catch (error) {
      if (!(error instanceof OverflowError) || wrapping) throw error;
    }
  }
  throw new OverflowError();
}
