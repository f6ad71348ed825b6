import { big } from '../sql/native.ts';
import type { KqlType } from '../kql/types.ts';
import type { NativeValue } from '../sql/native.ts';
import { trimDecimal } from '../values/decimal.ts';
import { jsonKind, jsonToText } from '../values/json-text.ts';
import { formatReal, realToDynamic } from '../values/real-text.ts';
import { formatDatetime, formatTimespan, parseDatetime, parseTimespan } from '../values/ticks.ts';

/** Converts one value as the `to…` functions do. Values of int are bigint here. */
export function toType(value: NativeValue, from: KqlType, to: KqlType): NativeValue {
  if (from === to || value === null) return value === null && to === 'string' ? '' : value;
  if (from === 'dynamic') return ofJson(String(value), to);
  if (to === 'string') return textOf(value, from);
  if (to === 'dynamic') return jsonOf(value, from);
  if (from === 'string') return ofText(String(value), to);
  switch (to) {
    case 'bool':
      return Number(value) !== 0;
    case 'real':
      return Number(value);
    case 'decimal':
      return typeof value === 'number' ? String(value) : String(value);
    case 'guid':
      return null;
    default:
      return typeof value === 'bigint' ? value : typeof value === 'boolean' ? BigInt(value) : whole(Number(value));
  }
}

const whole = (value: number): bigint | null => (Number.isFinite(value) ? BigInt(Math.trunc(value)) : null);

export function textOf(value: NativeValue, type: KqlType): string {
  if (value === null) return '';
  if (type === 'bool') return value === true ? 'True' : 'False';
  if (type === 'datetime') return formatDatetime(big(value));
  if (type === 'timespan') return formatTimespan(big(value));
  if (type === 'real') return formatReal(Number(value));
  if (type === 'decimal') return trimDecimal(String(value));
  return type === 'dynamic' ? jsonToText(String(value)) : String(value);
}

export function jsonOf(value: NativeValue, type: KqlType): string | null {
  if (value === null) return null;
  if (type === 'dynamic') return String(value);
  if (type === 'bool' || type === 'int' || type === 'long') return String(value);
  if (type === 'real') return realToDynamic(Number(value));
  return JSON.stringify(textOf(value, type));
}

function ofText(text: string, to: KqlType): NativeValue {
  const trimmed = text.trim();
  switch (to) {
    case 'bool':
      return /^true$/i.test(trimmed)
        ? true
        : /^false$/i.test(trimmed)
          ? false
          : /^[+-]?\d+$/.test(trimmed)
            ? BigInt(trimmed) !== 0n
            : null;
    case 'int':
    case 'long':
      return /^[+-]?\d+$/.test(trimmed) || /^0x[0-9a-f]+$/i.test(trimmed) ? BigInt(trimmed.replace(/^\+/, '')) : null;
    case 'real':
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : null;
    case 'decimal':
      return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(trimmed) ? trimmed : null;
    case 'datetime':
      return parseDatetime(text) ?? null;
    case 'timespan':
      return parseTimespan(text) ?? null;
    case 'dynamic':
      return JSON.stringify(text);
    default:
      return text;
  }
}

function ofJson(json: string, to: KqlType): NativeValue {
  if (to === 'string') return jsonToText(json);
  const kind = jsonKind(json);
  if (kind === 'string') return ofText(jsonToText(json), to);
  if (kind === 'bool')
    return to === 'bool' ? json === 'true' : to === 'real' ? Number(json === 'true') : BigInt(json === 'true');
  if (kind !== 'number') return null;
  if (to === 'real') return Number(json);
  if (to === 'bool') return Number(json) !== 0;
  return /^-?\d+$/.test(json) ? BigInt(json) : whole(Number(json));
}
