import type { KqlType } from '../../plan/types.ts';
import { hashInput } from '../../functions/hash.ts';
import type { Evaluated, RowFunction, RowFunctionTable } from '../row-function.ts';
import { as, fixed } from '../row-function.ts';
import { floorMod } from './arithmetic.ts';

const real = (run: (x: number) => number | null): RowFunction => fixed(['real'], 'real', run);
const two = (run: (x: number, y: number) => number): RowFunction => fixed(['real', 'real'], 'real', run);
const bits = (run: (x: bigint, y: bigint) => bigint): RowFunction => fixed(['long', 'long'], 'long', run);
/** Of a negative null, of zero minus infinity. */
const logarithm = (run: (x: number) => number): RowFunction =>
  real((x) => (x < 0 ? null : x === 0 ? -Infinity : run(x)));
const test = (run: (x: number) => boolean): RowFunction => ({
  result: 'bool',
  run: ([a]) => {
    const x = as(a, 'real');
    return x !== null && run(Number(x));
  },
});

const signOf = (value: number | bigint): number => (value > 0 ? 1 : value < 0 ? -1 : 0);
const sign: RowFunction = {
  run: ([a], call) => {
    if (!a) return null;
    const value = as(a, call.type === 'int' ? 'long' : a.type === 'dynamic' ? 'real' : a.type);
    if (value === null) return null;
    const found = signOf(typeof value === 'bigint' ? value : Number(value));
    return ofNumber(found, call.type);
  },
};
const ofNumber = (value: number, type: KqlType): number | bigint | string =>
  type === 'int' || type === 'long' ? BigInt(value) : type === 'decimal' ? String(value) : value;

/** XXH64 of the value's bytes, never negative with a modulus. */
const hash: RowFunction = {
  result: 'long',
  run: ([value, modulus]) => {
    if (!value) return null;
    const found = hashOf(value);
    if (!modulus) return found;
    const by = as(modulus, 'long');
    return typeof found === 'bigint' && typeof by === 'bigint' ? floorMod(found, by) : null;
  },
};
function hashOf(value: Evaluated): bigint | null {
  const [fn, type] = hashInput[value.type];
  const found = fn.run([as(value, type)]);
  return typeof found === 'bigint' ? found : null;
}

/** C's pow(): 1 to any power is 1, also to NaN, and so is -1 to an infinite one. */
const pow = (x: number, y: number): number => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y);

/** The last digit of elementary functions is V8's, where SQL has that of the system's library. */
export const mathRows: RowFunctionTable = {
  sqrt: real(Math.sqrt),
  exp: real(Math.exp),
  exp2: real((x) => pow(2, x)),
  exp10: real((x) => pow(10, x)),
  log: logarithm(Math.log),
  log10: logarithm(Math.log10),
  log2: logarithm(Math.log2),
  sin: real(Math.sin),
  cos: real(Math.cos),
  tan: real(Math.tan),
  cot: real((x) => 1 / Math.tan(x)),
  asin: real(Math.asin),
  acos: real(Math.acos),
  atan: real(Math.atan),
  atan2: two(Math.atan2),
  pow: two(pow),
  degrees: real((x) => x * (180 / Math.PI)),
  radians: real((x) => x * (Math.PI / 180)),
  sign,
  isnan: test(Number.isNaN),
  isinf: test((x) => !Number.isFinite(x) && !Number.isNaN(x)),
  isfinite: test(Number.isFinite),
  bitset_count_ones: fixed(['long'], 'long', (x) =>
    BigInt(BigInt.asUintN(64, x).toString(2).replaceAll('0', '').length),
  ),
  binary_and: bits((x, y) => x & y),
  binary_or: bits((x, y) => x | y),
  binary_xor: bits((x, y) => x ^ y),
  binary_not: fixed(['long'], 'long', (x) => ~x),
  hash,
  hash_xxhash64: hash,
};
