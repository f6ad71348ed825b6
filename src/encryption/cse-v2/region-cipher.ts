import type { KeyObject } from 'node:crypto';
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { invariant } from '../../base/invariant.ts';
import { nonceBytes, regionOverheadBytes, tagBytes } from './format.ts';

/** The bytes are not what was sealed under this key, at this place. */
export class SealedBytesError extends Error {
  override readonly name = 'SealedBytesError';
  constructor(
    /** Index of the region, or `length` when the blob is too short or too long. */
    readonly region: number | 'length',
  ) {
    super(
      region === 'length'
        ? 'The sealed bytes have the wrong length.'
        : `Region ${region} of the sealed bytes does not open.`,
    );
  }
}

/** Larger outputs of `update` come from fresh pages of memory, which costs more than the cipher. */
const pieceBytes = 256 * 1024;
const algorithm = 'aes-256-gcm';

/** Seals one region.
 * @param target gets nonce, ciphertext and tag; must not overlap `plaintext`
 * @returns the bytes of `target` that were written */
export function sealRegion(dek: KeyObject, index: number, plaintext: Uint8Array, target: Uint8Array): Uint8Array {
  const length = plaintext.byteLength + regionOverheadBytes;
  invariant(plaintext.byteLength > 0, 'a region is not empty');
  invariant(target.byteLength >= length, 'the target has room for a sealed region');
  const nonce = nonceOf(index);
  const cipher = createCipheriv(algorithm, dek, nonce, { authTagLength: tagBytes });
  target.set(nonce);
  for (let done = 0; done < plaintext.byteLength; done += pieceBytes) {
    target.set(cipher.update(plaintext.subarray(done, done + pieceBytes)), nonceBytes + done);
  }
  cipher.final();
  target.set(cipher.getAuthTag(), length - tagBytes);
  return target.subarray(0, length);
}

/** Opens one region in its own buffer, which holds plaintext afterwards; overwritten with zeros if it does not open.
 * @param sealed exactly nonce, ciphertext and tag
 * @returns the plaintext, a part of `sealed`
 * @throws SealedBytesError */
export function openRegion(dek: KeyObject, index: number, sealed: Uint8Array): Uint8Array {
  const end = sealed.byteLength - tagBytes;
  if (end <= nonceBytes) throw new SealedBytesError(index);
  const nonce = nonceOf(index);
  if (!nonce.equals(sealed.subarray(0, nonceBytes))) throw new SealedBytesError(index);
  const decipher = createDecipheriv(algorithm, dek, nonce, { authTagLength: tagBytes });
  decipher.setAuthTag(sealed.subarray(end));
  for (let done = nonceBytes; done < end; done += pieceBytes) {
    sealed.set(decipher.update(sealed.subarray(done, Math.min(done + pieceBytes, end))), done);
  }
  try {
    decipher.final();
  } catch {
    sealed.fill(0);
    throw new SealedBytesError(index);
  }
  return sealed.subarray(nonceBytes, end);
}

/** A DEK seals one blob, once: so the counter never repeats under it. */
function nonceOf(index: number): Buffer {
  const nonce = Buffer.alloc(nonceBytes);
  nonce.writeBigUInt64BE(BigInt(index), nonceBytes - 8);
  return nonce;
}
