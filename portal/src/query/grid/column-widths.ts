import type { ResultTable } from '../answer/answer.ts';
import { cellText } from '../answer/cell-text.ts';

export const rowHeight = 28;

/** In pixels, by the names and the first rows: as wide as most texts of a column need. */
export function columnWidths({ columns, rows }: ResultTable): number[] {
  return columns.map(({ name, type }, index) => {
    const texts = rows.slice(0, 50).map((row) => cellText(row[index], type).length);
    const characters = Math.max(name.length + 3, ...texts);
    return Math.max(64, Math.min(420, Math.ceil(characters * 7) + 20));
  });
}
