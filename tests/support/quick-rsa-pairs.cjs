'use strict';
// RSA keys of 2048 and 3072 bits, each another one, that cost a hundredth: products of two of a hundred primes, which `kept-primes.cjs` has made
// once for all runs, or, where it has not, of ever more primes of this process. Good for nothing but tests, since two of them may share a prime. A
// script, for `quick-rsa-preload.cjs`.
const { createPrivateKey, createPublicKey, generateKeyPairSync } = require('node:crypto');
const { bitsOfKeys, newPrime, takeKeptPair } = require('./kept-primes.cjs');

const e = 65_537n;

/** Of the next key of so many bits: the prime `larger` with the one at `smaller`. */
const pools = new Map(bitsOfKeys.map((bits) => [bits, { primes: [], larger: 0, smaller: 0 }]));
let making = Promise.resolve();

/** Others are not made here. */
const isQuick = (bits) => pools.has(bits);

/** One after the other, so that no two are of the same primes. */
function quickPrivateKey(bits) {
  const made = making.then(async () => privateKeyOf(...(takeKeptPair(bits) ?? (await ownPair(bits)))));
  making = made.catch(() => undefined);
  return made;
}

/** The same of 2048 bits at once, for what has no time to wait. Where no primes are kept it is one as a user has it. */
function quickRsaPair() {
  const primes = takeKeptPair(2048);
  if (primes === undefined) return generateKeyPairSync('rsa', { modulusLength: 2048 });
  const privateKey = privateKeyOf(...primes);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

async function ownPair(bits) {
  const pool = pools.get(bits);
  const { primes } = pool;
  pool.smaller += 1;
  if (pool.smaller >= pool.larger) [pool.larger, pool.smaller] = [pool.larger + 1, 0];
  while (primes.length <= pool.larger) primes.push(await newPrime(bits));
  return [primes[pool.larger], primes[pool.smaller]];
}

function privateKeyOf(p, q) {
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

module.exports = { isQuick, quickPrivateKey, quickRsaPair };
