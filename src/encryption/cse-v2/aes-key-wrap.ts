import { createCipheriv, createDecipheriv } from 'node:crypto';
import { invariant } from '../../base/invariant.ts';

/** A wrapped key that this key does not unwrap: wrong key, or changed bytes. */
export class KeyUnwrapError extends Error {
  override readonly name = 'KeyUnwrapError';
  constructor() {
    super('The wrapped key does not unwrap with this key.');
  }
}

const algorithm = 'id-aes256-wrap';
/** The initial value that unwrapping checks (RFC 3394, 2.2.3.1). */
const initialValue = Buffer.alloc(8, 0xa6);

/** AES-256 Key Wrap (RFC 3394; `A256KW` in RFC 7518). Deterministic: the same key under the same key gives the same bytes.
 * @param wrappingKey 32 bytes
 * @param key 16 bytes or more, a multiple of 8
 * @returns 8 bytes more than `key` */
export function wrapKeyA256(wrappingKey: Uint8Array, key: Uint8Array): Buffer {
  invariant(wrappingKey.byteLength === 32, 'a wrapping key is 256 bits');
  invariant(key.byteLength >= 16 && key.byteLength % 8 === 0, 'a wrapped key has two or more whole blocks of 64 bits');
  const cipher = createCipheriv(algorithm, wrappingKey, initialValue);
  return Buffer.concat([cipher.update(key), cipher.final()]);
}

/** @throws KeyUnwrapError */
export function unwrapKeyA256(wrappingKey: Uint8Array, wrapped: Uint8Array): Buffer {
  invariant(wrappingKey.byteLength === 32, 'a wrapping key is 256 bits');
  if (wrapped.byteLength < 24 || wrapped.byteLength % 8 !== 0) throw new KeyUnwrapError();
  const decipher = createDecipheriv(algorithm, wrappingKey, initialValue);
  try {
    return Buffer.concat([decipher.update(wrapped), decipher.final()]);
  } catch {
    throw new KeyUnwrapError();
  }
}
