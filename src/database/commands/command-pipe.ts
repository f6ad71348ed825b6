import { invariant } from '../../base/invariant.ts';
import { commandResults } from '../../kql/plan/command.ts';
import type { Program } from '../../kql/plan/plan.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Column, KqlType } from '../../kql/plan/types.ts';
import type { QueryExecution } from '../../kql/query-engine.ts';
import type { NativeValue } from '../../kql/sql/native.ts';
import { formatDatetime, formatTimespan } from '../../kql/values/ticks.ts';
import type { CommandTable, QueriedTables, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { commandProgram } from './command-program.ts';
import { queryRequest, requireReadable } from './query-request.ts';
import { quotedName } from './schema-text.ts';

/** Rows of one answer. */
export const rowsMax = 500_000;
const literalsMax = 10_000;

/** Operators that the parser bound to the command's own columns. */
export async function pipeParsed(
  context: CommandContext,
  made: CommandTable,
  pipe: Program,
  text: string,
): Promise<QueriedTables> {
  requireReadable(context, pipe, 'Query');
  const source = commandProgram(context, 'pipe', { text, program: pipe });
  return readResults(await context.engine.executeProgram(source, queryRequest(context, text), made));
}

/** What follows a command that the parser does not know: over its rows as literals.
 * @param pipe operators from the first `|`, or statements */
export async function pipeText(context: CommandContext, made: CommandTable, pipe: string): Promise<QueriedTables> {
  if (made.rows.length * made.columns.length > literalsMax)
    throw new KqlError('limits', 'The command has too many rows for a query over them.');
  const schema = made.columns.map(({ name, type }) => `${quotedName(name)}:${type}`).join(', ');
  const values = made.rows.flatMap((row) => made.columns.map(({ type }, index) => literal(row[index] ?? null, type)));
  const rows = `let ${commandResults} = datatable(${schema}) [${values.join(', ')}];`;
  const text = `${rows}\n${pipe.startsWith('|') ? commandResults : ''} ${pipe}`;
  return readResults(await context.engine.execute(queryRequest(context, text)));
}

function literal(value: NativeValue, type: KqlType): string {
  if (value === null) return type === 'string' ? '""' : `${type}(null)`;
  if (type === 'string') return stringLiteral(String(value));
  if (type === 'dynamic') return `dynamic(${String(value)})`;
  if (type === 'datetime' && typeof value === 'bigint') return `datetime(${formatDatetime(value)})`;
  if (type === 'timespan' && typeof value === 'bigint') return `timespan(${formatTimespan(value)})`;
  return `${type}(${String(value)})`;
}

export const stringLiteral = (text: string): string =>
  `"${text.replace(/[\\"\n\r\t]/g, (character) => ({ '\n': '\\n', '\r': '\\r', '\t': '\\t' })[character] ?? `\\${character}`)}"`;

/** Reads the one result to its end and lets go of what it holds. */
export async function readResult(execution: QueryExecution): Promise<CommandTable> {
  if (execution.results.length !== 1) {
    execution.close();
    throw new KqlError('semantic', 'A command has exactly one result.');
  }
  const { tables } = await readResults(execution);
  const [result] = tables;
  invariant(result !== undefined, 'each result of a query is a table');
  return result;
}

/** Reads all results to their ends and lets go of what they hold. */
async function readResults(execution: QueryExecution): Promise<QueriedTables> {
  const tables: CommandTable[] = [];
  let left = rowsMax;
  try {
    for (const { columns, chunks, visualization } of execution.results) {
      const rows: Row[] = [];
      for await (const chunk of chunks) {
        const count = chunk[0]?.length ?? 0;
        left -= count;
        if (left < 0) throw new KqlError('limits', `A command answers at most ${rowsMax} rows.`);
        for (let index = 0; index < count; index += 1) rows.push(rowAt(columns, chunk, index));
      }
      tables.push({ columns, rows, ...(visualization && { visualization }) });
    }
    return { tables, scanned: execution.scanned };
  } finally {
    execution.close();
  }
}

const rowAt = (columns: readonly Column[], chunk: readonly (readonly NativeValue[])[], index: number): Row =>
  columns.map((_column, at) => chunk[at]?.[index] ?? null);
