import type { ResultTable } from '../answer/answer.ts';
import { cellText } from '../answer/cell-text.ts';

/** Rows and columns of a table: places in it, in the order in which they are written. */
export interface Part {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

/** RFC 4180, with a line of names. A null is an empty field, an empty text is `""`, so that both can be read back. */
export function csvText(table: ResultTable, { rows, columns }: Part): string {
  const names = columns.map((column) => csvField(table.columns[column]?.name ?? '')).join(',');
  const lines = rows.map((row) =>
    columns
      .map((column) => {
        const cell = table.rows[row]?.[column] ?? null;
        return cell === null ? '' : csvField(cellText(cell, table.columns[column]?.type ?? 'string'));
      })
      .join(','),
  );
  return `${[names, ...lines].join('\r\n')}\r\n`;
}

const csvField = (text: string): string =>
  text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** As spreadsheets paste it: tabs between cells. @param withNames a first line of the names of columns */
export function tabbedText(table: ResultTable, { rows, columns }: Part, withNames: boolean): string {
  const field = (text: string): string => (/[\t\r\n"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const names = withNames ? [columns.map((column) => field(table.columns[column]?.name ?? '')).join('\t')] : [];
  const lines = rows.map((row) =>
    columns
      .map((column) => field(cellText(table.rows[row]?.[column], table.columns[column]?.type ?? 'string')))
      .join('\t'),
  );
  return [...names, ...lines].join('\n');
}
