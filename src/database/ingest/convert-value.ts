import { Buffer } from 'node:buffer';
import { parseGuid } from '../../base/guid.ts';
import { malformedData } from '../catalog/data-error.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import type { NativeValue } from '../../kql/sql/native.ts';
import { parseDatetime, parseTimespan, unixEpochTicks } from '../../kql/values/ticks.ts';
import type { JsonNode } from './json-reader.ts';
import { JsonBytes, JsonNumber, JsonReader, JsonTime, writeJson } from './json-reader.ts';

/** Values as ingestion turns them into a column's type. What cannot be read as that type is null, as in the real service;
 * only text that is not of its format at all is an error. */
const longMin = -(2n ** 63n);
const longMax = 2n ** 63n - 1n;
const integerPattern = /^[+-]?\d+$/;
const hexPattern = /^0[xX][0-9a-fA-F]{1,16}$/;
const realPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const integerDigitsMax = 20;
const serviceDigitsMax = 34;
export const wideDecimal = 'Decimals of more than 20 digits before the point are not supported';

function integerOf(text: string): bigint | null {
  if (hexPattern.test(text)) return BigInt.asIntN(64, BigInt(text));
  if (!integerPattern.test(text) || text.length > 40) return null;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return value < longMin || value > longMax ? null : value;
}

function realOf(text: string): number | null {
  if (realPattern.test(text)) return Number(text);
  const lower = text.toLowerCase();
  if (lower === 'nan') return NaN;
  if (/^[+]?inf(inity)?$/.test(lower)) return Infinity;
  return /^-inf(inity)?$/.test(lower) ? -Infinity : null;
}

/** @returns text that DECIMAL(38,18) takes */
function decimalOf(text: string): string | null {
  if (!realPattern.test(text)) return null;
  const [mantissa = '', exponentText = '0'] = text.toLowerCase().split('e');
  const exponent = Number(exponentText);
  if (Math.abs(exponent) > 60) return null;
  const negative = mantissa.startsWith('-');
  const [whole = '', fraction = ''] = mantissa.replace(/^[+-]/, '').split('.');
  const digits = whole + fraction;
  const point = whole.length + exponent;
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const split = Math.max(point, 1);
  const integer = padded.slice(0, split).replace(/^0+(?=\d)/, '');
  // The service has 34 digits, wherever the point is: these would be a value there.
  if (integer.length > integerDigitsMax && digits.replace(/^0+/, '').length <= serviceDigitsMax)
    throw malformedData('BadRequest_UnexpectedCharacterInInputStream', wideDecimal);
  if (integer.length > integerDigitsMax) return null;
  return `${negative ? '-' : ''}${integer}.${(padded.slice(split) || '0').slice(0, 18)}`;
}

const fromText: { readonly [Type in KqlType]: (text: string) => NativeValue } = {
  string: (text) => text,
  bool: (text) => {
    const lower = text.toLowerCase();
    if (lower === 'true' || lower === 'false') return lower === 'true';
    const number = integerOf(lower);
    return number === null ? null : number !== 0n;
  },
  int: (text) => {
    const value = integerOf(text);
    return value === null || value < -(2n ** 31n) || value >= 2n ** 31n ? null : Number(value);
  },
  long: integerOf,
  real: realOf,
  decimal: decimalOf,
  datetime: (text) => parseDatetime(text) ?? null,
  timespan: (text) => {
    const ticks = parseTimespan(text);
    return ticks === undefined || ticks < longMin || ticks > longMax ? null : ticks;
  },
  guid: (text) => parseGuid(text.replace(/^[{(]|[})]$/g, '')) ?? guidOfDigits(text),
  dynamic: (text) => dynamicOfText(text),
};

function guidOfDigits(text: string): string | null {
  if (!/^[0-9a-fA-F]{32}$/.test(text)) return null;
  return text.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Text that is not JSON is a JSON string. */
function dynamicOfText(text: string): string | null {
  try {
    const reader = new JsonReader(text);
    const node = reader.value();
    if (!reader.more()) return node === null ? null : writeJson(node);
  } catch {
    // not JSON
  }
  return JSON.stringify(text);
}

/** A field of a text format. */
export function valueOfText(type: KqlType, text: string): NativeValue {
  if (type === 'string') return cutText(text);
  const trimmed = text.trim();
  if (trimmed === '') return null;
  return type === 'dynamic' ? storable(fromText.dynamic(trimmed) as string | null) : fromText[type](trimmed);
}

/** Bytes of UTF-8. @see Kusto "Ingestion behavior of invalid data": longer text is cut, a longer dynamic value becomes null */
export const valueBytesMax = 1024 * 1024;
const isShort = (text: string): boolean =>
  text.length * 3 <= valueBytesMax || (text.length <= valueBytesMax && Buffer.byteLength(text) <= valueBytesMax);

const storable = (json: string | null): string | null => (json === null || isShort(json) ? json : null);

/** No character is cut in two. */
function cutText(text: string): string {
  if (isShort(text)) return text;
  const bytes = new Uint8Array(valueBytesMax);
  const { read } = new TextEncoder().encodeInto(text, bytes);
  return text.slice(0, read);
}

/** A value inside of a JSON record; undefined: it is not there. */
export function valueOfJson(type: KqlType, node: JsonNode | undefined): NativeValue {
  if (node instanceof JsonBytes) return valueOfText(type, node.text);
  if (node instanceof JsonTime && type === node.type) return node.ticks;
  if (node instanceof JsonTime && type === 'string') return node.shown;
  if (type === 'string') {
    if (node === undefined || node === null) return '';
    return cutText(typeof node === 'string' ? node : writeJson(node));
  }
  if (node === undefined || node === null) return null;
  if (type === 'dynamic') return storable(writeJson(node));
  if (typeof node === 'string') return valueOfText(type, node);
  if (typeof node === 'boolean') return ofBoolean(type, node);
  if (!(node instanceof JsonNumber)) return null;
  if (type === 'int' || type === 'long') return integerOfNumber(type, node.text);
  return fromText[type](node.text);
}

function ofBoolean(type: KqlType, value: boolean): NativeValue {
  if (type === 'bool') return value;
  if (type === 'int' || type === 'real') return value ? 1 : 0;
  return type === 'long' ? BigInt(value) : null;
}

/** `2.0` and `1e3` are whole numbers in JSON. */
function integerOfNumber(type: 'int' | 'long', text: string): NativeValue {
  if (integerPattern.test(text)) return fromText[type](text);
  const value = Number(text);
  return Number.isSafeInteger(Math.trunc(value)) ? fromText[type](String(Math.trunc(value))) : null;
}

/** For `DateTimeFromUnix…`: ticks of a number of units since 1970. */
export function datetimeFromUnix(text: string, unitTicks: number, unitsPerTick: number): bigint | null {
  if (!realPattern.test(text)) return null;
  const [whole = '0', fraction = ''] = text.split('.');
  if (/[eE]/.test(text) || whole.length > 20) return null;
  const scaled = BigInt(whole + fraction.slice(0, 9)) * BigInt(unitTicks);
  const ticks = scaled / 10n ** BigInt(Math.min(fraction.length, 9)) / BigInt(unitsPerTick) + unixEpochTicks;
  return ticks < 0n || ticks > 3_155_378_975_999_999_999n ? null : ticks;
}
