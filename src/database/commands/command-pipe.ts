import type { Program } from '../../kql/plan/plan.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Column, KqlType } from '../../kql/plan/types.ts';
import type { QueryExecution } from '../../kql/query-engine.ts';
import type { NativeValue } from '../../kql/sql/native.ts';
import { formatDatetime, formatTimespan } from '../../kql/values/ticks.ts';
import type { CommandTable, Row } from './command.ts';
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
): Promise<CommandTable> {
  requireReadable(context, pipe, 'Query');
  const source = commandProgram(context, 'pipe', { text, program: pipe });
  return readResult(await context.engine.executeProgram(source, queryRequest(context, text), made));
}

/** Operators after a command that the parser does not know: over its rows as literals. */
export async function pipeText(context: CommandContext, made: CommandTable, pipe: string): Promise<CommandTable> {
  if (made.rows.length * made.columns.length > literalsMax)
    throw new KqlError('limits', 'The command has too many rows for a query over them.');
  const schema = made.columns.map(({ name, type }) => `${quotedName(name)}:${type}`).join(', ');
  const values = made.rows.flatMap((row) => made.columns.map(({ type }, index) => literal(row[index] ?? null, type)));
  const text = `datatable(${schema}) [${values.join(', ')}] | ${pipe}`;
  return readResult(await context.engine.execute(queryRequest(context, text)));
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

/** Reads a result to its end and lets go of what it holds. */
export async function readResult(execution: QueryExecution): Promise<CommandTable> {
  try {
    const [result, ...others] = execution.results;
    if (result === undefined || others.length > 0) throw new KqlError('semantic', 'A command has exactly one result.');
    const rows: Row[] = [];
    for await (const chunk of result.chunks) {
      const count = chunk[0]?.length ?? 0;
      if (rows.length + count > rowsMax) throw new KqlError('limits', `A command answers at most ${rowsMax} rows.`);
      for (let index = 0; index < count; index += 1) rows.push(rowAt(result.columns, chunk, index));
    }
    return { columns: result.columns, rows };
  } finally {
    execution.close();
  }
}

const rowAt = (columns: readonly Column[], chunk: readonly (readonly NativeValue[])[], index: number): Row =>
  columns.map((_column, at) => chunk[at]?.[index] ?? null);
