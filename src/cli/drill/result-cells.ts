import { isJsonObject } from '../../base/json.ts';

/** Of the first table of an answer of version 1. */
export function rowsOf(value: unknown): readonly (readonly unknown[])[] {
  const tables = isJsonObject(value) && Array.isArray(value['Tables']) ? value['Tables'] : [];
  const first: unknown = tables[0];
  const rows = isJsonObject(first) && Array.isArray(first['Rows']) ? first['Rows'] : [];
  return rows.filter((row) => Array.isArray(row));
}

export const firstCell = (value: unknown): unknown => rowsOf(value)[0]?.[0];
