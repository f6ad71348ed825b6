import type { SchemaElement } from 'hyparquet-writer';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { Cell, KqlType, ResultTable } from '../answer/answer.ts';
import { cellText } from '../answer/cell-text.ts';
import { exactText, unmarked } from '../answer/exact-json.ts';
import type { Part } from './table-text.ts';

type Written = string | number | bigint | boolean | null;

interface ColumnWriter {
  readonly element: Omit<SchemaElement, 'name' | 'repetition_type'>;
  readonly value: (cell: Exclude<Cell, null>) => Written;
}

const utf8 = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;
const asText = (type: KqlType): ColumnWriter => ({ element: utf8, value: (cell) => cellText(cell, type) });
const timestamp = (unit: 'NANOS' | 'MICROS', ofTicks: (ticks: bigint) => bigint): ColumnWriter => ({
  element: { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit } },
  value: (cell) => ofTicks(ticksOf(cellText(cell, 'datetime'))),
});

/** Decimals and spans of time are texts: Parquet has no type that holds all of them. */
const writers: Readonly<Record<KqlType, ColumnWriter>> = {
  bool: { element: { type: 'BOOLEAN' }, value: (cell) => cell === true || cell === 1 },
  int: { element: { type: 'INT32' }, value: Number },
  long: { element: { type: 'INT64' }, value: (cell) => BigInt(cellText(cell, 'long')) },
  real: { element: { type: 'DOUBLE' }, value: (cell) => Number(typeof cell === 'string' ? unmarked(cell) : cell) },
  decimal: asText('decimal'),
  string: asText('string'),
  datetime: timestamp('NANOS', (ticks) => ticks * 100n),
  timespan: asText('timespan'),
  guid: {
    element: { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } },
    value: (cell) => cellText(cell, 'guid'),
  },
  // As text of the type JSON: the library would lose long numbers if it wrote the value itself.
  dynamic: { element: { ...utf8, logical_type: { type: 'JSON' } }, value: (cell) => exactText(cell) },
};
/** Before 1678 and after 2262 nanoseconds are more than 64 bits hold. */
const wideDatetime = timestamp('MICROS', (ticks) => ticks / 10n);
const nanosMax = 2n ** 63n / 100n - 1n;

/** A Parquet file, of one group of rows for every hundred thousand, with the types of the columns; a null is a null. */
export function parquetBytes({ columns, rows }: ResultTable, part: Part): ArrayBuffer {
  const names = uniqueNames(part.columns.map((column) => columns[column]?.name ?? ''));
  const given = part.columns.map((column, place) => {
    const type = columns[column]?.type ?? 'string';
    const cells = part.rows.map((row) => rows[row]?.[column] ?? null);
    const { element, value } = type === 'datetime' && cells.some(isFar) ? wideDatetime : writers[type];
    const data = cells.map((cell) => (cell === null ? null : value(cell)));
    return { name: names[place] ?? '', element, data };
  });
  return parquetWriteBuffer({
    createdBy: 'Kustody',
    schema: [
      { name: 'root', num_children: given.length },
      ...given.map(({ name, element }): SchemaElement => ({ ...element, name, repetition_type: 'OPTIONAL' })),
    ],
    columnData: given.map(({ name, data }) => ({ name, data })),
  });
}

const isFar = (cell: Cell): boolean => {
  if (cell === null) return false;
  const ticks = ticksOf(cellText(cell, 'datetime'));
  return ticks > nanosMax || ticks < -nanosMax;
};

/** Of `2026-01-02T03:04:05.1234567Z`, in 100 ns since 1970. */
function ticksOf(text: string): bigint {
  const [, whole = text, fraction = ''] = /^(.*?)(?:\.(\d+))?Z?$/.exec(text) ?? [];
  return BigInt(Date.parse(`${whole}Z`)) * 10_000n + BigInt(fraction.padEnd(7, '0').slice(0, 7));
}

/** A file has one column of a name; Data Explorer's results may have two. */
function uniqueNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let free = name;
    for (let more = 1; taken.has(free); more += 1) free = `${name}${String(more)}`;
    taken.add(free);
    return free;
  });
}
