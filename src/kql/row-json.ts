import type { ColumnValues } from './duckdb/engine-database.ts';
import type { Column, KqlType } from './plan/types.ts';
import type { NativeValue } from './sql/native.ts';
import { formatTimespan, unixEpochTicks } from './values/ticks.ts';
import { realToJson } from './values/real-text.ts';

/** The JSON text of one value that is not null. */
type Encode = (value: NonNullable<NativeValue>) => string;

/** How each type stands in JSON. A long keeps all 64 bits, since it never becomes a double; a dynamic is JSON already. */
const encoders: { readonly [Type in KqlType]: Encode } = {
  bool: (value) => (value === true ? 'true' : 'false'),
  int: String,
  long: String,
  real: (value) => realToJson(Number(value)),
  decimal: (value) => `"${String(value)}"`,
  string: (value) => JSON.stringify(value),
  datetime: (value) => (typeof value === 'bigint' ? `"${datetimeText(value)}"` : 'null'),
  timespan: (value) => (typeof value === 'bigint' ? `"${formatTimespan(value)}"` : 'null'),
  guid: (value) => `"${String(value).toLowerCase()}"`,
  dynamic: String,
};

/** Null is `null` for every type but string, which has no null. */
const nullText = (type: KqlType): string => (type === 'string' ? '""' : 'null');

/** @returns the JSON array of each row of a chunk */
export function encodeRows(columns: readonly Column[], chunk: readonly ColumnValues[]): string[] {
  const rowCount = chunk[0]?.length ?? 0;
  const rows = new Array<string>(rowCount).fill('[');
  columns.forEach((column, index) => {
    const encode = encoders[column.type];
    const missing = nullText(column.type);
    const values = chunk[index] ?? [];
    const comma = index === 0 ? '' : ',';
    for (let row = 0; row < rowCount; row += 1) {
      const value = values[row];
      rows[row] = (rows[row] ?? '') + comma + (value === null || value === undefined ? missing : encode(value));
    }
  });
  return rows.map((row) => `${row}]`);
}

/** The rows of a chunk that are JSON arrays already (`QueryRequest.rowsAs`). */
export const jsonRows = (chunk: readonly ColumnValues[]): string[] => (chunk[0] ?? []).map(String);

const ticksPerDay = 864_000_000_000n;
const unixEpochDay = Number(unixEpochTicks / ticksPerDay);
const pad = (value: number, width: number): string => String(value).padStart(width, '0');
let lastDay = -1;
let lastDayText = '';

/** As `formatDatetime`, for many values of few days: the text of the last day is kept. */
export function datetimeText(ticks: bigint): string {
  const day = Number(ticks / ticksPerDay);
  if (day !== lastDay) {
    lastDayText = new Date((day - unixEpochDay) * 86_400_000).toISOString().slice(0, 10);
    lastDay = day;
  }
  const rest = Number(ticks % ticksPerDay); // below 2^53
  const seconds = Math.floor(rest / 10_000_000);
  const time = `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`;
  return `${lastDayText}T${time}.${pad(rest % 10_000_000, 7)}Z`;
}
