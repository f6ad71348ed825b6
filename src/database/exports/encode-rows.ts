import type { ColumnValues } from '../../kql/duckdb/engine-database.ts';
import type { Column, KqlType } from '../../kql/plan/types.ts';
import type { NativeValue } from '../../kql/sql/native.ts';
import { formatReal, realToJson } from '../../kql/values/real-text.ts';
import { formatDatetime, formatTimespan } from '../../kql/values/ticks.ts';

export type TextFormat = 'csv' | 'tsv' | 'json';

/** Makes text of rows, one at a time. */
export interface RowEncoder {
  /** Names of the columns as a row; empty where the format has none. */
  readonly header: string;
  /** With its line break. */
  row(chunk: readonly ColumnValues[], at: number): string;
}

type Encode = (value: NonNullable<NativeValue>) => string;

const ticks =
  (format: (value: bigint) => string): Encode =>
  (value) =>
    typeof value === 'bigint' ? format(value) : '';

const texts: { readonly [Type in KqlType]: Encode } = {
  bool: (value) => (value === true ? 'true' : 'false'),
  int: String,
  long: String,
  real: (value) => formatReal(Number(value)),
  decimal: String,
  string: String,
  datetime: ticks(formatDatetime),
  timespan: ticks(formatTimespan),
  guid: (value) => String(value).toLowerCase(),
  dynamic: String,
};

/** Numbers keep all their digits; a dynamic is JSON already. */
const jsonTexts: { readonly [Type in KqlType]: Encode } = {
  ...texts,
  real: (value) => realToJson(Number(value)),
  ...Object.fromEntries(
    (['decimal', 'string', 'datetime', 'timespan', 'guid'] as const).map((type) => [
      type,
      (value: NonNullable<NativeValue>) => JSON.stringify(texts[type](value)),
    ]),
  ),
};

/** Nulls are empty in delimited text, as empty strings are. */
export function rowEncoder(format: TextFormat, columns: readonly Column[]): RowEncoder {
  if (format === 'json') return jsonEncoder(columns);
  const delimiter = format === 'csv' ? ',' : '\t';
  const special = new RegExp(`[${delimiter}"\r\n]`);
  const quoted = (text: string): string => (special.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const line = (cells: readonly string[]): string => `${cells.map(quoted).join(delimiter)}\r\n`;
  const encoders = columns.map(({ type }) => texts[type]);
  return {
    header: line(columns.map(({ name }) => name)),
    row: (chunk, at) =>
      line(
        encoders.map((encode, index) => {
          const value = chunk[index]?.[at] ?? null;
          return value === null ? '' : encode(value);
        }),
      ),
  };
}

function jsonEncoder(columns: readonly Column[]): RowEncoder {
  const members = columns.map(({ name, type }) => ({
    name: JSON.stringify(name),
    encode: jsonTexts[type],
    missing: type === 'string' ? '""' : 'null',
  }));
  return {
    header: '',
    row: (chunk, at) => {
      const cells = members.map(({ name, encode, missing }, index) => {
        const value = chunk[index]?.[at] ?? null;
        return `${name}:${value === null ? missing : encode(value)}`;
      });
      return `{${cells.join(',')}}\n`;
    },
  };
}
