/** Decimal arithmetic on text, with 18 digits after the point (what DECIMAL(38,18) holds). */
const places = 18;
/** Kusto has 34 significant digits anywhere; what we cannot hold is refused, not lost. */
export const decimalTooLong = 'Decimals of more than 20 digits before the point are not supported.';
const unit = 10n ** BigInt(places);

export function toUnits(text: string): bigint {
  const negative = text.startsWith('-');
  const [whole = '0', fraction = ''] = text.replace(/^[+-]/, '').split('.');
  const value = BigInt(whole || '0') * unit + BigInt(fraction.padEnd(places, '0').slice(0, places));
  return negative ? -value : value;
}

export function fromUnits(value: bigint): string {
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** @returns null for a division by zero */
export function decimalOperation(operator: string, left: string, right: string): string | null {
  const [a, b] = [toUnits(left), toUnits(right)];
  if (operator === '+') return fromUnits(a + b);
  if (operator === '-') return fromUnits(a - b);
  if (operator === '*') return fromUnits((a * b) / unit);
  if (b === 0n) return null;
  if (operator === '/') return fromUnits((a * unit) / b);
  const size = b < 0n ? -b : b;
  return fromUnits(((a % size) + size) % size);
}

/** @returns the text without zeros at the end */
export const trimDecimal = (text: string): string =>
  text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;
