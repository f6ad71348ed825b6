import { textTable } from '../text-table.ts';
import type { Copy } from './copies.ts';

interface CopyTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export const copyTable = (copies: readonly Copy[]): CopyTable => ({
  head: ['of', 'what', 'when', 'by'],
  rows: copies.map(({ of, what, on = '', by = '' }) => [of, what, on === '' ? '' : `${on.slice(0, 19)}Z`, by]),
});

/** For a terminal: what remains when a key is taken away. @returns nothing where there is none */
export function copyText(copies: readonly Copy[]): readonly string[] {
  if (copies.length === 0) return [];
  const { head, rows } = copyTable(copies);
  return [`${notTakenAway}:\n${textTable(head, rows)}`];
}

export const notTakenAway = 'Not taken away with the key, and could still open or hold the data';
