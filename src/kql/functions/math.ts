import type { Sql } from '../sql/fragment.ts';
import { sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import type { Literal } from '../plan/expression.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { KqlType } from '../plan/types.ts';
import { physicalType } from '../plan/types.ts';
import { cast } from '../sql/convert.ts';
import { literalSql } from '../sql/literal.ts';
import { decimalOperation } from '../values/decimal.ts';
import { native, nativeSql } from '../sql/native-row.ts';
import { big, nativeCall, nativeFunction } from '../sql/native.ts';
import type { FunctionRow, FunctionRows, SqlArgument } from '../sql/scope.ts';

/** Reals in, one real out. `guard`: SQL condition of `x` outside which the result is NaN. */
const real = (value: (x: Sql) => Sql, guard?: (x: Sql) => Sql): FunctionRow => ({
  result: 'real',
  sql: ([a]) => {
    if (!a) return 'NULL';
    const x = cast(a, 'real');
    return guard
      ? sql`CASE WHEN ${x} IS NULL THEN NULL WHEN ${guard(x)} THEN ${value(x)} ELSE 'NaN'::DOUBLE END`
      : value(x);
  },
});

/** Of a negative null, of zero minus infinity. */
const logarithm = (name: string): FunctionRow =>
  real((x) => sql`CASE WHEN ${x} < 0 THEN NULL WHEN ${x} = 0 THEN '-Infinity'::DOUBLE ELSE ${name}(${x}) END`);

const abs: FunctionRow = {
  sql: ([a], call) =>
    a
      ? a.type === 'dynamic'
        ? sql`abs(${cast(a, call.type === 'dynamic' ? 'real' : call.type)})`
        : sql`abs(${a.type === 'int' ? cast(a, 'long') : a.sql})`
      : 'NULL',
};

const decimalBin = nativeFunction('decimal_bin', ['decimal', 'decimal'], 'decimal', ([value, size]) => {
  const rest = /^-|^[0.]*$/.test(String(size)) ? null : decimalOperation('%', String(value), String(size));
  return rest === null ? null : decimalOperation('-', String(value), rest);
});

/** `bin(x, n)` floors, for negatives too. */
const bin: FunctionRow = {
  natives: [decimalBin],
  sql: ([value, size], call) => {
    if (!value || !size) return 'NULL';
    const type = call.type === 'dynamic' ? 'real' : call.type;
    if (type === 'decimal') return sql`CAST(${nativeSql(decimalBin, [value, size])} AS DECIMAL(38,18))`;
    const isReal = type === 'real' || value.type === 'real' || size.type === 'real';
    const [x, n]: [Sql, Sql] = isReal
      ? [cast(value, 'real'), cast(size, 'real')]
      : [
          cast(value, value.type === 'dynamic' ? type : value.type),
          size.type === 'timespan' ? size.sql : cast(size, 'long'),
        ];
    if (isReal) return sql`CASE WHEN ${n} > 0 THEN floor(${x} / ${n}) * ${n} END`;
    const isPositive = size.expression.k === 'literal' && !String(size.expression.value).startsWith('-');
    // A datetime is never negative, and named once.
    if (isPositive && value.type === 'datetime') return sql`(${x} // ${n} * ${n})`;
    return isPositive
      ? sql`(${x} - ${kql.floorMod(x, n)})`
      : sql`CASE WHEN ${n} > 0 THEN ${x} - ${kql.floorMod(x, n)} END`;
  },
};

const binAt: FunctionRow = {
  sql: ([value, size, fixed], call) => {
    if (!value || !size || !fixed) return 'NULL';
    if (call.type === 'real') {
      const [x, n, p] = [cast(value, 'real'), cast(size, 'real'), cast(fixed, 'real')] as const;
      return sql`(floor((${x} - ${p}) / ${n}) * ${n} + ${p})`;
    }
    const ticks = (argument: SqlArgument): Sql =>
      argument.type === 'timespan' || argument.type === 'datetime' ? argument.sql : cast(argument, 'long');
    const [x, n, p] = [ticks(value), ticks(size), ticks(fixed)] as const;
    const start = sql`(${x} - ${kql.floorMod(sql`${x} - ${p}`, n)})`;
    return call.type === 'datetime' ? kql.inCalendar(start) : start;
  },
};

/** `bin_auto(x)`: `bin_at` with the size and the fixed point that `set` statements gave; the point is 0 by default. */
const binAuto: FunctionRow = {
  sql: ([value], call, scope) => {
    if (!value) return 'NULL';
    const option = (name: string, type: KqlType, fallback?: string): SqlArgument => {
      const given = scope.ctx.facts.options?.[name] ?? fallback;
      if (typeof given !== 'string' || !Number.isFinite(Number(given)))
        throw new KqlError('semantic', `bin_auto() needs the query option '${name}'.`);
      const literal: Literal = {
        k: 'literal',
        type: type !== 'real' && !/^-?\d+$/.test(given) ? 'real' : type,
        value: given,
      };
      return { sql: literalSql(literal, scope.ctx), type: literal.type, expression: literal };
    };
    const isTime = value.type === 'datetime' || value.type === 'timespan';
    const type = isTime || value.type === 'real' ? value.type : 'long';
    const size = option('query_bin_auto_size', value.type === 'datetime' ? 'timespan' : type);
    return binAt.sql([value, size, option('query_bin_auto_at', type, '0')], call, scope);
  },
};

/** .NET rounds halves away from zero here. */
const round: FunctionRow = {
  sql: ([value, digits], call) => {
    if (!value) return 'NULL';
    if (call.type === 'real' || value.type === 'dynamic')
      return sql`round(${cast(value, 'real')}, ${digits ? cast(digits, 'int') : '0'})`;
    const x = cast(value, call.type);
    // A whole number without places would go through a double.
    const exact = call.type === 'decimal' ? sql`CAST(${x} AS ${physicalType.decimal})` : x;
    const rounded = sql`round(${exact}, ${digits ? cast(digits, 'int') : '0'})`;
    return call.type === 'decimal' ? sql`CAST(${rounded} AS ${physicalType.decimal})` : rounded;
  },
};

const whole = (name: 'floor' | 'ceil'): FunctionRow => ({
  sql: ([value], call) => {
    if (!value) return 'NULL';
    if (call.type === 'real') return sql`${name}(${cast(value, 'real')})`;
    return call.type === 'decimal'
      ? sql`CAST(${name}(CAST(${cast(value, 'decimal')} AS ${physicalType.decimal})) AS ${physicalType.decimal})`
      : cast(value, call.type);
  },
});

const two = (sql: (x: Sql, y: Sql) => Sql): FunctionRow => ({
  result: 'real',
  sql: ([a, b]) => (a && b ? sql(cast(a, 'real'), cast(b, 'real')) : 'NULL'),
});
const bits = (sql: (x: Sql, y: Sql) => Sql): FunctionRow => ({
  result: 'long',
  sql: ([a, b]) => (a && b ? sql(cast(a, 'long'), cast(b, 'long')) : 'NULL'),
});

/** By a number of bits modulo 64; null for a negative one. */
const shift = (name: string, run: (x: bigint, n: bigint) => bigint): FunctionRow =>
  native(name, ['long', 'long'], 'long', ([x, n]) =>
    big(n) < 0n ? null : BigInt.asIntN(64, run(big(x), big(n) % 64n)),
  );

const hexDigits = nativeFunction('tohex', ['long', 'long', 'long'], 'string', ([value, width, bits]) =>
  BigInt.asUintN(Number(bits), big(value))
    .toString(16)
    .padStart(Math.min(Number(width), 16), '0'),
);
/** Negative numbers have as many digits as their type: 8 for int, 16 for long. */
const toHex: FunctionRow = {
  result: 'string',
  natives: [hexDigits],
  sql: ([value, width]) =>
    value
      ? nativeCall(
          hexDigits,
          cast(value, 'long'),
          width ? cast(width, 'long') : '0',
          value.type === 'int' ? '32' : '64',
        )
      : "''",
};

export const mathFunctions: FunctionRows = {
  abs,
  bin,
  floor: {
    natives: [decimalBin],
    sql: (args, call, scope) =>
      args.length === 2 ? bin.sql(args, call, scope) : whole('floor').sql(args, call, scope),
  },
  bin_at: binAt,
  bin_auto: binAuto,
  ceiling: whole('ceil'),
  round,
  sqrt: real(
    (x) => sql`sqrt(${x})`,
    (x) => sql`${x} >= 0`,
  ),
  exp: real((x) => sql`exp(${x})`),
  exp2: real((x) => sql`pow(2::DOUBLE, ${x})`),
  exp10: real((x) => sql`pow(10::DOUBLE, ${x})`),
  log: logarithm('ln'),
  log10: logarithm('log10'),
  log2: logarithm('log2'),
  sin: real(
    (x) => sql`sin(${x})`,
    (x) => sql`isfinite(${x})`,
  ),
  cos: real(
    (x) => sql`cos(${x})`,
    (x) => sql`isfinite(${x})`,
  ),
  tan: real(
    (x) => sql`tan(${x})`,
    (x) => sql`isfinite(${x})`,
  ),
  cot: real(
    (x) => sql`(1 / tan(${x}))`,
    (x) => sql`isfinite(${x})`,
  ),
  asin: real(
    (x) => sql`asin(${x})`,
    (x) => sql`abs(${x}) <= 1`,
  ),
  acos: real(
    (x) => sql`acos(${x})`,
    (x) => sql`abs(${x}) <= 1`,
  ),
  atan: real((x) => sql`atan(${x})`),
  atan2: two((y, x) => sql`atan2(${y}, ${x})`),
  pow: two((x, y) => sql`pow(${x}, ${y})`),
  degrees: real((x) => sql`degrees(${x})`),
  radians: real((x) => sql`radians(${x})`),
  pi: { result: 'real', sql: () => 'pi()' },
  sign: {
    sql: ([a], call) =>
      a
        ? sql`CAST(sign(${cast(a, call.type === 'int' ? 'long' : a.type === 'dynamic' ? 'real' : a.type)}) AS ${physicalType[call.type]})`
        : 'NULL',
  },
  rand: {
    isRandom: true,
    sql: ([limit], call) =>
      limit
        ? sql`CAST(floor(random() * ${cast(limit, 'real')}) AS ${call.type === 'real' ? 'DOUBLE' : 'BIGINT'})`
        : 'random()',
  },
  isnan: { result: 'bool', sql: ([a]) => (a ? sql`coalesce(isnan(${cast(a, 'real')}), false)` : 'NULL') },
  isinf: { result: 'bool', sql: ([a]) => (a ? sql`coalesce(isinf(${cast(a, 'real')}), false)` : 'NULL') },
  isfinite: { result: 'bool', sql: ([a]) => (a ? sql`coalesce(isfinite(${cast(a, 'real')}), false)` : 'NULL') },
  tohex: toHex,
  bitset_count_ones: {
    result: 'long',
    sql: ([a]) => (a ? sql`CAST(bit_count(${cast(a, 'long')}) AS BIGINT)` : 'NULL'),
  },
  binary_and: bits((x, y) => sql`(${x} & ${y})`),
  binary_or: bits((x, y) => sql`(${x} | ${y})`),
  binary_xor: bits((x, y) => sql`xor(${x}, ${y})`),
  binary_not: { result: 'long', sql: ([a]) => (a ? sql`(~${cast(a, 'long')})` : 'NULL') },
  binary_shift_left: shift('binary_shift_left', (x, n) => x << n),
  binary_shift_right: shift('binary_shift_right', (x, n) => x >> n),
};
