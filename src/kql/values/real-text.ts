import { grisuDigits } from './real-digits.ts';

/** What has no more digits than these has the same ones everywhere. */
const plainDigitsMax = 15;

/** Digits and exponent in the form of `toExponential()`, with the engine's digits. */
function exponential(value: number): readonly [string, number] {
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e');
  if (mantissa.replace(/[-.]/g, '').length <= plainDigitsMax) return [mantissa, Number(exponent)];
  const found = grisuDigits(Math.abs(value));
  const digits = `${value < 0 ? '-' : ''}${found.digits.charAt(0)}.${found.digits.slice(1)}`;
  return [digits, found.exponent + found.digits.length - 1];
}

/** A real as the engine prints it: shortest round trip (of many digits the last may be another than the nearest), `1.0`, `1E+20`,
 * `1E-05`, `NaN`, `inf`. */
export function formatReal(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const [mantissa, exponent] = exponential(value);
  if (exponent >= -4 && exponent < 15) return plain(mantissa, exponent);
  return `${mantissa}E${exponent < 0 ? '-' : '+'}${Math.abs(exponent).toString().padStart(2, '0')}`;
}

function plain(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const padded = digits.padEnd(exponent + 2, '0');
  return `${sign}${padded.slice(0, exponent + 1)}.${padded.slice(exponent + 1)}`;
}

/** A real inside JSON: `1.0`, not `1`, so that it stays a real, and a zero with its sign. NaN and infinities are strings. */
export function realToJson(value: number): string {
  if (!Number.isFinite(value)) return `"${String(value)}"`;
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** A real inside a dynamic value that the engine makes: as `realToJson`, with the engine's digits. */
export function realToDynamic(value: number): string {
  const text = realToJson(value);
  if (text.length <= plainDigitsMax || !Number.isFinite(value)) return text;
  const [mantissa, exponent] = exponential(value);
  if (!text.includes('e')) return plain(mantissa, exponent);
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent))}`;
}
