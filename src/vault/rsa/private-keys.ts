import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import type { OaepHash } from './decryption-ring.ts';
import type { RsaThreads } from './rsa-threads.ts';

/** A private key ready for work. */
export interface RsaPrivateKey {
  readonly kty: 'RSA';
  readonly keyObject: KeyObject;
  readonly modulusBytes: number;
  /** Beside the thread that answers, unless it is the only one. @returns undefined for whatever does not decrypt */
  readonly decryptOaep: (hash: OaepHash, ciphertext: Uint8Array) => Promise<Buffer | undefined>;
}

/** @param der PKCS #8; overwritten */
export function parseRsaPrivateKey(der: Buffer, threads: RsaThreads): RsaPrivateKey {
  const keyObject = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  zeroBytes(der);
  const modulusBits = keyObject.asymmetricKeyDetails?.modulusLength;
  invariant(modulusBits !== undefined && modulusBits % 8 === 0, 'an RSA modulus has whole bytes');
  return {
    kty: 'RSA',
    keyObject,
    modulusBytes: modulusBits / 8,
    decryptOaep: (hash, ciphertext) => threads.decrypt(keyObject, hash, ciphertext),
  };
}
