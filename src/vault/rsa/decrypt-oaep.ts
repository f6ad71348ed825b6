import type { KeyObject } from 'node:crypto';
import { constants, privateDecrypt } from 'node:crypto';
import type { OaepHash } from './decryption-ring.ts';

/** In the thread that asks. @returns undefined for whatever does not decrypt: causes differ, answers must not */
export function decryptOaep(key: KeyObject, oaepHash: OaepHash, ciphertext: Uint8Array): Buffer | undefined {
  try {
    return privateDecrypt({ key, oaepHash, padding: constants.RSA_PKCS1_OAEP_PADDING }, ciphertext);
  } catch {
    return undefined;
  }
}
