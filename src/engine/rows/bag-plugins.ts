import type { Column, KqlType } from '../kql/types.ts';
import { KqlError } from '../kql/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { itemsOf } from '../sql/functions/array.ts';
import { jsonKind, jsonPairs, jsonToText } from '../values/json-text.ts';
import { parseDatetime } from '../values/ticks.ts';
import { toType } from './convert-value.ts';
import { argumentsOf } from './plugin-arguments.ts';
import type { RowOperator } from './row-operator.ts';
import { nullOf } from './row-operator.ts';

/** The type of the column that a bag's values unpack to: that of all of them, else dynamic. */
function unpackedType(values: readonly string[]): KqlType {
  const types = new Set(
    values
      .filter((value) => value !== 'null')
      .map((value): KqlType => {
        const kind = jsonKind(value);
        if (kind === 'number') return /^-?\d+$/.test(value) ? 'long' : 'real';
        if (kind === 'bool') return 'bool';
        if (kind !== 'string') return 'dynamic';
        return isoDatetime.test(value) && parseDatetime(jsonToText(value)) !== undefined ? 'datetime' : 'string';
      }),
  );
  const [only] = types;
  return types.size === 1 && only
    ? only
    : types.size === 2 && types.has('long') && types.has('real')
      ? 'real'
      : 'dynamic';
}
const isoDatetime = /^"\d{4}-\d{2}-\d{2}(T[\d:.]+Z?)?"$/;

/** `bag_unpack(Column[, prefix[, conflict[, ignored]]])` */
const bagUnpack: RowOperator = (call) => {
  const args = argumentsOf(call, 'bag_unpack');
  const source = args.column(0);
  const prefix = String(args.constant(1, 'OutputColumnPrefix') ?? '');
  const conflict = String(args.constant(2, 'columnsConflict') ?? 'error');
  const ignored = new Set((itemsOf(args.constant(3, 'ignoredProperties') ?? null) ?? []).map(jsonToText));
  const bags = args.rows.rows.map(
    (row) =>
      new Map(
        (jsonPairs(String(row[source] ?? '')) ?? [])
          .filter(([name]) => !ignored.has(name))
          .map(([name, value]) => [prefix + name, value]),
      ),
  );
  const kept = args.rows.cols.filter((_column, index) => index !== source);
  const found = new Map<string, string[]>();
  for (const bag of bags) for (const [name, value] of bag) found.set(name, [...(found.get(name) ?? []), value]);
  const clashing = kept.filter((column) => found.has(column.name));
  if (clashing.length > 0 && conflict === 'error' && !call.cols)
    throw new KqlError('semantic', `evaluate bag_unpack(): the column '${clashing[0]?.name ?? ''}' exists already.`);
  const replaced = new Set(conflict === 'replace_source' ? clashing.map((column) => column.name) : []);
  const sourceName = args.rows.cols[source]?.name;
  const rank = (name: string): string => (name === sourceName ? '' : name);
  const fresh = [...found.keys()]
    .filter((name) => !kept.some((column) => column.name === name))
    .sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  const cols: readonly Column[] = call.cols ?? [
    ...kept.map((column): Column =>
      replaced.has(column.name) ? { name: column.name, type: unpackedType(found.get(column.name) ?? []) } : column,
    ),
    ...fresh.map((name): Column => ({ name, type: unpackedType(found.get(name) ?? []) })),
  ];
  const rows = args.rows.rows.map((row, at) => {
    const bag = bags[at];
    return cols.map((column): NativeValue => {
      const own = args.rows.cols.findIndex((candidate, index) => index !== source && candidate.name === column.name);
      const unpacked = bag?.get(column.name);
      const takesOwn = own >= 0 && (unpacked === undefined || conflict !== 'replace_source');
      if (takesOwn) return row[own] ?? nullOf(column.type);
      return unpacked === undefined || unpacked === 'null'
        ? nullOf(column.type)
        : (toType(unpacked, 'dynamic', column.type) ?? nullOf(column.type));
    });
  });
  return { cols, rows };
};

/** One row for every cell: `Row`, `Column`, `Value`. */
const narrow: RowOperator = (call) => {
  const args = argumentsOf(call, 'narrow');
  const cols = call.cols ?? [];
  const rows = args.rows.rows.flatMap((row, at) =>
    args.rows.cols.map((column, index): NativeValue[] => [
      BigInt(at),
      column.name,
      toType(row[index] ?? null, column.type, 'string') ?? '',
    ]),
  );
  return { cols, rows };
};

export const bagPlugins: Readonly<Record<string, RowOperator>> = { bag_unpack: bagUnpack, narrow };
