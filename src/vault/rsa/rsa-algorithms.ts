import { constants, createPublicKey, privateDecrypt, publicEncrypt } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { OaepHash } from './decryption-ring.ts';
import type { RsaBits } from './rsa-keys.ts';
import type { RsaPrivateKey } from './private-keys.ts';
import { unpadPkcs1 } from './pkcs1-unpadding.ts';

export interface RsaPublicKey {
  /** Base64url, as in a JWK. */
  readonly n: string;
  readonly e: string;
}

export interface EncryptionAlgorithm {
  /** Bytes of the modulus that padding takes. */
  readonly overhead: number;
  readonly encrypt: (key: KeyObject, plaintext: Buffer) => Buffer;
  readonly decrypt: (key: RsaPrivateKey, ciphertext: Buffer) => Promise<Buffer | undefined>;
}

/** The algorithms of wrapkey, unwrapkey, encrypt and decrypt. OAEP has an empty label, and its mask uses the same hash.
 * @see RFC 7518, sections 4.2 and 4.3; RFC 8017, section 7 */
export const encryptionAlgorithms: ReadonlyMap<string, EncryptionAlgorithm> = new Map([
  ['RSA-OAEP', { overhead: 42, encrypt: oaepEncrypt('sha1'), decrypt: oaepDecrypt('sha1') }],
  ['RSA-OAEP-256', { overhead: 66, encrypt: oaepEncrypt('sha256'), decrypt: oaepDecrypt('sha256') }],
  ['RSA1_5', { overhead: 11, encrypt: pkcs1Encrypt, decrypt: pkcs1Decrypt }],
]);

export const plaintextBytesMax = (algorithm: EncryptionAlgorithm, bits: RsaBits): number =>
  bits / 8 - algorithm.overhead;

/** @param plaintext at most `plaintextBytesMax` bytes; the caller overwrites it */
export function encryptFor(publicKey: RsaPublicKey, algorithm: EncryptionAlgorithm, plaintext: Buffer): Buffer {
  const key = createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: publicKey.n, e: publicKey.e } });
  return algorithm.encrypt(key, plaintext);
}

/** Takes a ciphertext of exactly the modulus' length (RFC 8017, sections 7.1.2 and 7.2.2, step 1); OpenSSL would take shorter ones.
 * @returns the plaintext, which the caller overwrites, or undefined: whatever is wrong, and only after the RSA operation */
export function decryptFor(
  key: RsaPrivateKey,
  algorithm: EncryptionAlgorithm,
  ciphertext: Buffer,
): Promise<Buffer | undefined> {
  if (ciphertext.length === key.modulusBytes) return algorithm.decrypt(key, ciphertext);
  return algorithm.decrypt(key, standIn(key.modulusBytes)).then(() => undefined);
}

/** Something to work on. */
const standIn = (length: number): Buffer => Buffer.alloc(length, 1);

function oaepEncrypt(oaepHash: OaepHash): EncryptionAlgorithm['encrypt'] {
  return (key, plaintext) => publicEncrypt({ key, oaepHash, padding: constants.RSA_PKCS1_OAEP_PADDING }, plaintext);
}

function oaepDecrypt(hash: OaepHash): EncryptionAlgorithm['decrypt'] {
  return (key, ciphertext) => key.decryptOaep(hash, ciphertext);
}

function pkcs1Encrypt(key: KeyObject, plaintext: Buffer): Buffer {
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, plaintext);
}

function pkcs1Decrypt(key: RsaPrivateKey, ciphertext: Buffer): Promise<Buffer | undefined> {
  let block: Buffer;
  try {
    block = privateDecrypt({ key: key.keyObject, padding: constants.RSA_NO_PADDING }, ciphertext);
  } catch {
    return Promise.resolve(undefined); // wrong length, or a number above the modulus
  }
  return Promise.resolve(unpadPkcs1(block));
}
