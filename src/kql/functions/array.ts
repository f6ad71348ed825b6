import type { Sql } from '../sql/fragment.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { NativeFunction, NativeValue } from '../sql/native.ts';
import { native, withoutRun } from '../sql/native-row.ts';
import { big, nativeCall, nativeFunction } from '../sql/native.ts';
import { cast, jsonArrayOf } from '../sql/convert.ts';
import { allAsJson } from '../sql/convert-value.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';
import { compareJson, jsonArray, jsonItems, jsonKind, jsonToText } from '../values/json-text.ts';
import { realToDynamic } from '../values/real-text.ts';
import { formatDatetime, formatTimespan, parseTimespan } from '../values/ticks.ts';

export const itemsOf = (value: NativeValue | undefined): string[] | undefined =>
  typeof value === 'string' ? jsonItems(value) : undefined;

/** A function of one array (and more): null when the first argument is no array. */
const ofArray = (
  name: string,
  more: readonly ('long' | 'dynamic' | 'string' | 'bool')[],
  run: (items: string[], rest: readonly NativeValue[]) => NativeValue,
  result: 'dynamic' | 'long' | 'bool' | 'real' | 'string' = 'dynamic',
  defaults: NativeFunction['defaults'] = [],
): FunctionRow =>
  native(
    name,
    ['dynamic', ...more],
    result,
    ([array, ...rest]) => {
      const items = itemsOf(array);
      return items === undefined ? null : run(items, rest);
    },
    { nulls: true, defaults },
  );

const wrapIndex = (index: NativeValue | undefined, length: number, missing: number): number => {
  if (index === null || index === undefined) return missing;
  const at = Number(index);
  return at < 0 ? Math.max(0, length + at) : at;
};

function shifted(items: readonly string[], count: number, fill: string): string[] {
  const moved = items.map((_item, index) => items[index + count] ?? fill);
  return moved;
}

function rotated(items: readonly string[], count: number): string {
  const { length } = items;
  return jsonArray(items.map((_item, index) => items[(((index + count) % length) + length) % length] ?? 'null'));
}

/** Several arrays: each as raw items; what is no array is left out, but for a first one that must be. Comes as one JSON array of
 * all arguments. */
const ofArrays = (name: string, run: (arrays: string[][]) => NativeValue, needsFirst = false): FunctionRow => {
  const fn = nativeFunction(name, ['dynamic'], 'dynamic', ([all]) => {
    const arrays = (itemsOf(all) ?? []).map((item) => jsonItems(item));
    return needsFirst && !arrays[0] ? null : run(arrays.filter((items) => items !== undefined));
  });
  return {
    result: 'dynamic',
    natives: [fn],
    sql: (args) => nativeCall(fn, jsonArrayOf(args)),
    run: (args) => fn.run([allAsJson(args)]),
  };
};

export const unique = (items: readonly string[]): string[] => [...new Set(items)];

/** Sorts by the first array and moves the others along; nulls go last. A result per array. */
const sorted = (name: string, direction: 1 | -1): FunctionRow => {
  const fn = nativeFunction(
    name,
    ['dynamic', 'bool', 'bool'],
    'dynamic',
    ([all, nullsLast, several]) => {
      const arrays = (itemsOf(all) ?? []).map((item) => jsonItems(item));
      const first = arrays[0];
      if (!first) return several === true ? jsonArray(arrays.map(() => 'null')) : null;
      const keys = sortKeys(first);
      const order = keys
        .map((_key, index) => index)
        .sort((a, b) => compareItems(keys[a] ?? 'null', keys[b] ?? 'null', direction, nullsLast !== false) || a - b);
      const results = arrays.map((items) =>
        items?.length === first.length ? jsonArray(order.map((index) => items[index] ?? 'null')) : 'null',
      );
      return several === true ? jsonArray(results) : (results[0] ?? null);
    },
    { nulls: true },
  );
  return {
    result: 'dynamic',
    natives: [fn],
    sql: (args, call) => {
      const arrays = args.filter((argument) => argument.type === 'dynamic');
      const flag = args.find((argument) => argument.type === 'bool');
      return nativeCall(fn, jsonArrayOf(arrays), flag ? flag.sql : 'true', String((call.types?.length ?? 1) > 1));
    },
  };
};

/** Numbers come first, then texts, then everything else. */
const kindRank = { number: 0, string: 1, bool: 2, array: 3, bag: 4, null: 5 } as const;
function compareItems(a: string, b: string, direction: 1 | -1, nullsLast: boolean): number {
  const [x, y] = [jsonKind(a), jsonKind(b)];
  if (x === 'null' || y === 'null') return x === y ? 0 : (x === 'null') === nullsLast ? 1 : -1;
  return x === y ? direction * (compareJson(a, b) ?? 0) : kindRank[x] - kindRank[y];
}

const timespanText = /^"(-?(?:\d+\.)?\d\d:\d\d:\d\d(?:\.\d{7})?)"$/;
/** What to sort an array by. Timespans, which arrays keep as texts, go by their length: two days come after 23 hours. */
function sortKeys(items: readonly string[]): readonly string[] {
  const spans = items.map((item) => (item === 'null' ? item : parseTimespan(timespanText.exec(item)?.[1] ?? '')));
  return spans.includes(undefined) ? items : spans.map(String);
}

const rangeMax = 1_048_576;
const rangeOfReals = nativeFunction('range_real', ['real', 'real', 'real'], 'dynamic', ([from, to, step]) => {
  const [a, b, s] = [Number(from), Number(to), Number(step)];
  const count = s === 0 ? 0 : Math.floor((b - a) / s + 1e-9) + 1;
  return jsonArray(
    Array.from({ length: Math.min(Math.max(count, 0), rangeMax) }, (_value, index) => realToDynamic(a + index * s)),
  );
});
const rangeOfLongs = nativeFunction(
  'range_long',
  ['long', 'long', 'long', 'string'],
  'dynamic',
  ([from, to, step, kind]) => {
    const [a, b, s] = [big(from), big(to), big(step)];
    const items: string[] = [];
    for (let at = a; s !== 0n && (s > 0n ? at <= b : at >= b) && items.length < rangeMax; at += s) {
      items.push(
        kind === 'datetime'
          ? `"${formatDatetime(at)}"`
          : kind === 'timespan'
            ? `"${formatTimespan(at)}"`
            : at.toString(),
      );
    }
    return jsonArray(items);
  },
);
/** `range(from, to[, step])` as an array, at most 1,048,576 long. */
const range: FunctionRow = {
  result: 'dynamic',
  natives: [rangeOfReals, rangeOfLongs],
  sql: (args) => {
    const [from, to, step] = args;
    if (!from || !to) return 'NULL';
    const kind =
      from.type === 'datetime'
        ? 'datetime'
        : from.type === 'timespan'
          ? 'timespan'
          : args.some((argument) => argument.type === 'real' || argument.type === 'dynamic')
            ? 'real'
            : 'long';
    if (kind === 'real')
      return nativeCall(rangeOfReals, cast(from, 'real'), cast(to, 'real'), step ? cast(step, 'real') : '1e0');
    const one = kind === 'long' ? '1' : '36000000000';
    const ticks = (argument: (typeof args)[number]): Sql =>
      argument.type === 'int' ? cast(argument, 'long') : argument.sql;
    return nativeCall(rangeOfLongs, ticks(from), ticks(to), step ? ticks(step) : one, `'${kind}'`);
  },
};
const arrayIff = native(
  'array_iff',
  ['dynamic', 'dynamic', 'dynamic'],
  'dynamic',
  ([conditions, yes, no]) => {
    const tests = itemsOf(conditions);
    if (!tests) return null;
    const pick = (value: NativeValue | undefined, index: number): string =>
      value === null || value === undefined
        ? 'null'
        : (itemsOf(value)?.[index] ?? (itemsOf(value) ? 'null' : String(value)));
    return jsonArray(
      tests.map((test, index) => {
        const kind = jsonKind(test);
        if (kind !== 'bool' && kind !== 'number') return 'null';
        return pick(test === 'true' || (kind === 'number' && Number(test) !== 0) ? yes : no, index);
      }),
    );
  },
  { nulls: true },
);

const arraySum = native('array_sum', ['dynamic'], 'dynamic', ([array]) => {
  const items = itemsOf(array);
  if (!items || items.length === 0) return null;
  if (!items.every((item) => ['number', 'null'].includes(jsonKind(item)))) return null;
  const numbers = items.filter((item) => jsonKind(item) === 'number');
  if (numbers.every((item) => /^-?\d+$/.test(item)))
    return numbers.reduce((sum, item) => sum + BigInt(item), 0n).toString();
  return realToDynamic(numbers.reduce((sum, item) => sum + Number(item), 0));
});

const repeatScalar = native(
  'repeat',
  ['dynamic', 'long'],
  'dynamic',
  ([value, count]) =>
    Number(count) < 0
      ? null
      : jsonArray(
          Array.from({ length: Math.min(Number(count), rangeMax) }, () => (value === null ? 'null' : String(value))),
        ),
  { nulls: true },
);
const repeat: FunctionRow = {
  ...withoutRun(repeatScalar),
  sql: (args, call, scope) => {
    if (args[0]?.type === 'dynamic')
      throw new KqlError('semantic', 'repeat(): the value must be of a simple type.', call.at);
    return repeatScalar.sql(args, call, scope);
  },
};

const zip = nativeFunction('zip', ['dynamic'], 'dynamic', ([all]) => {
  const arrays = (itemsOf(all) ?? []).map((item) => jsonItems(item) ?? [item]);
  const length = Math.max(0, ...arrays.map((items) => items.length));
  return jsonArray(Array.from({ length }, (_value, index) => jsonArray(arrays.map((items) => items[index] ?? 'null'))));
});

export const arrayFunctions: FunctionRows = {
  array_concat: ofArrays('array_concat', (arrays) => jsonArray(arrays.flat())),
  array_slice: ofArray('array_slice', ['long', 'long'], (items, [start, end]) => {
    const last =
      end === null || end === undefined ? items.length - 1 : Number(end) < 0 ? items.length + Number(end) : Number(end);
    return jsonArray(items.slice(wrapIndex(start, items.length, 0), last + 1));
  }),
  array_reverse: ofArray('array_reverse', [], (items) => jsonArray(items.reverse())),
  array_shift_left: ofArray(
    'array_shift_left',
    ['long', 'dynamic'],
    (items, [count, fill]) =>
      jsonArray(shifted(items, Number(count), fill === null || fill === undefined ? 'null' : String(fill))),
    'dynamic',
    [null],
  ),
  array_shift_right: ofArray(
    'array_shift_right',
    ['long', 'dynamic'],
    (items, [count, fill]) =>
      jsonArray(shifted(items, -Number(count), fill === null || fill === undefined ? 'null' : String(fill))),
    'dynamic',
    [null],
  ),
  array_rotate_left: ofArray('array_rotate_left', ['long'], (items, [count]) => rotated(items, Number(count))),
  array_rotate_right: ofArray('array_rotate_right', ['long'], (items, [count]) => rotated(items, -Number(count))),
  array_split: ofArray('array_split', ['dynamic'], (items, [indices]) => {
    const cuts = (itemsOf(indices) ?? [String(indices)])
      .map(Number)
      .map((cut) => (cut < 0 ? Math.max(0, items.length + cut) : cut));
    const bounds = [0, ...cuts, items.length];
    return jsonArray(bounds.slice(1).map((end, index) => jsonArray(items.slice(bounds[index] ?? 0, end))));
  }),
  array_index_of: ofArray(
    'array_index_of',
    ['dynamic', 'long', 'long', 'long'],
    (items, [wanted, start, length, occurrence]) => {
      const from = wrapIndex(start, items.length, 0);
      const end =
        length === null || length === undefined || Number(length) < 0
          ? items.length
          : Math.min(items.length, from + Number(length));
      let left = occurrence === null || occurrence === undefined ? 1 : Number(occurrence);
      if (left < 0 || Number(length ?? 0) < -1) return null;
      for (let at = from; at < end; at += 1) {
        if (items[at] === wanted || compareJson(items[at] ?? '', String(wanted)) === 0) left -= 1;
        if (left <= 0) return BigInt(at);
      }
      return -1n;
    },
    'long',
    [null, null, null],
  ),
  array_iff: { ...arrayIff, aliases: ['array_iif'] },
  array_sum: arraySum,
  array_sort_asc: sorted('array_sort_asc', 1),
  array_sort_desc: sorted('array_sort_desc', -1),
  array_strcat: ofArray(
    'array_strcat',
    ['string'],
    (items, [delimiter]) => items.map(jsonToText).join(String(delimiter)),
    'string',
  ),
  range,
  repeat,
  zip: { result: 'dynamic', natives: [zip], sql: (args) => nativeCall(zip, jsonArrayOf(args)) },
  set_union: ofArrays('set_union', (arrays) => jsonArray(unique(arrays.flat()))),
  set_intersect: ofArrays('set_intersect', ([first = [], ...others]) =>
    jsonArray(unique(first).filter((item) => others.every((other) => other.includes(item)))),
  ),
  set_difference: ofArrays(
    'set_difference',
    ([first = [], ...others]) =>
      jsonArray(unique(first).filter((item) => !others.some((other) => other.includes(item)))),
    true,
  ),
  set_has_element: native(
    'set_has_element',
    ['dynamic', 'dynamic'],
    'bool',
    ([array, wanted]) =>
      itemsOf(array)?.some((item) => item === wanted || compareJson(item, String(wanted)) === 0) ?? null,
  ),
  jaccard_index: {
    type: 'real',
    ...native('jaccard_index', ['dynamic', 'dynamic'], 'real', ([a, b]) => {
      const [x, y] = [itemsOf(a), itemsOf(b)];
      if (!x || !y) return null;
      const all = unique([...x, ...y]);
      return all.length === 0 ? NaN : all.filter((item) => x.includes(item) && y.includes(item)).length / all.length;
    }),
  },
};
