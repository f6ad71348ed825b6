import { KqlError } from '../plan/kql-error.ts';
import type { KqlType } from '../plan/types.ts';
import { parseDatetime, parseTimespan } from './ticks.ts';

/** `datetime( 2020-01-01 )` → `2020-01-01`; a quoted inside loses its quotes. */
export function innerText(text: string): string {
  const match = /^[a-z_0-9]+\s*\(([\s\S]*)\)$/i.exec(text);
  const inner = (match ? (match[1] ?? '') : text).trim();
  return /^(["']).*\1$/s.test(inner) ? inner.slice(1, -1) : inner;
}

const invalid = (type: KqlType, at: number | undefined): KqlError =>
  new KqlError('semantic', `Invalid ${type} literal.`, at);

export const readers: Record<
  Exclude<KqlType, 'string' | 'dynamic'>,
  (text: string, at?: number) => string | boolean | null
> = {
  bool: (text, at) => {
    if (/^(true|1)$/i.test(text)) return true;
    if (/^(false|0)$/i.test(text)) return false;
    if (/^-?\d+$/.test(text)) return true;
    throw invalid('bool', at);
  },
  int: (text, at) => integer(text, 32, 'int', at),
  long: (text, at) => integer(text, 64, 'long', at),
  real: (text, at) => {
    if (/^nan$/i.test(text)) return 'NaN';
    if (/^\+?inf(inity)?$/i.test(text)) return 'Infinity';
    if (/^-inf(inity)?$/i.test(text)) return '-Infinity';
    if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return String(Number(text));
    throw invalid('real', at);
  },
  decimal: (text, at) => {
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw invalid('decimal', at);
    return plainDecimal(text);
  },
  datetime: (text, at) => {
    const ticks = parseDatetime(text);
    if (ticks === undefined) throw invalid('datetime', at);
    return ticks.toString();
  },
  timespan: (text, at) => {
    const ticks = parseTimespan(text);
    if (ticks === undefined) throw invalid('timespan', at);
    return ticks.toString();
  },
  guid: (text, at) => {
    const hex = text.replace(/[{}()-]/g, '').toLowerCase();
    if (!/^[0-9a-f]{32}$/.test(hex)) throw invalid('guid', at);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  },
};

function integer(text: string, bits: 32 | 64, type: KqlType, at: number | undefined): string {
  const match = /^([+-]?)(0x[0-9a-f]+|\d+)$/i.exec(text);
  if (!match) throw invalid(type, at);
  const value = BigInt(match[2] ?? '0') * (match[1] === '-' ? -1n : 1n);
  const limit = 1n << BigInt(bits - 1);
  // Hexadecimal digits are the bits of an int.
  if (bits === 32 && /^0x/i.test(text) && value < limit * 2n) return BigInt.asIntN(32, value).toString();
  if (value >= limit || value < -limit) throw new KqlError('semantic', `The ${type} literal is out of range.`, at);
  return value.toString();
}

/** `1.5e3` → `1500`, because DECIMAL takes no exponent. */
export function plainDecimal(text: string): string {
  const match = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text);
  if (!match) return text;
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match;
  const exponent = Number(exponentText);
  const digits = whole + fraction;
  const point = whole.length + exponent;
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const at = point <= 0 ? 1 : point;
  const body = `${padded.slice(0, at)}.${padded.slice(at)}`.replace(/\.$/, '').replace(/^0+(?=\d)/, '');
  return (sign === '-' ? '-' : '') + body;
}
