import { invariant } from '../../base/invariant.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { KqlType } from '../plan/types.ts';
import type { NativeValue } from './native.ts';
import { toUnits, trimDecimal } from '../values/decimal.ts';
import { jsonArray, jsonKind, jsonToText } from '../values/json-text.ts';
import { formatReal, realToDynamic } from '../values/real-text.ts';
import { formatDatetime, formatTimespan, parseDatetime, parseTimespan } from '../values/ticks.ts';
import { jsonOfText } from '../values/plain-json.ts';
import { decimalOfText, decimalToReal, longOfReal, withinInt, withinLong } from '../values/numbers.ts';

/** Converts one value as the `to…` functions do, and as `sql/convert.ts` does in SQL. Values of int are bigint here.
 * @throws KqlError semantic for types that know no conversion */
export function toType(value: NativeValue, from: KqlType, to: KqlType): NativeValue {
  if (from === to || value === null) return value === null && to === 'string' ? '' : value;
  if (from === 'dynamic') return ofJson(String(value), to);
  if (to === 'string') return textOf(value, from);
  if (to === 'dynamic') return jsonOf(value, from);
  const row = conversions[from][to];
  if (!row) throw new KqlError('semantic', `A value of type ${from} cannot be used as ${to}.`);
  return row(value);
}

const whole = (value: NativeValue): bigint => {
  invariant(typeof value === 'bigint', 'whole numbers and ticks are bigint');
  return value;
};

/** All values as one JSON array, as functions of any number of arguments take them. */
export const allAsJson = (args: readonly { readonly value: NativeValue; readonly type: KqlType }[]): string =>
  jsonArray(args.map(({ value, type }) => String(toType(value, type, 'dynamic') ?? 'null')));

type Conversion = (value: NativeValue) => NativeValue;
const isNotZero: Conversion = (x) => Number(x) !== 0;
const toReal: Conversion = (x) => Number(x);
const same: Conversion = (x) => x;
const saturated: Conversion = (x) => longOfReal(Number(x));
const wholeOfDecimal = (x: NativeValue): bigint => toUnits(String(x)) / 10n ** 18n;
const ofText =
  (to: KqlType): Conversion =>
  (x) =>
    parsed(String(x), to);

const conversions: Readonly<Record<KqlType, Readonly<Partial<Record<KqlType, Conversion>>>>> = {
  bool: {
    int: (x) => BigInt(x === true),
    long: (x) => BigInt(x === true),
    real: toReal,
    decimal: (x) => String(Number(x)),
  },
  int: { bool: isNotZero, long: same, real: toReal, decimal: String, datetime: same, timespan: same },
  long: {
    bool: isNotZero,
    int: (x) => withinInt(whole(x)),
    real: toReal,
    decimal: String,
    datetime: same,
    timespan: same,
  },
  real: {
    bool: isNotZero,
    int: (x) => intOfReal(Number(x)),
    long: saturated,
    decimal: (x) => decimalOfText(String(x)),
    datetime: saturated,
    timespan: saturated,
  },
  decimal: {
    bool: isNotZero,
    int: (x) => withinInt(wholeOfDecimal(x)),
    long: (x) => withinLong(wholeOfDecimal(x)),
    real: (x) => decimalToReal(String(x)),
  },
  datetime: { long: same, real: toReal },
  timespan: { int: (x) => withinInt(whole(x)), long: same, real: toReal },
  guid: {},
  string: {
    bool: ofText('bool'),
    int: ofText('int'),
    long: ofText('long'),
    real: ofText('real'),
    decimal: ofText('decimal'),
    datetime: ofText('datetime'),
    timespan: ofText('timespan'),
    guid: ofText('guid'),
  },
  dynamic: {},
};

const intOfReal = (value: number): bigint | null =>
  Number.isFinite(value) ? BigInt(Math.max(Math.min(Math.trunc(value), 2_147_483_647), -2_147_483_648)) : null;

export function textOf(value: NativeValue, type: KqlType): string {
  if (value === null) return '';
  if (type === 'bool') return value === true ? 'True' : 'False';
  if (type === 'datetime') return formatDatetime(whole(value));
  if (type === 'timespan') return formatTimespan(whole(value));
  if (type === 'real') return formatReal(Number(value));
  if (type === 'decimal') return trimDecimal(String(value));
  return type === 'dynamic' ? jsonToText(String(value)) : String(value);
}

export function jsonOf(value: NativeValue, type: KqlType): string | null {
  if (value === null) return null;
  if (type === 'dynamic') return String(value);
  if (type === 'bool' || type === 'int' || type === 'long') return String(value);
  if (type === 'real') return Object.is(value, -0) ? '-0.0' : realToDynamic(Number(value));
  return jsonOfText(textOf(value, type));
}

/** What RE2 calls a blank, around numbers. */
const unspaced = (text: string): string => text.replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, '');
const unpadded = (text: string): string => text.replace(/^ +| +$/g, '');

function parsed(text: string, to: KqlType): NativeValue {
  switch (to) {
    case 'bool':
      return boolOfText(unpadded(text));
    case 'int': {
      const value = wholeOfText(unspaced(text), false);
      return value === null ? null : withinInt(value);
    }
    case 'long': {
      const value = wholeOfText(unspaced(text), true);
      return value === null ? null : withinLong(value);
    }
    case 'real':
      return realOfText(text);
    case 'decimal':
      return decimalOfText(unspaced(text));
    case 'datetime':
      return parseDatetime(text) ?? null;
    case 'timespan':
      return parseTimespan(text) ?? null;
    case 'guid':
      return guidOfText(text);
    default:
      return text;
  }
}

function boolOfText(text: string): boolean | null {
  if (/^true$/i.test(text)) return true;
  if (/^false$/i.test(text)) return false;
  if (!/^[+-]?\d+$/.test(text)) return null;
  const value = withinLong(BigInt(text.replace(/^\+/, '')));
  return value === null ? null : value !== 0n;
}

/** @param bits hexadecimal digits are the 64 bits of a long */
function wholeOfText(text: string, bits: boolean): bigint | null {
  if (/^[+-]?\d+$/.test(text)) return BigInt(text.replace(/^\+/, ''));
  if (!/^0x[0-9a-f]+$/i.test(text)) return null;
  return bits && text.length === 18 ? BigInt.asIntN(64, BigInt(text)) : BigInt(text);
}

function realOfText(text: string): number | null {
  const trimmed = unspaced(text);
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) return Number(trimmed);
  const word = unpadded(text).toLowerCase();
  if (word === 'nan') return NaN;
  if (/^\+?inf(inity)?$/.test(word)) return Infinity;
  return /^-inf(inity)?$/.test(word) ? -Infinity : null;
}

/** What follows the 32nd digit is not looked at. */
function guidOfText(text: string): string | null {
  const inner = text.replace(/^[ {}()]+|[ {}()]+$/g, '');
  const found = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}/i.exec(inner)?.[0] ?? inner;
  const digits = found.replaceAll('-', '').toLowerCase();
  return /^[0-9a-f]{32}$/.test(digits) ? digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : null;
}

function ofJson(json: string, to: KqlType): NativeValue {
  if (to === 'string') return jsonToText(json);
  const kind = jsonKind(json);
  if (kind === 'string') {
    const text = jsonToText(json);
    if (to !== 'bool') return parsed(text, to);
    const known = parsed(text, 'bool');
    return known === null && ![null, 0n].includes(parsed(text, 'long') as bigint | null) ? true : known;
  }
  if (kind === 'bool') return ofJsonBool(json === 'true', to);
  return kind === 'number' ? ofJsonNumber(json, to) : null;
}

function ofJsonBool(value: boolean, to: KqlType): NativeValue {
  if (to === 'bool') return value;
  if (to === 'real') return Number(value);
  return to === 'int' || to === 'long' ? BigInt(value) : null;
}

/** Whole numbers beyond 64 bits are reals, those of 64 bits without a sign no longs. */
function ofJsonNumber(json: string, to: KqlType): NativeValue {
  if (to === 'bool') return Number(json) !== 0;
  if (to === 'real') return Number(json);
  if (to === 'decimal') return decimalOfText(json);
  if (to === 'guid') return null;
  const whole = /^-?\d+$/.test(json) ? BigInt(json) : undefined;
  if (to === 'datetime' || to === 'timespan') return whole === undefined ? rounded(json) : withinLong(whole);
  if (whole === undefined || whole < -(1n << 63n) || whole >= 1n << 64n)
    return to === 'int' ? intOfReal(Number(json)) : longOfReal(Number(json));
  const long = withinLong(whole);
  return long === null || to === 'long' ? long : BigInt.asIntN(32, long);
}

/** Half away from zero. */
function rounded(json: string): bigint | null {
  const value = Number(json);
  if (!Number.isFinite(value)) return null;
  const size = BigInt(Math.floor(Math.abs(value) + 0.5));
  return withinLong(value < 0 ? -size : size);
}
