import { KqlError } from '../../plan/kql-error.ts';
import type { Call } from '../../plan/expression.ts';
import type { KqlType } from '../../plan/types.ts';
import type { NativeValue } from '../../sql/native.ts';
import { jsonItems, jsonKind, jsonPairs, jsonToText } from '../../values/json-text.ts';
import { inCalendar } from '../../values/ticks.ts';
import { jsonOfText, plainJson } from '../json.ts';
import type { Evaluated, RowFunction, RowFunctionTable } from '../row-function.ts';
import { allAsJson, as, callNative, textAs } from '../row-function.ts';

const found = (raw: string | undefined): NativeValue => (raw === undefined || raw === 'null' ? null : plainJson(raw));
const named = (json: string, key: string): NativeValue => found(jsonPairs(json)?.find(([name]) => name === key)?.[1]);

/** `d.key`: only bags have keys; a missing key and a JSON null are both null. */
const path: RowFunction = {
  result: 'dynamic',
  run: ([target, key]) => {
    const json = as(target, 'dynamic');
    return json === null ? null : named(String(json), textAs(key));
  },
};

/** `d[0]`, `d[-1]`, `d["key"]`. */
const index: RowFunction = {
  result: 'dynamic',
  run: ([target, key]) => {
    const json = as(target, 'dynamic');
    if (json === null || !key || (key.type !== 'string' && key.value === null)) return null;
    if (key.type === 'string') return named(String(json), String(key.value ?? ''));
    if (key.type === 'dynamic' && jsonKind(String(key.value)) === 'string') return named(String(json), textAs(key));
    const at = key.type === 'dynamic' ? String(key.value) : String(as(key, 'long'));
    if (!/^-?\d+$/.test(at)) throw new KqlError('runtime', 'An array has whole numbers for indexes.');
    return found(jsonItems(String(json))?.at(Number(at)));
  },
};

const bagPack: RowFunction = {
  result: 'dynamic',
  run: (args) => {
    const pairs: string[] = [];
    for (let at = 0; at + 1 < args.length; at += 2) {
      const [key, value] = [args[at], args[at + 1]];
      if (key && value) pairs.push(`${jsonOfText(textAs(key))}:${String(as(value, 'dynamic') ?? 'null')}`);
    }
    return `{${pairs.join(',')}}`;
  },
};

const arrayLength: RowFunction = {
  result: 'long',
  run: ([a]) => {
    const items = jsonItems(String(as(a, 'dynamic') ?? ''));
    return items ? BigInt(items.length) : null;
  },
};

/** A function of any number of arrays. */
const ofAll = (name: string): RowFunction => ({
  result: 'dynamic',
  run: (args) => callNative(name, [allAsJson(args)]),
});

const sorted = (name: string): RowFunction => ({
  result: 'dynamic',
  run: (args, call) => {
    const arrays = args.filter((argument) => argument.type === 'dynamic');
    const flag = args.find((argument) => argument.type === 'bool');
    return callNative(name, [allAsJson(arrays), flag ? flag.value : true, (call.types?.length ?? 1) > 1]);
  },
});

const semantic = (call: Call, message: string): KqlError =>
  new KqlError('semantic', `${call.name}(): ${message}`, call.at < 0 ? undefined : call.at);

const repeat: RowFunction = {
  result: 'dynamic',
  run: ([value, count], call) => {
    if (value?.type === 'dynamic') throw semantic(call, 'the value must be of a simple type.');
    return callNative('repeat', [as(value, 'dynamic'), as(count, 'long')]);
  },
};

const fitPolynomial: RowFunction = {
  result: 'dynamic',
  run: ([y, x, degree], call) => {
    if (degree && degree.type !== 'int' && degree.type !== 'long')
      throw semantic(call, 'the degree must be an integer.');
    return callNative('series_fit_poly', [as(y, 'dynamic'), as(x, 'dynamic'), degree ? as(degree, 'long') : 1n]);
  },
};

const range: RowFunction = {
  result: 'dynamic',
  run: (args) => {
    const [from, to, step] = args;
    if (!from || !to) return null;
    if (from.type !== 'datetime' && from.type !== 'timespan') {
      if (args.some((argument) => argument.type === 'real' || argument.type === 'dynamic'))
        return callNative('range_real', [as(from, 'real'), as(to, 'real'), step ? as(step, 'real') : 1]);
      return callNative('range_long', [as(from, 'long'), as(to, 'long'), step ? as(step, 'long') : 1n, 'long']);
    }
    const ticks = (argument: Evaluated): NativeValue =>
      argument.type === 'int' ? as(argument, 'long') : argument.value;
    return callNative('range_long', [ticks(from), ticks(to), step ? ticks(step) : 36_000_000_000n, from.type]);
  },
};

const kindNames: Readonly<Record<ReturnType<typeof jsonKind>, string>> = {
  array: 'array',
  bag: 'dictionary',
  string: 'string',
  bool: 'bool',
  number: 'double',
  null: 'null',
};
const getType: RowFunction = {
  result: 'string',
  run: ([a]) => {
    if (!a || a.type !== 'dynamic') return a?.type ?? '';
    const json = a.value === null ? 'null' : String(a.value);
    if (!/^-?\d+$/.test(json)) return kindNames[jsonKind(json)];
    const value = BigInt(json);
    return value >= -(1n << 63n) && value < 1n << 64n ? 'long' : 'double';
  },
};

/** Text becomes what it describes; text that is not JSON becomes a JSON string. */
const parseJson: RowFunction = {
  result: 'dynamic',
  run: ([a]) => {
    if (!a) return null;
    if (a.type === 'string') return callNative('parse_json', [textAs(a)]);
    const json = as(a, 'dynamic');
    return a.type === 'dynamic' && typeof json === 'string' && json.startsWith('"')
      ? callNative('parse_json', [jsonToText(json)])
      : json;
  },
};

const dynamicToJson: RowFunction = {
  result: 'string',
  run: ([a]) => (a?.type === 'dynamic' ? callNative('sorted_json', [a.value]) : textAs(a)),
};

const to = (type: KqlType): RowFunction => ({ result: type, run: ([a]) => as(a, type) });

export const dynamicRows: RowFunctionTable = {
  path,
  index,
  pack_array: { result: 'dynamic', run: allAsJson },
  bag_pack: bagPack,
  pack: bagPack,
  pack_dictionary: bagPack,
  bag_merge: ofAll('bag_merge'),
  array_length: arrayLength,
  arraylength: arrayLength,
  array_concat: ofAll('array_concat'),
  array_sort_asc: sorted('array_sort_asc'),
  array_sort_desc: sorted('array_sort_desc'),
  zip: ofAll('zip'),
  set_union: ofAll('set_union'),
  set_intersect: ofAll('set_intersect'),
  set_difference: ofAll('set_difference'),
  range,
  repeat,
  series_fit_poly: fitPolynomial,
  series_periods_validate: {
    result: 'dynamic',
    run: ([series, ...periods]) => {
      const values = Array.from({ length: 16 }, (_unused, at) => as(periods[at], 'real'));
      return callNative('series_periods_validate', [BigInt(periods.length), as(series, 'dynamic'), ...values]);
    },
  },
  gettype: getType,
  parse_json: parseJson,
  parsejson: parseJson,
  todynamic: parseJson,
  toobject: parseJson,
  dynamic_to_json: dynamicToJson,
  tostring: to('string'),
  toint: to('int'),
  tolong: to('long'),
  todouble: to('real'),
  toreal: to('real'),
  todecimal: to('decimal'),
  tobool: to('bool'),
  toboolean: to('bool'),
  todatetime: {
    result: 'datetime',
    run: ([a]) => {
      const ticks = as(a, 'datetime');
      return typeof ticks === 'bigint' ? inCalendar(ticks) : null;
    },
  },
  totimespan: to('timespan'),
  totime: to('timespan'),
  toguid: to('guid'),
};
