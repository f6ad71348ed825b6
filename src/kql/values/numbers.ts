import { KqlError } from '../plan/kql-error.ts';
import { fromUnits, toUnits } from './decimal.ts';

/** Numbers as DuckDB computes with them. */

const longMax = (1n << 63n) - 1n;
const longMin = -(1n << 63n);

export const withinLong = (value: bigint): bigint | null => (value >= longMin && value <= longMax ? value : null);
export const withinInt = (value: bigint): bigint | null =>
  value >= -2_147_483_648n && value <= 2_147_483_647n ? value : null;

/** A long, or the error that SQL ends with.
 * @throws KqlError runtime */
export function checkedLong(value: bigint): bigint {
  if (withinLong(value) === null) throw new KqlError('runtime', 'An arithmetic operation overflowed.');
  return value;
}

/** Out of range goes to the nearest end; NaN and infinities are null. */
export function longOfReal(value: number): bigint | null {
  if (!Number.isFinite(value)) return null;
  if (value >= 2 ** 63) return longMax;
  return value <= -(2 ** 63) ? longMin : BigInt(Math.trunc(value));
}

/** NaN equals itself and is greater than all other reals, as in ORDER BY, IN and greatest(). */
export function compareReals(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Orders texts by code points, which is the order of their UTF-8 bytes. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x === y) continue;
    // Halves of pairs stand for code points above all others.
    const [xHalf, yHalf] = [x >= 0xd800 && x < 0xe000, y >= 0xd800 && y < 0xe000];
    return xHalf === yHalf ? x - y : xHalf ? 1 : -1;
  }
  return a.length - b.length;
}

const decimalUnitsEnd = 10n ** 38n;
const decimalPlaces = 18;

/** @returns a decimal of 20 digits before and 18 after the point; null for what is no number or has more before it */
export function decimalOfText(text: string): string | null {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text);
  const digits = (match?.[2] ?? '') + (match?.[3] ?? '');
  if (!match || digits === '') return null;
  const exponent = Number(match[4] ?? 0);
  if (exponent < -32_768 || exponent > 32_767) return null;
  const shift = decimalPlaces - (match[3] ?? '').length + exponent;
  if (/^0+$/.test(digits)) return fromUnits(0n);
  if (shift > 100) return null;
  let size = shift >= 0 ? BigInt(digits) * 10n ** BigInt(shift) : 0n;
  if (shift < 0 && -shift <= digits.length) {
    const cut = digits.length + shift;
    size = BigInt(digits.slice(0, cut) || '0') + (digits.charAt(cut) >= '5' ? 1n : 0n);
  }
  return size >= decimalUnitsEnd ? null : fromUnits(match[1] === '-' ? -size : size);
}

/** The whole part and the rest of it are each as near as a real comes. */
export function decimalToReal(text: string): number {
  const units = toUnits(text);
  const unit = 10n ** BigInt(decimalPlaces);
  if (units >= -(1n << 53n) && units <= 1n << 53n) return Number(units) / 1e18;
  return Number(units / unit) + Number(units % unit) / 1e18;
}

/** Never negative; by zero null. */
export const floorMod = (a: bigint, b: bigint): bigint | null => {
  if (b === 0n) return null;
  const size = b < 0n ? -b : b;
  return ((a % size) + size) % size;
};
