import type { KqlType } from '../plan/types.ts';
import { toUnits } from './decimal.ts';

/** A whole number for each value, in the order of the values, the same one for what is equal. Values are as texts of the engine's.
 * @returns undefined for what is in no order, such as NaN */
type Ordering = (text: string) => bigint | undefined;

/** Of types that are not kept as whole numbers, but can be compared like these. */
const orderings: ReadonlyMap<KqlType, Ordering> = new Map<KqlType, Ordering>([
  ['real', realOrder],
  ['decimal', (text) => (/^-?\d+(\.\d*)?$/.test(text) ? toUnits(text) : undefined)],
  ['guid', (text) => (guidPattern.test(text) ? BigInt(`0x${text.replaceAll('-', '')}`) : undefined)],
  ['bool', (text) => (text === 'true' ? 1n : text === 'false' ? 0n : undefined)],
]);

export const orderingOf = (type: KqlType): Ordering | undefined => orderings.get(type);

const guidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The bits of a double are in the order of their values, those of negative ones in the reverse; both zeros are one value. */
function realOrder(text: string): bigint | undefined {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isNaN(value)) return undefined;
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, Math.abs(value));
  const size = bits.getBigInt64(0);
  return value < 0 ? -size : size;
}
