import { invariant } from '../../base/invariant.ts';

/** A number modulo the order of a curve: 24 bits in each element, the lowest first. Unlike a bigint it can be overwritten, and
 * eleven elements and more lie outside the heap of V8, which would leave copies behind. */
export type SecretScalar = Float64Array;

/** Arithmetic modulo one odd number, by the method of Montgomery: no branch and no length depends on a value. */
export interface ScalarArithmetic {
  /** @param bytes big-endian, of a number below the modulus */
  readonly read: (bytes: Uint8Array) => SecretScalar;
  /** @returns a bigint, which nobody can overwrite: for what has been blinded */
  readonly reveal: (scalar: SecretScalar) => bigint;
  readonly times: (left: SecretScalar, right: SecretScalar) => SecretScalar;
  readonly plus: (left: SecretScalar, right: SecretScalar) => SecretScalar;
}

const limbBits = 24n;
const limb = 2 ** 24;

export function createScalarArithmetic(modulus: bigint): ScalarArithmetic {
  const length = Math.ceil((modulus.toString(2).length + 1) / Number(limbBits));
  const limbs = split(modulus, length);
  const radix = 1n << (limbBits * BigInt(length));
  const radixSquared = split((radix * radix) % modulus, length);
  const negativeInverse = limb - inverseOfLimb(limbs[0] ?? 0);

  /** left · right / radix */
  const montgomery = (left: SecretScalar, right: SecretScalar): SecretScalar => {
    const sum = new Float64Array(length + 2);
    for (let i = 0; i < length; i++) {
      addProduct(sum, left, right[i] ?? 0, length);
      addProduct(sum, limbs, ((sum[0] ?? 0) * negativeInverse) % limb, length);
      sum.copyWithin(0, 1); // the lowest element is zero now
      sum[length + 1] = 0;
    }
    return reduceOnce(sum, limbs, length);
  };

  return {
    read: (bytes) => {
      const scalar = new Float64Array(length);
      bytes.forEach((byte, at) => {
        const bit = (bytes.length - 1 - at) * 8;
        const place = Math.floor(bit / Number(limbBits));
        if (place < length) scalar[place] = (scalar[place] ?? 0) + byte * 2 ** (bit % Number(limbBits));
      });
      return scalar;
    },
    reveal: (scalar) => scalar.reduceRight((sum, part) => (sum << limbBits) + BigInt(part), 0n),
    times: (left, right) => {
      const halfway = montgomery(left, right);
      try {
        return montgomery(halfway, radixSquared);
      } finally {
        halfway.fill(0);
      }
    },
    plus: (left, right) => {
      const sum = new Float64Array(length + 2);
      let carry = 0;
      for (let i = 0; i < length; i++) {
        const part = (left[i] ?? 0) + (right[i] ?? 0) + carry;
        sum[i] = part % limb;
        carry = Math.floor(part / limb);
      }
      sum[length] = carry;
      return reduceOnce(sum, limbs, length);
    },
  };
}

/** sum += number · factor, which stays below 2 ** 53 in each step. */
function addProduct(sum: Float64Array, number: Float64Array, factor: number, length: number): void {
  let carry = 0;
  for (let i = 0; i < length; i++) {
    const part = (sum[i] ?? 0) + (number[i] ?? 0) * factor + carry;
    sum[i] = part % limb;
    carry = Math.floor(part / limb);
  }
  const top = (sum[length] ?? 0) + carry;
  sum[length] = top % limb;
  sum[length + 1] = (sum[length + 1] ?? 0) + Math.floor(top / limb);
}

/** @param sum below twice the modulus; overwritten. @returns sum, or sum - modulus where that is not negative */
function reduceOnce(sum: Float64Array, modulus: Float64Array, length: number): SecretScalar {
  const less = new Float64Array(length);
  let borrow = 0;
  for (let i = 0; i < length; i++) {
    const part = (sum[i] ?? 0) - (modulus[i] ?? 0) - borrow;
    borrow = Number(part < 0);
    less[i] = part + borrow * limb;
  }
  const isLess = Number((sum[length] ?? 0) < borrow);
  const result = less.map((part, i) => part * (1 - isLess) + (sum[i] ?? 0) * isLess);
  sum.fill(0);
  less.fill(0);
  return result;
}

function split(value: bigint, length: number): Float64Array {
  const limbs = Float64Array.from({ length }, (_, at) => Number((value >> (limbBits * BigInt(at))) & 0xffffffn));
  invariant(value >> (limbBits * BigInt(length)) === 0n, 'a number fits in its elements');
  return limbs;
}

/** By Newton's iteration: each step doubles how many low bits are right. */
function inverseOfLimb(odd: number): number {
  let inverse = 1n;
  for (let bits = 1; bits < Number(limbBits); bits *= 2)
    inverse = BigInt.asUintN(24, inverse * (2n - BigInt(odd) * inverse));
  return Number(inverse);
}
