import type { Column, KqlType } from '../plan/types.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { itemsOf } from '../functions/array.ts';
import { jsonKind, jsonPairs, jsonToText } from '../values/json-text.ts';
import { parseDatetime } from '../values/ticks.ts';
import { toType } from '../sql/convert-value.ts';
import type { PluginArguments } from './plugin-arguments.ts';
import { argumentsOf } from './plugin-arguments.ts';
import type { RowOperator } from './row-operator.ts';
import { nullOf } from './row-operator.ts';

/** The type of one value in a bag; undefined for null, which is of any. */
function typeOfValue(value: string): KqlType | undefined {
  if (value === 'null') return undefined;
  const kind = jsonKind(value);
  if (kind === 'number') return /^-?\d+$/.test(value) ? 'long' : 'real';
  if (kind === 'bool') return 'bool';
  if (kind !== 'string') return 'dynamic';
  return isoDatetime.test(value) && parseDatetime(jsonToText(value)) !== undefined ? 'datetime' : 'string';
}

/** The type of the column that values of these types unpack to: that of all of them, else dynamic. */
function unpackedType(types: ReadonlySet<KqlType> | undefined): KqlType {
  const [only] = types ?? [];
  return types?.size === 1 && only
    ? only
    : types?.size === 2 && types.has('long') && types.has('real')
      ? 'real'
      : 'dynamic';
}
const isoDatetime = /^"\d{4}-\d{2}-\d{2}(T[\d:.]+Z?)?"$/;

const parameters = ['OutputColumnPrefix', 'columnsConflict', 'ignoredProperties'] as const;
const conflicts: ReadonlySet<string> = new Set(['error', 'replace_source', 'keep_source']);
const wrong = (what: string): KqlError => new KqlError('semantic', `evaluate bag_unpack(): ${what}.`);

/** @throws KqlError semantic: the binder knows only the first two */
function settingsOf(args: PluginArguments): {
  readonly prefix: string;
  readonly conflict: string;
  readonly ignored: ReadonlySet<string>;
} {
  if (args.count > parameters.length + 1) throw wrong('there are at most four arguments');
  const names = args.raw.flatMap(({ given }) => given ?? []);
  const unknown = names.find((name) => !parameters.some((parameter) => parameter === name));
  if (unknown !== undefined) throw wrong(`there is no parameter '${unknown.slice(0, 100)}'`);
  const [prefix = '', conflict = 'error', ignored = '[]'] = parameters.map((name, index) =>
    args.constant(index + 1, name),
  );
  if (typeof prefix !== 'string') throw wrong('the prefix must be a string');
  if (typeof conflict !== 'string' || !conflicts.has(conflict))
    throw wrong(`columnsConflict must be one of ${[...conflicts].join(', ')}`);
  const items = itemsOf(ignored);
  if (!items) throw wrong('ignoredProperties must be an array');
  return { prefix, conflict, ignored: new Set(items.map(jsonToText)) };
}

/** `bag_unpack(Column[, prefix[, conflict[, ignored]]])` */
const bagUnpack: RowOperator = (call) => {
  const args = argumentsOf(call, 'bag_unpack');
  const source = args.column(0);
  if (args.typeOf(0) !== 'dynamic') throw wrong('the column must be of type dynamic');
  const { prefix, conflict, ignored } = settingsOf(args);
  const bags = args.rows.rows.map(
    (row) =>
      new Map(
        (jsonPairs(String(row[source] ?? '')) ?? [])
          .filter(([name]) => !ignored.has(name))
          .map(([name, value]) => [prefix + name, value]),
      ),
  );
  const kept = args.rows.cols.filter((_column, index) => index !== source);
  const found = new Map<string, Set<KqlType>>();
  for (const bag of bags)
    for (const [name, value] of bag) {
      const types = found.get(name) ?? new Set();
      found.set(name, types);
      const type = typeOfValue(value);
      if (type) types.add(type);
    }
  const clashing = kept.filter((column) => found.has(column.name));
  const known = call.cols && new Set(call.cols.map(({ name }) => name));
  const clash = clashing.find(({ name }) => !known || known.has(name));
  if (clash && conflict === 'error') throw wrong(`the column '${clash.name}' exists already`);
  const replaced = new Set(conflict === 'replace_source' ? clashing.map((column) => column.name) : []);
  const sourceName = args.rows.cols[source]?.name;
  const rank = (name: string): string => (name === sourceName ? '' : name);
  const keptNames = new Set(kept.map(({ name }) => name));
  const fresh = [...found.keys()].filter((name) => !keptNames.has(name)).sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  const cols: readonly Column[] = call.cols ?? [
    ...kept.map((column): Column =>
      replaced.has(column.name) ? { name: column.name, type: unpackedType(found.get(column.name)) } : column,
    ),
    ...fresh.map((name): Column => ({ name, type: unpackedType(found.get(name)) })),
  ];
  const places = new Map(args.rows.cols.map(({ name }, index) => [name, index]));
  const ownPlaces = cols.map(({ name }) => (name === sourceName ? -1 : (places.get(name) ?? -1)));
  const rows = args.rows.rows.map((row, at) => {
    const bag = bags[at];
    return cols.map((column, index): NativeValue => {
      const own = ownPlaces[index] ?? -1;
      const unpacked = bag?.get(column.name);
      if (own >= 0 && !replaced.has(column.name)) return row[own] ?? nullOf(column.type);
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
