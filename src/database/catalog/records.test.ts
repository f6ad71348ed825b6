import { expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { TableRecord } from './records.ts';
import { decodeRecord, encodeRecord } from './record-coding.ts';

const table: TableRecord = {
  ...{ kind: 'table', tableId: newGuid(systemRandomBytes), databaseId: newGuid(systemRandomBytes), name: 'T' },
  ...{ columns: [], nextColumnId: 1, folder: '', docstring: '', mappings: [], policies: {} },
};

const formatIn = (stored: Buffer): unknown => (JSON.parse(stored.toString()) as { readonly format: unknown }).format;

it('writes the format that a record needs now, whatever it was read as', () => {
  const stored = encodeRecord(table);
  expect(formatIn(stored)).toBe(1);
  const read = decodeRecord(stored);
  if (read.kind !== 'table') throw new Error('it is a table');
  // Emptied: who does not know of epochs would show the rows that are gone.
  expect(formatIn(encodeRecord({ ...read, epoch: 1 }))).toBe(2);
  expect(formatIn(encodeRecord(decodeRecord(encodeRecord({ ...read, epoch: 1 }))))).toBe(2);
});
