/** Numbers that may be seen: parts of public keys and signatures. What is secret is in `secret-scalars.ts`. */

export const toBigInt = (bytes: Uint8Array): bigint => BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);

/** Big-endian, with zeros in front. @param value below 256 ** length */
export const toBytes = (value: bigint, length: number): Buffer =>
  Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex');

export const modulo = (value: bigint, modulus: bigint): bigint => ((value % modulus) + modulus) % modulus;

/** By the extended algorithm of Euclid. @param value not a multiple of `modulus`, which is prime */
export function inverse(value: bigint, modulus: bigint): bigint {
  let [left, right] = [modulus, modulo(value, modulus)];
  let [leftFactor, rightFactor] = [0n, 1n];
  while (right > 1n) {
    const quotient = left / right;
    [left, right] = [right, left - quotient * right];
    [leftFactor, rightFactor] = [rightFactor, leftFactor - quotient * rightFactor];
  }
  return modulo(rightFactor, modulus);
}
