import { constants, createHash, createPublicKey, privateEncrypt, publicDecrypt, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { RsaPublicKey } from './rsa-algorithms.ts';

export type SignatureHash = 'sha256' | 'sha384' | 'sha512';

/** One way of making a block as long as the modulus out of a digest, and of knowing it again. */
export interface RsaPadding {
  /** @returns undefined for a digest that does not fit */
  pad(digest: Uint8Array, bits: number): Buffer | undefined;
  /** Whether `block` can have been padded from `digest`. */
  matches(block: Buffer, digest: Uint8Array, bits: number): boolean;
}

/** Node.js hashes before it signs, and the vault is given digests: so the padding is done here and OpenSSL raises to a power.
 * @returns undefined for a digest that does not fit */
export function signPadded(key: KeyObject, padding: RsaPadding, digest: Uint8Array): Buffer | undefined {
  const block = padding.pad(digest, key.asymmetricKeyDetails?.modulusLength ?? 0);
  return block && privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, block);
}

/** @returns false for whatever is no signature of that digest by that key */
export function verifyPadded(
  { n, e }: RsaPublicKey,
  padding: RsaPadding,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = createPublicKey({ format: 'jwk', key: { kty: 'RSA', n, e } });
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (signature.length !== bits / 8) return false;
  let block: Buffer;
  try {
    block = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
  } catch {
    return false; // a number above the modulus
  }
  return padding.matches(block, digest, bits);
}

/** What stands before a digest (RFC 8017, section 9.2, note 1). */
const digestInfos: Readonly<Record<SignatureHash, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};

/** EMSA-PKCS1-v1_5. @param hash none: what is signed says itself what it is
 * @see RFC 8017, section 9.2 */
export function pkcs1Padding(hash?: SignatureHash): RsaPadding {
  const prefix = Buffer.from(hash === undefined ? '' : digestInfos[hash], 'hex');
  const pad = (digest: Uint8Array, bits: number): Buffer | undefined => {
    const filled = bits / 8 - 3 - prefix.length - digest.length;
    if (filled < 8) return undefined;
    return Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(filled, 0xff), Buffer.from([0]), prefix, digest]);
  };
  return { pad, matches: (block, digest, bits) => pad(digest, bits)?.equals(block) ?? false };
}

/** EMSA-PSS with MGF1 over the same hash and a salt as long as it.
 * @see RFC 7518, section 3.5; RFC 8017, section 9.1 */
export function pssPadding(hash: SignatureHash): RsaPadding {
  /** `block` is masked salt, hash of digest and salt, trailer; a digest, a salt and a hash are of one length. */
  const partsOf = (block: Buffer, digest: Uint8Array) => {
    const hashAt = block.length - 1 - digest.length;
    return { masked: block.subarray(0, hashAt), hashed: block.subarray(hashAt, -1) };
  };
  return {
    pad: (digest, bits) => {
      const block = Buffer.alloc(bits / 8);
      const { masked, hashed } = partsOf(block, digest);
      const salt = randomBytes(digest.length);
      digestOf(hash, eightZeros, digest, salt).copy(hashed);
      salt.copy(masked, masked.length - salt.length);
      masked[masked.length - salt.length - 1] = 1;
      applyMask(hash, hashed, masked);
      block[block.length - 1] = trailer;
      return block;
    },
    matches: (block, digest) => {
      const { masked, hashed } = partsOf(block, digest);
      if (block.at(-1) !== trailer || (block[0] ?? 0) >= 0x80) return false;
      applyMask(hash, hashed, masked);
      const saltAt = masked.length - digest.length;
      const salt = masked.subarray(saltAt);
      const isFilled = masked.subarray(0, saltAt - 1).every((byte) => byte === 0) && masked[saltAt - 1] === 1;
      return isFilled && digestOf(hash, eightZeros, digest, salt).equals(hashed);
    },
  };
}

const trailer = 0xbc;
const eightZeros = Buffer.alloc(8);

function digestOf(hash: SignatureHash, ...parts: readonly Uint8Array[]): Buffer {
  const hashing = createHash(hash);
  for (const part of parts) hashing.update(part);
  return hashing.digest();
}

/** MGF1 (RFC 8017, appendix B.2.1), in place. The topmost bit becomes 0: the number must be below the modulus. */
function applyMask(hash: SignatureHash, seed: Uint8Array, target: Buffer): void {
  const counter = Buffer.alloc(4);
  let mask: Uint8Array = Buffer.alloc(0);
  for (let at = 0, count = 0; at < target.length; at++) {
    if (at === count * mask.length) {
      counter.writeUInt32BE(count++);
      mask = digestOf(hash, seed, counter);
    }
    target[at] = (target[at] ?? 0) ^ (mask[at % mask.length] ?? 0);
  }
  target[0] = (target[0] ?? 0) & 0x7f;
}
