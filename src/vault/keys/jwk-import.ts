import { createPrivateKey, createPublicKey, privateDecrypt, publicEncrypt } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import type { Base64Url } from '../../base/base64url.ts';
import { toBase64Url } from '../../base/base64url.ts';
import { equalBytes, zeroBytes } from '../../base/bytes.ts';
import type { JsonObject } from '../../base/json.ts';
import { decodeBase64 } from '../base64url-bytes.ts';
import { toBigInt } from '../ec/big-numbers.ts';
import { curves, isCurveName } from '../ec/curves.ts';
import { publicPointOf } from '../ec/ecdsa.ts';
import type { KeyPair } from '../material/key-pairs.ts';
import { member } from '../objects/attributes.ts';
import { isRsaBits } from '../rsa/rsa-keys.ts';
import { vaultError } from '../vault-error.ts';

/** The private key of a JWK, when its parts belong together and it could have been made here.
 * @see RFC 7518, sections 6.2 and 6.3
 * @throws VaultError 400 */
export function readPrivateJwk(jwk: JsonObject, kty: KeyPair['kty']): KeyPair {
  return kty === 'RSA' ? readRsa(jwk) : readEc(jwk);
}

const exponent = 65537n;
const secretParts = ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const;

function readRsa(jwk: JsonObject): KeyPair {
  const [n, e] = [readNumber(jwk, 'n'), readNumber(jwk, 'e')];
  const bits = n.length * 8;
  if (!isRsaBits(bits)) throw vaultError('invalidProperty', 'key.n');
  if (toBigInt(e) !== exponent) throw vaultError('invalidProperty', 'key.e');
  const secrets = secretParts.map((name) => readNumber(jwk, name));
  const publicKey = { n: toBase64Url(n), e: toBase64Url(e) };
  // None is longer than the modulus, so that nobody makes us calculate with something longer.
  const areShort = secrets.every((bytes) => bytes.length <= n.length);
  const areWhole = areShort && belongTogether(toBigInt(n), secrets.map(toBigInt));
  const texts: JsonWebKey = Object.fromEntries(secretParts.map((name, at) => [name, toBase64Url(secrets[at] ?? n)]));
  zeroBytes(...secrets);
  const key = areWhole ? openJwk({ kty: 'RSA', ...publicKey, ...texts }) : undefined;
  if (key === undefined || !opensWhatItSeals(key)) throw vaultError('invalidRsaKey');
  return { kty: 'RSA', bits, ...publicKey, privateKey: pkcs8Of(key) };
}

/** OpenSSL does not look, and computes around a part that is wrong. */
function belongTogether(n: bigint, [d = 0n, p = 0n, q = 0n, dp = 0n, dq = 0n, qi = 0n]: readonly bigint[]): boolean {
  if (p < 3n || q < 3n || p * q !== n || (qi * q) % p !== 1n) return false;
  if (d % (p - 1n) !== dp || d % (q - 1n) !== dq) return false;
  return (dp * exponent) % (p - 1n) === 1n && (dq * exponent) % (q - 1n) === 1n;
}

/** With numbers that are no primes it does not. */
function opensWhatItSeals(key: KeyObject): boolean {
  const probe = Buffer.alloc(32, 7);
  try {
    return equalBytes(privateDecrypt(key, publicEncrypt(createPublicKey(key), probe)), probe);
  } catch {
    return false;
  }
}

function readEc(jwk: JsonObject): KeyPair {
  const crv = member(jwk, 'crv');
  if (crv === undefined) throw vaultError('requiredProperty', 'key.crv');
  if (!isCurveName(crv)) throw vaultError('invalidProperty', 'key.crv');
  const { jwkName, bytes } = curves[crv];
  const [x, y, d] = (['x', 'y', 'd'] as const).map((name) => padded(readNumber(jwk, name), bytes, `key.${name}`));
  if (x === undefined || y === undefined || d === undefined) throw vaultError('invalidEcKey');
  const publicKey = { x: toBase64Url(x), y: toBase64Url(y) };
  const isOwn = publicPointOf(crv, d)?.equals(Buffer.concat([x, y])) ?? false;
  const text = toBase64Url(d);
  zeroBytes(d);
  const key = isOwn ? openJwk({ kty: 'EC', crv: jwkName, ...publicKey, d: text }) : undefined;
  if (key === undefined) throw vaultError('invalidEcKey');
  return { kty: 'EC', crv, ...publicKey, privateKey: pkcs8Of(key) };
}

function openJwk(jwk: JsonWebKey): KeyObject | undefined {
  try {
    return createPrivateKey({ format: 'jwk', key: jwk });
  } catch {
    return undefined;
  }
}

function pkcs8Of(key: KeyObject): Base64Url {
  const der = key.export({ format: 'der', type: 'pkcs8' });
  try {
    return toBase64Url(der);
  } finally {
    zeroBytes(der);
  }
}

/** Big-endian, without zeros in front. */
function readNumber(jwk: JsonObject, name: string): Buffer {
  const text = member(jwk, name);
  if (text === undefined) throw vaultError('requiredProperty', `key.${name}`);
  const bytes = typeof text === 'string' ? decodeBase64(Buffer.from(text, 'latin1')) : undefined;
  if (bytes === undefined) throw vaultError('notBase64Url', `key.${name}`);
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? bytes.subarray(bytes.length) : bytes.subarray(first);
}

function padded(number: Buffer, length: number, property: string): Buffer {
  if (number.length > length) throw vaultError('invalidProperty', property);
  const whole = Buffer.concat([Buffer.alloc(length - number.length), number]);
  zeroBytes(number);
  return whole;
}
