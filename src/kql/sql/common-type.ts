import type { KqlType } from '../plan/types.ts';

/** Kinds of numbers, from narrow to wide. */
export const numberRank: Readonly<Partial<Record<KqlType, number>>> = { bool: 0, int: 1, long: 2, decimal: 3, real: 4 };

/** The type in which two operands are compared. A dynamic takes the type of the other side. */
export function commonType(a: KqlType, b: KqlType): KqlType {
  if (a === b) return a;
  if (a === 'dynamic') return b;
  if (b === 'dynamic') return a;
  const [x, y] = [numberRank[a], numberRank[b]];
  if (x !== undefined && y !== undefined) return x > y ? a : b;
  if (a === 'string') return b;
  if (b === 'string') return a;
  return a === 'datetime' || a === 'timespan' ? a : b;
}
