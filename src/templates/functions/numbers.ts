import type { Json } from '../../base/json.ts';
import type { CallContext, FunctionRows } from './function-row.ts';
import { anyNumber, integerAt, textAt, wrongArgument } from './function-row.ts';

export const numericFunctions: FunctionRows = {
  add: binary('add', 'The sum.', (left, right) => left + right, { 'add(2, 3)': 5 }),
  sub: binary('sub', 'The second taken from the first.', (left, right) => left - right, { 'sub(2, 3)': -1 }),
  mul: binary('mul', 'The product.', (left, right) => left * right, { 'mul(-2, 3)': -6 }),
  div: binary(
    'div',
    'The first divided by the second, without its fraction.',
    (left, right) => Math.trunc(left / right),
    {
      'div(-7, 2)': -3,
    },
  ),
  mod: binary('mod', 'What is left of the division.', (left, right) => left % right, { 'mod(7, 3)': 1 }),
  max: extreme('max', 'The greatest of its arguments, or of an array.', Math.max, {
    'max(1, 3, 2)': 3,
    'max(createArray(4, 5))': 5,
  }),
  min: extreme('min', 'The least of its arguments, or of an array.', Math.min, { 'min(1, 3, 2)': 1 }),
  int: {
    family: 'numeric',
    args: [1, 1],
    says: 'The whole number that a text stands for.',
    cases: { "int('4')": 4, 'int(-2)': -2 },
    evaluate: (args) => {
      const [value = null] = args;
      if (typeof value === 'number') return Math.trunc(value);
      const text = textAt('int', args, 0).trim();
      if (!/^[+-]?\d+$/.test(text)) throw wrongArgument('int', 'the value cannot be converted to an integer');
      return safe('int', Number(text));
    },
  },
  float: {
    family: 'numeric',
    args: [1, 1],
    says: 'The number that a text stands for.',
    cases: { "float('3.5')": 3.5, 'float(2)': 2 },
    evaluate: (args) => {
      const value = typeof args[0] === 'number' ? args[0] : Number(textAt('float', args, 0).trim() || 'none');
      if (!Number.isFinite(value)) throw wrongArgument('float', 'the value cannot be converted to a number');
      return value;
    },
  },
  copyIndex: {
    family: 'numeric',
    args: [0, 2],
    says: 'Which pass of a loop this is, from 0 or from an offset; a loop can be named.',
    cases: {},
    evaluate: (args, context) => copyIndex(args, context),
  },
};

function copyIndex(args: readonly Json[], context: CallContext): number {
  const name = typeof args[0] === 'string' ? args[0] : undefined;
  const offsetAt = name === undefined ? 0 : 1;
  const offset = args.length > offsetAt ? integerAt('copyIndex', args, offsetAt) : 0;
  return context.copyIndex(name) + offset;
}

function safe(name: string, value: number): number {
  if (!Number.isSafeInteger(value)) throw wrongArgument(name, 'the result is not a whole number of 53 bits');
  return value;
}

function binary(
  name: string,
  says: string,
  compute: (left: number, right: number) => number,
  cases: Readonly<Record<string, number>>,
): FunctionRows[string] {
  return {
    ...{ family: 'numeric', args: [2, 2], says, cases },
    evaluate: (args) => {
      const [left, right] = [integerAt(name, args, 0), integerAt(name, args, 1)];
      if (right === 0 && (name === 'div' || name === 'mod')) throw wrongArgument(name, 'the divisor is zero');
      return safe(name, compute(left, right)) + 0; // no minus zero
    },
  };
}

function extreme(
  name: string,
  says: string,
  choose: (...values: number[]) => number,
  cases: Readonly<Record<string, number>>,
): FunctionRows[string] {
  return {
    ...{ family: 'numeric', args: [1, anyNumber], says, cases },
    evaluate: (args) => {
      const values = Array.isArray(args[0]) ? (args[0] as readonly Json[]) : args;
      if (values.length === 0) throw wrongArgument(name, 'the array is empty');
      return values.map((_, at) => integerAt(name, values, at)).reduce((held, next) => choose(held, next));
    },
  };
}
