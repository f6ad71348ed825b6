import { createPrivateKey, createPublicKey, generatePrime, webcrypto } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { Base64Url } from '../../src/base/base64url.ts';
import { toBase64Url } from '../../src/base/base64url.ts';
import type { ServerSettings } from '../../src/server/settings.ts';
import { generateRsaKey } from '../../src/vault/rsa/rsa-keys.ts';

// RSA keys of 2048 bits, each another one, that cost a tenth: a hundred keys are products of fifteen primes. Good for nothing but tests,
// since two of them may share a prime.

const newPrime = promisify((done: (error: Error | null, prime: bigint) => void) => {
  generatePrime(1024, { bigint: true }, done);
});
const e = 65_537n;

const primes: bigint[] = [];
/** Of the next key: the prime `larger` with the one at `smaller`. */
let [larger, smaller] = [0, 0];
let making: Promise<unknown> = Promise.resolve();

/** One after the other, so that no two are of the same primes. */
function quickKey(): Promise<KeyObject> {
  const made = making.then(next);
  making = made;
  return made;
}

async function next(): Promise<KeyObject> {
  smaller += 1;
  if (smaller >= larger) [larger, smaller] = [larger + 1, 0];
  while (primes.length <= larger) {
    const prime = await newPrime();
    if (prime >> 1022n === 3n && (prime - 1n) % e !== 0n) primes.push(prime); // any two have a product of 2048 bits
  }
  const [p = 0n, q = 0n] = [primes[larger], primes[smaller]];
  const d = inverse(e, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const members = Object.entries(numbers).map(([name, value]) => [name, encoded(value)] as const);
  return createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries(members) }, format: 'jwk' });
}

/** By Euclid's algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [rest, nextRest, factor, nextFactor] = [value, modulus, 1n, 0n];
  while (nextRest !== 0n) {
    const quotient = rest / nextRest;
    [rest, nextRest] = [nextRest, rest - quotient * nextRest];
    [factor, nextFactor] = [nextFactor, factor - quotient * nextFactor];
  }
  return ((factor % modulus) + modulus) % modulus;
}

function encoded(value: bigint): Base64Url {
  const digits = value.toString(16);
  return toBase64Url(Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex'));
}

export const quickRsaKeys: NonNullable<ServerSettings['rsaKeys']> = {
  ofVaults: async (bits) => {
    if (bits !== 2048) return generateRsaKey(bits);
    const key = await quickKey();
    const { n, e: exponent } = createPublicKey(key).export({ format: 'jwk' });
    const privateKey = toBase64Url(key.export({ format: 'der', type: 'pkcs8' }));
    return { kty: 'RSA', bits, n: n as Base64Url, e: exponent as Base64Url, privateKey };
  },
  ofTokens: async () => {
    const key = await quickKey();
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const imported = (format: 'pkcs8' | 'spki', half: KeyObject, use: 'sign' | 'verify') =>
      webcrypto.subtle.importKey(format, half.export({ format: 'der', type: format as 'spki' }), algorithm, true, [
        use,
      ]);
    const [privateKey, publicKey] = await Promise.all([
      imported('pkcs8', key, 'sign'),
      imported('spki', createPublicKey(key), 'verify'),
    ]);
    return { privateKey, publicKey };
  },
};
