import { invariant } from '../../base/invariant.ts';
import type { Literal } from '../plan/expression.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { KqlType } from '../plan/types.ts';
import { physicalType } from '../plan/types.ts';
import { decimalTooLong } from '../values/decimal.ts';
import type { SqlContext } from './context.ts';
import type { NativeValue } from './native.ts';

/** SQL of a literal. Texts are bound; numbers are written from what we parsed, after a check of their shape. */
export function literalSql(literal: Literal, ctx: SqlContext): string {
  const { type, value } = literal;
  if (type === 'string') return ctx.bind(value === null ? '' : String(value), 'VARCHAR');
  if (value === null) return `NULL::${physicalType[type]}`;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  switch (type) {
    case 'int':
    case 'long':
    case 'datetime':
    case 'timespan':
      invariant(/^-?\d+$/.test(value), 'an integer literal has digits only');
      return `(${value})::${physicalType[type]}`;
    case 'real':
      invariant(/^(-?\d+(\.\d+)?(e[+-]?\d+)?|NaN|-?Infinity)$/.test(value), 'a real literal is a JavaScript number');
      return `'${value}'::DOUBLE`;
    case 'decimal': {
      invariant(/^-?\d+(\.\d+)?$/.test(value), 'a decimal literal has digits only');
      return `'${value}'::${decimalTypeOf([value])}`;
    }
    case 'guid':
      invariant(/^[0-9a-f-]{36}$/.test(value), 'a guid literal is hyphenated hex');
      return `'${value}'::UUID`;
    case 'dynamic':
      return ctx.bind(value, 'VARCHAR');
    case 'bool':
      return value === 'true' ? 'true' : 'false';
  }
}

/** Decimals here have 20 digits before the point and 18 after. Longer whole numbers, as `parse_version` gives them, are
 * exact too as long as they meet only their like. */
export function decimalTypeOf(values: readonly unknown[]): string {
  const parts = values.map((value) => (typeof value === 'string' ? value : '0').replace(/^-/, '').split('.'));
  if (parts.every(([whole = '']) => whole.length <= 20)) return physicalType.decimal;
  if (parts.some(([whole = '', fraction = '']) => whole.length > 34 || /[1-9]/.test(fraction)))
    throw new KqlError('notSupported', decimalTooLong);
  return 'HUGEINT';
}

/** A value as the literal that stands for it. */
export const literalOf = (value: NativeValue, type: KqlType): Literal => ({
  k: 'literal',
  type,
  value: value === null || typeof value === 'boolean' ? value : Object.is(value, -0) ? '-0' : String(value),
});
