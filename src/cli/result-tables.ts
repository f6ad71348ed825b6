import { isJsonObject, textMember } from '../base/json.ts';
import type { LocalResult } from '../server/local-client.ts';
import { succeeded } from '../server/local-client.ts';
import type { ExactJson } from './exact-json.ts';
import { parseExactJson } from './exact-json.ts';
import { textTable } from './text-table.ts';
import { UserError } from './user-error.ts';

export interface ResultTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

export type ToJson = ExactJson['stringify'];

/** Results only: a query of version 1 ends with its properties, status and table of contents. */
export function tablesOf({
  status,
  text,
  value,
}: LocalResult): readonly { readonly table: ResultTable; readonly toJson: ToJson }[] {
  try {
    succeeded({ status, text, value });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error));
  }
  const answer = parseExactJson(text);
  const tables = isJsonObject(answer.value) ? answer.value['Tables'] : undefined;
  const all = Array.isArray(tables) ? tables.map(tableOf) : [];
  const results = all.length <= 3 ? all.slice(0, 1) : all.slice(0, -3);
  return results.map((table) => ({ table, toJson: answer.stringify }));
}

function tableOf(table: unknown): ResultTable {
  const columns: readonly unknown[] = isJsonObject(table) && Array.isArray(table['Columns']) ? table['Columns'] : [];
  const rows: readonly unknown[] = isJsonObject(table) && Array.isArray(table['Rows']) ? table['Rows'] : [];
  const failure = rows.find((row) => !Array.isArray(row));
  if (failure !== undefined) throw new UserError(failureText(failure));
  return {
    columns: columns.map((column) => (isJsonObject(column) ? textMember(column, 'ColumnName') : '')),
    rows: rows.filter((row): row is unknown[] => Array.isArray(row)),
  };
}

/** A query that fails when rows are on their way ends with `{"Exceptions":["…"]}` among them. */
function failureText(row: unknown): string {
  const exceptions = isJsonObject(row) && Array.isArray(row['Exceptions']) ? row['Exceptions'] : [row];
  return exceptions.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n');
}

export function cell(value: unknown, toJson: ToJson): string {
  if (value === null || value === undefined) return '';
  const json = toJson(value);
  // A number of many digits is no text, although it is kept as one.
  return typeof value === 'string' && json.startsWith('"') ? value : json;
}

/** Rows are anybody's text: what would steer the terminal is shown as an escape. */
function shown(text: string): string {
  // eslint-disable-next-line no-control-regex -- it is about them
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (control) => {
    const code = control.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}

/** As people read it, with the count of its rows. */
export function tableText({ columns, rows }: ResultTable, toJson: ToJson): string {
  const cells = rows.map((row) => row.map((value) => shown(cell(value, toJson))));
  return `${textTable(columns.map(shown), cells)}\n${rows.length} ${rows.length === 1 ? 'row' : 'rows'}\n`;
}
