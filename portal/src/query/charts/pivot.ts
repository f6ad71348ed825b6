import type { Column, ResultTable, Row } from '../answer/answer.ts';
import { cellNumber, cellText, isNumeric } from '../answer/cell-text.ts';
import { seriesMax } from './chart.ts';

export const aggregates = ['Count', 'Sum', 'Average', 'Least', 'Most'] as const;
export type Aggregate = (typeof aggregates)[number];

/** What a pivot is of: places of columns. */
export interface PivotChoice {
  readonly rows: number;
  /** Whose values become columns; undefined: one column of all. */
  readonly columns: number | undefined;
  readonly values: number | undefined;
  readonly aggregate: Aggregate;
}

/** What is seen first: texts down and across, and the first number summed up. */
export function firstChoice({ columns }: ResultTable): PivotChoice {
  const names = columns.flatMap(({ type }, index) => (isNumeric(type) ? [] : [index]));
  const values = columns.findIndex(({ type }) => isNumeric(type));
  return {
    rows: names[0] ?? 0,
    columns: names[1],
    ...(values < 0 ? { values: undefined, aggregate: 'Count' } : { values, aggregate: 'Sum' }),
  };
}

/** A table with a row for each value of one column, and a column for each value of another. @returns with how many columns were left out */
export function pivoted(
  table: ResultTable,
  choice: PivotChoice,
): { readonly table: ResultTable; readonly left: number } {
  const heads = new Map<string, number>();
  const lines = new Map<string, { readonly cell: Row[number]; readonly cells: Map<number, number[]> }>();
  const text = (row: Row, column: number): string => cellText(row[column], table.columns[column]?.type ?? 'string') || '(empty)'; // prettier-ignore
  const left = new Set<string>();
  for (const row of table.rows) {
    const head = choice.columns === undefined ? choice.aggregate : text(row, choice.columns);
    if (!heads.has(head) && heads.size >= seriesMax) {
      left.add(head);
      continue;
    }
    if (!heads.has(head)) heads.set(head, heads.size);
    const name = text(row, choice.rows);
    const line = lines.get(name) ?? { cell: row[choice.rows] ?? null, cells: new Map<number, number[]>() };
    lines.set(name, line);
    const at = heads.get(head) ?? 0;
    const number = choice.values === undefined ? 1 : cellNumber(row[choice.values], table.columns[choice.values]?.type ?? 'real'); // prettier-ignore
    const numbers = line.cells.get(at) ?? [];
    line.cells.set(at, numbers);
    if (number !== undefined) numbers.push(number);
  }
  const first: Column = table.columns[choice.rows] ?? { name: 'Row', type: 'string' };
  const columns: Column[] = [first, ...[...heads.keys()].map((name): Column => ({ name, type: 'real' }))];
  const rows = [...lines.values()].map(({ cell, cells }): Row => [
    cell,
    ...[...heads.values()].map((at) => aggregated(cells.get(at) ?? [], choice.aggregate)),
  ]);
  return { table: { name: table.name, columns, rows }, left: left.size };
}

function aggregated(numbers: readonly number[], aggregate: Aggregate): number | null {
  if (aggregate === 'Count') return numbers.length;
  if (numbers.length === 0) return null;
  const sum = numbers.reduce((a, b) => a + b, 0);
  if (aggregate === 'Sum') return sum;
  if (aggregate === 'Average') return sum / numbers.length;
  return numbers.reduce((a, b) => (aggregate === 'Least' ? Math.min(a, b) : Math.max(a, b)));
}
