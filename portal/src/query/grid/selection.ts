/** A cell, and the other corner of what is selected with it; row 0 is the line of names. */
export interface Selection {
  readonly row: number;
  readonly column: number;
  readonly anchorRow: number;
  readonly anchorColumn: number;
}

export const start: Selection = { row: 0, column: 0, anchorRow: 0, anchorColumn: 0 };

/** Where a key leads, as the ARIA pattern of a grid has it.
 * @param rows with the line of names @param page rows that are seen at once
 * @returns undefined for a key that does not move */
export function moved(
  from: Selection,
  key: { readonly key: string; readonly ctrlKey: boolean; readonly metaKey: boolean; readonly shiftKey: boolean },
  { rows, columns, page }: { readonly rows: number; readonly columns: number; readonly page: number },
): Selection | undefined {
  const all = key.ctrlKey || key.metaKey;
  const step: Readonly<Record<string, readonly [number, number]>> = {
    ArrowDown: [all ? rows : 1, 0],
    ArrowUp: [all ? -rows : -1, 0],
    ArrowRight: [0, all ? columns : 1],
    ArrowLeft: [0, all ? -columns : -1],
    PageDown: [page, 0],
    PageUp: [-page, 0],
    Home: [all ? -rows : 0, -columns],
    End: [all ? rows : 0, columns],
  };
  const by = step[key.key];
  if (by === undefined) return undefined;
  const row = clamp(from.row + by[0], rows);
  const column = clamp(from.column + by[1], columns);
  return key.shiftKey ? { ...from, row, column } : { row, column, anchorRow: row, anchorColumn: column };
}

const clamp = (value: number, count: number): number => Math.max(0, Math.min(value, count - 1));

export const isSelected = ({ row, column, anchorRow, anchorColumn }: Selection, r: number, c: number): boolean =>
  r >= Math.min(row, anchorRow) &&
  r <= Math.max(row, anchorRow) &&
  c >= Math.min(column, anchorColumn) &&
  c <= Math.max(column, anchorColumn);
