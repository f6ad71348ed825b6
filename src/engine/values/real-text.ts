/** A real as the engine prints it: shortest round trip, `1.0`, `1E+20`, `1E-05`, `NaN`, `inf`.
 * @see Double.ToString in .NET Core 3.0 and later */
export function formatReal(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const [mantissa = '0', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 15) return plain(value);
  return `${mantissa}E${exponent < 0 ? '-' : '+'}${Math.abs(exponent).toString().padStart(2, '0')}`;
}

/** JavaScript turns to exponents at 1e21 and below 1e-6 only, so within the range above it never does. */
const plain = (value: number): string => {
  const text = String(value);
  return text.includes('e') ? value.toFixed(20).replace(/0+$/, '') : text.includes('.') ? text : `${text}.0`;
};

/** A real inside JSON: `1.0`, not `1`, so that it stays a real. NaN and infinities are strings. */
export function realToJson(value: number): string {
  if (!Number.isFinite(value)) return `"${String(value)}"`;
  const text = String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
