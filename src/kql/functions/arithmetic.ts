import type { Sql } from '../sql/fragment.ts';
import { argumentOf, sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import type { Call } from '../plan/expression.ts';
import type { KqlType } from '../plan/types.ts';
import { cast } from '../sql/convert.ts';
import { nativeSql } from '../sql/native-row.ts';
import type { NativeFunction } from '../sql/native.ts';
import { nativeFunction } from '../sql/native.ts';
import type { FunctionRow, FunctionRows, RowScope, SqlArgument } from '../sql/scope.ts';
import { decimalOperation } from '../values/decimal.ts';

type Operator = '+' | '-' | '*';
const isTime = (type: KqlType): boolean => type === 'datetime' || type === 'timespan';

/** Two sides and what the result is computed in. Dynamic operands are read as numbers. */
function operands(args: readonly SqlArgument[], call: Call): { a: SqlArgument; b: SqlArgument; in: KqlType } {
  const [a, b] = args;
  if (!a || !b) throw new RangeError(`${call.name} has two operands`);
  const types = [a.type, b.type];
  if (types.includes('real')) return { a, b, in: 'real' };
  if (types.includes('decimal')) return { a, b, in: 'decimal' };
  if (types.includes('dynamic'))
    return {
      a,
      b,
      in: call.type === 'dynamic' ? 'real' : isTime(call.type) ? 'long' : call.type === 'string' ? 'real' : call.type,
    };
  return { a, b, in: 'long' };
}

const integerOperation = (operator: Operator, a: Sql, b: Sql, scope: RowScope): Sql =>
  scope.ctx.wrapping ? kql.wrap(sql`(${a})::HUGEINT ${operator} (${b})::HUGEINT`) : sql`(${a} ${operator} ${b})`;

const ticksOf = (argument: SqlArgument): Sql => (isTime(argument.type) ? argument.sql : cast(argument, 'long'));

const ofDecimals = (name: string, operator: string): NativeFunction =>
  nativeFunction(name, ['decimal', 'decimal'], 'decimal', ([a, b]) => decimalOperation(operator, String(a), String(b)));
export const decimalDivide = ofDecimals('decimal_divide', '/');
const decimals = {
  '+': ofDecimals('decimal_add', '+'),
  '-': ofDecimals('decimal_subtract', '-'),
  '*': ofDecimals('decimal_multiply', '*'),
  '/': decimalDivide,
  '%': ofDecimals('decimal_modulo', '%'),
} as const;

const decimalSql = (operator: keyof typeof decimals, a: SqlArgument, b: SqlArgument): Sql =>
  sql`CAST(${nativeSql(decimals[operator], [a, b])} AS DECIMAL(38,18))`;

const arithmetic = (operator: Operator): FunctionRow => ({
  natives: [decimals[operator]],
  sql: (args, call, scope) => {
    const { a, b, in: type } = operands(args, call);
    if (call.type === 'datetime')
      return kql.inCalendar(timeOperation(operator, withinCalendar(a), withinCalendar(b), scope));
    if (isTime(a.type) || isTime(b.type)) return timeOperation(operator, a, b, scope);
    if (type === 'real') return fromReal(sql`(${cast(a, 'real')} ${operator} ${cast(b, 'real')})`, call);
    if (type === 'decimal') return decimalSql(operator, a, b);
    return integerOperation(operator, cast(a, 'long'), cast(b, 'long'), scope);
  },
});

/** A result that the binder left dynamic is a JSON number. */
const fromReal = (sql: Sql, call: Call): Sql => (call.type === 'dynamic' ? kql.jsonOfReal(sql) : sql);

/** A moment before year 1 or after year 9999 is null. A sum of many parts is looked at once, since the macro writes it twice. */
const withinCalendar = (argument: SqlArgument): SqlArgument => ({
  ...argument,
  sql: argumentOf(argument.sql, kql.inCalendar) ?? argument.sql,
});

function timeOperation(operator: Operator, a: SqlArgument, b: SqlArgument, scope: RowScope): Sql {
  if (operator !== '*') return integerOperation(operator, ticksOf(a), ticksOf(b), scope);
  const [span, factor] = isTime(a.type) ? [a, b] : [b, a];
  if (factor.type === 'real' || factor.type === 'decimal' || factor.type === 'dynamic')
    return sql`kql_long_of_real(CAST(${span.sql} AS DOUBLE) * ${cast(factor, 'real')})`;
  return integerOperation('*', span.sql, cast(factor, 'long'), scope);
}

const divide: FunctionRow = {
  natives: [decimals['/']],
  sql: (args, call) => {
    const { a, b, in: type } = operands(args, call);
    if (isTime(a.type) && isTime(b.type)) return sql`(CAST(${a.sql} AS DOUBLE) / CAST(${b.sql} AS DOUBLE))`;
    if (isTime(a.type))
      return b.type === 'long' || b.type === 'int'
        ? sql`(${a.sql} // ${cast(b, 'long')})`
        : sql`kql_long_of_real(CAST(${a.sql} AS DOUBLE) / ${cast(b, 'real')})`;
    if (type === 'real') return fromReal(sql`(${cast(a, 'real')} / ${cast(b, 'real')})`, call);
    if (type === 'decimal') return decimalSql('/', a, b);
    return sql`(${cast(a, 'long')} // ${cast(b, 'long')})`;
  },
};

/** Never negative; by zero null. */
const modulo: FunctionRow = {
  natives: [decimals['%']],
  sql: (args, call) => {
    const { a, b, in: type } = operands(args, call);
    if (type === 'decimal') return decimalSql('%', a, b);
    const physical = isTime(a.type) || isTime(b.type) ? 'long' : type;
    const [x, y] = physical === 'long' && isTime(a.type) ? [a.sql, ticksOf(b)] : [cast(a, physical), cast(b, physical)];
    return fromReal(sql`kql_floor_mod(${x}, ${y})`, call);
  },
};

const negative: FunctionRow = {
  sql: ([a], call, scope) => {
    if (!a) return 'NULL';
    if (a.type === 'dynamic') return fromReal(sql`(-${cast(a, 'real')})`, call);
    if (call.type === 'datetime') return kql.inCalendar(integerOperation('-', '0', cast(a, 'datetime'), scope));
    return a.type === 'long' || a.type === 'int' || isTime(a.type)
      ? integerOperation('-', '0', cast(a, isTime(a.type) ? a.type : 'long'), scope)
      : sql`(-${a.sql})`;
  },
};

export const arithmeticFunctions: FunctionRows = {
  '+': arithmetic('+'),
  '-': arithmetic('-'),
  '*': arithmetic('*'),
  '/': divide,
  '%': modulo,
  neg: negative,
};
