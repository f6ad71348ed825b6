import { createECDH, createHash, createPublicKey, randomFillSync, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import { secretBuffer } from '../base64url-bytes.ts';
import { inverse, modulo, toBigInt, toBytes } from './big-numbers.ts';
import type { Curve, CurveName } from './curves.ts';
import { curves } from './curves.ts';
import type { ScalarArithmetic, SecretScalar } from './secret-scalars.ts';
import { createScalarArithmetic } from './secret-scalars.ts';

/** Node.js hashes before it signs, and the vault is given digests. So points are multiplied by OpenSSL, and what is left of ECDSA,
 * arithmetic modulo the order, is done here.
 * @see FIPS 186-5, section 6.4 */

export interface EcPublicKey {
  readonly crv: CurveName;
  /** Base64url, of full length. */
  readonly x: string;
  readonly y: string;
}

const arithmetics = new Map<CurveName, ScalarArithmetic>();

function arithmeticOf(crv: CurveName): ScalarArithmetic {
  const known = arithmetics.get(crv) ?? createScalarArithmetic(curves[crv].order);
  arithmetics.set(crv, known);
  return known;
}

/** @param digest as long as the hash that belongs to the curve, and no longer than its order
 * @returns r and s, each of full length (RFC 7518, section 3.4) */
export function signDigest(crv: CurveName, key: KeyObject, digest: Uint8Array): Buffer {
  const curve = curves[crv];
  const { times, plus, read, reveal } = arithmeticOf(crv);
  const secrets: SecretScalar[] = [];
  const kept = (scalar: SecretScalar): SecretScalar => {
    secrets.push(scalar);
    return scalar;
  };
  const own = privateScalarOf(key, curve);
  try {
    const d = kept(read(own));
    for (;;) {
      const nonce = newPair(curve);
      const blinding = randomScalar(curve);
      try {
        const r = modulo(toBigInt(nonce.x), curve.order);
        const k = kept(read(nonce.scalar));
        const b = kept(read(blinding));
        const e = read(toBytes(modulo(toBigInt(digest), curve.order), curve.bytes));
        const product = kept(times(read(toBytes(r, curve.bytes)), d));
        // b hides what nobody may see from whoever finds a bigint: s = (e + r·d) / k = b · (e + r·d) / (b · k)
        const numerator = reveal(kept(times(b, kept(plus(e, product)))));
        const denominator = reveal(kept(times(b, k)));
        const s = modulo(numerator * inverse(denominator, curve.order), curve.order);
        if (r !== 0n && s !== 0n) return Buffer.concat([toBytes(r, curve.bytes), toBytes(s, curve.bytes)]);
      } finally {
        zeroBytes(nonce.scalar);
        zeroBytes(blinding);
      }
    }
  } finally {
    zeroBytes(own);
    for (const scalar of secrets) scalar.fill(0);
  }
}

/** By the length of a digest in bytes. */
const hashes: ReadonlyMap<number, string> = new Map([
  [32, 'sha256'],
  [48, 'sha384'],
  [64, 'sha512'],
]);

/** A signature (r, s) of digest e by key Q is one of digest f by key Q + (e - f)/r · G: both make the same point. With f the hash of a
 * text of our own, OpenSSL checks all of it.
 * @param digest 32, 48 or 64 bytes
 * @returns false for whatever is no signature of that digest by that key */
export function verifyDigest(publicKey: EcPublicKey, digest: Uint8Array, signature: Uint8Array): boolean {
  const curve = curves[publicKey.crv];
  const hash = hashes.get(digest.length);
  invariant(hash !== undefined, 'a digest has 32, 48 or 64 bytes');
  if (signature.length !== 2 * curve.bytes) return false;
  const r = toBigInt(signature.subarray(0, curve.bytes));
  if (r === 0n || r >= curve.order) return false;
  const own: Point = { x: fromText(publicKey.x), y: fromText(publicKey.y) };
  for (const text of ['one text', 'another, for when the keys of the first have no sum']) {
    const other = toBigInt(createHash(hash).update(text).digest());
    const factor = modulo((toBigInt(digest) - other) * inverse(r, curve.order), curve.order);
    const moved = factor === 0n ? own : sum(curve, own, baseTimes(curve, factor));
    if (moved === undefined) continue;
    return verify(hash, Buffer.from(text), { key: keyAt(curve, moved), dsaEncoding: 'ieee-p1363' }, signature);
  }
  return false;
}

/** @param scalar big-endian
 * @returns x and y side by side, or undefined for a number that is no private key of the curve */
export function publicPointOf(crv: CurveName, scalar: Buffer): Buffer | undefined {
  const pair = createECDH(curves[crv].ecdhName);
  try {
    pair.setPrivateKey(scalar);
    return pair.getPublicKey().subarray(1);
  } catch {
    return undefined;
  }
}

interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

const fromText = (base64Url: string): bigint => toBigInt(Buffer.from(base64Url, 'base64url'));

/** @returns undefined for equal and opposite points, whose sum is another formula's */
function sum({ prime }: Curve, left: Point, right: Point): Point | undefined {
  if (left.x === right.x) return undefined;
  const slope = modulo((right.y - left.y) * inverse(right.x - left.x, prime), prime);
  const x = modulo(slope * slope - left.x - right.x, prime);
  return { x, y: modulo(slope * (left.x - x) - left.y, prime) };
}

function baseTimes(curve: Curve, factor: bigint): Point {
  const pair = createECDH(curve.ecdhName);
  pair.setPrivateKey(toBytes(factor, curve.bytes));
  const { x, y } = coordinates(pair.getPublicKey(), curve);
  return { x: toBigInt(x), y: toBigInt(y) };
}

function keyAt({ jwkName, bytes }: Curve, { x, y }: Point): KeyObject {
  const [xText, yText] = [toBytes(x, bytes).toString('base64url'), toBytes(y, bytes).toString('base64url')];
  return createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: jwkName, x: xText, y: yText } });
}

/** @param point uncompressed, as in SEC 1, section 2.3.3 */
const coordinates = (point: Buffer, { bytes }: Curve): { readonly x: Buffer; readonly y: Buffer } => ({
  x: point.subarray(1, 1 + bytes),
  y: point.subarray(1 + bytes),
});

/** A random number from 1 to the order less 1, and the x of that many times the base point. */
function newPair(curve: Curve): { readonly scalar: Buffer; readonly x: Buffer } {
  const pair = createECDH(curve.ecdhName);
  const { x } = coordinates(pair.generateKeys(), curve);
  return { scalar: pair.getPrivateKey(), x };
}

/** Any number from 1 to the order less 1, as likely as any other. */
function randomScalar({ bytes, order }: Curve): Buffer {
  const scalar = secretBuffer(bytes);
  const limit = toBytes(order, bytes);
  const topBits = 2 ** (32 - Math.clz32(limit[0] ?? 0)) - 1;
  do {
    randomFillSync(scalar);
    scalar[0] = (scalar[0] ?? 0) & topBits;
  } while (scalar.compare(limit) >= 0 || scalar.every((byte) => byte === 0));
  return scalar;
}

/** The private number in an ECPrivateKey of SEC 1, appendix C.4: a sequence of version 1, an octet string and optional parts. */
function privateScalarOf(key: KeyObject, { bytes }: Curve): Buffer {
  const der = key.export({ format: 'der', type: 'sec1' });
  const version = der.indexOf(Buffer.from([0x02, 0x01, 0x01, 0x04]));
  invariant(version >= 2 && version <= 4 && der[version + 4] === bytes, 'a private key is of full length');
  const scalar = secretBuffer(bytes);
  der.copy(scalar, 0, version + 5, version + 5 + bytes);
  zeroBytes(der);
  return scalar;
}
