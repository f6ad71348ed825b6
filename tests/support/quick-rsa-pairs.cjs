'use strict';
// RSA keys of 2048 bits, each another one, that cost a tenth: a hundred keys are products of fifteen primes. Good for nothing but tests,
// since two of them may share a prime. A script, for `quick-rsa-preload.cjs`.
const { createPrivateKey, generatePrime } = require('node:crypto');
const { promisify } = require('node:util');

// As it was before anything was replaced.
const newPrime = promisify((done) => generatePrime(1024, { bigint: true }, done));
const e = 65_537n;

const primes = [];
/** Of the next key: the prime `larger` with the one at `smaller`. */
let [larger, smaller] = [0, 0];
let making = Promise.resolve();

/** One after the other, so that no two are of the same primes. */
function quickPrivateKey() {
  const made = making.then(next);
  making = made.catch(() => undefined);
  return made;
}

async function next() {
  smaller += 1;
  if (smaller >= larger) [larger, smaller] = [larger + 1, 0];
  while (primes.length <= larger) {
    const prime = await newPrime();
    if (prime >> 1022n === 3n && (prime - 1n) % e !== 0n) primes.push(prime); // any two have a product of 2048 bits
  }
  const [p, q] = [primes[larger], primes[smaller]];
  const d = inverse(e, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const members = Object.entries(numbers).map(([name, value]) => [name, encoded(value)]);
  return createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries(members) }, format: 'jwk' });
}

/** By Euclid's algorithm. */
function inverse(value, modulus) {
  let [rest, nextRest, factor, nextFactor] = [value, modulus, 1n, 0n];
  while (nextRest !== 0n) {
    const quotient = rest / nextRest;
    [rest, nextRest] = [nextRest, rest - quotient * nextRest];
    [factor, nextFactor] = [nextFactor, factor - quotient * nextFactor];
  }
  return ((factor % modulus) + modulus) % modulus;
}

function encoded(value) {
  const digits = value.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex').toString('base64url');
}

module.exports = { quickPrivateKey };
