import type { Cell, KqlType, ResultTable } from '../answer/answer.ts';
import { cellNumber, cellText, isNumeric } from '../answer/cell-text.ts';

export interface Sorting {
  readonly column: number;
  readonly descending: boolean;
}

/** Which rows are shown, in which order: places in `table.rows`. Rows themselves are never copied.
 * @param search a text that some cell of a row contains, whatever its case
 * @param filters of single columns by their place: a text that the cell contains, or for numbers and times `> 5`, `<= 2026-01-01`, `!= x` */
export function arrangeRows(
  { columns, rows }: ResultTable,
  search: string,
  filters: ReadonlyMap<number, string>,
  sorting: Sorting | undefined,
): number[] {
  const tests = [...filters].flatMap(([column, text]) => {
    const type = columns[column]?.type ?? 'string';
    return text.trim() === '' ? [] : [{ column, fits: cellTest(text.trim(), type) }];
  });
  const wanted = search.trim().toLowerCase();
  const kept: number[] = [];
  rows.forEach((row, index) => {
    if (!tests.every(({ column, fits }) => fits(row[column] ?? null))) return;
    const found =
      wanted === '' || columns.some(({ type }, at) => cellText(row[at], type).toLowerCase().includes(wanted));
    if (found) kept.push(index);
  });
  if (sorting === undefined) return kept;
  const { column, descending } = sorting;
  const type = columns[column]?.type ?? 'string';
  const compare = comparer(type);
  const cells = new Map(kept.map((index) => [index, rows[index]?.[column] ?? null]));
  const sign = descending ? -1 : 1;
  return kept.sort((a, b) => sign * compare(cells.get(a) ?? null, cells.get(b) ?? null) || a - b);
}

/** Null before everything, as `sort by … asc` has it. */
function comparer(type: KqlType): (a: Cell, b: Cell) => number {
  const compare = valueComparer(type);
  return (a, b) => (a === null || b === null ? Number(b === null) - Number(a === null) : compare(a, b));
}

function valueComparer(type: KqlType): (a: Cell, b: Cell) => number {
  if (type === 'long') return (a, b) => compareLongs(a, b);
  if (isNumeric(type) || type === 'timespan' || type === 'bool') {
    const value = (cell: Cell): number => cellNumber(cell, type) ?? special[cellText(cell, type)] ?? 0;
    return (a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0);
  }
  return (a, b) => {
    const [x, y] = [cellText(a, type), cellText(b, type)];
    return x < y ? -1 : x > y ? 1 : 0;
  };
}

/** What JSON has no number for comes as text. NaN is before all numbers. */
const special: Readonly<Record<string, number>> = { NaN: -Infinity, Infinity, '-Infinity': -Infinity };

function compareLongs(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [x, y] = [BigInt(cellText(a, 'long')), BigInt(cellText(b, 'long'))];
  return x < y ? -1 : x > y ? 1 : 0;
}

type CellTest = (cell: Cell) => boolean;

function cellTest(text: string, type: KqlType): CellTest {
  const [, operator, operand = ''] = /^(>=|<=|!=|=|>|<)\s*(.*)$/s.exec(text) ?? [];
  if (operator === undefined) {
    const wanted = text.toLowerCase();
    return (cell) => cellText(cell, type).toLowerCase().includes(wanted);
  }
  if (operator === '=' || operator === '!=') {
    const same: CellTest = (cell) => cellText(cell, type).toLowerCase() === operand.toLowerCase();
    return operator === '=' ? same : (cell) => !same(cell);
  }
  const limit = cellNumber(operand, type === 'string' ? 'real' : type);
  return (cell) => {
    const value = cell === null ? undefined : cellNumber(cell, type);
    if (value === undefined || limit === undefined) return false;
    if (operator === '>') return value > limit;
    if (operator === '<') return value < limit;
    return operator === '>=' ? value >= limit : value <= limit;
  };
}
