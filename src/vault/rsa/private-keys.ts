import { createPrivateKey, webcrypto } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { zeroBytes } from '../../base/bytes.ts';
import { FewAtOnce } from '../../base/few-at-once.ts';
import { invariant } from '../../base/invariant.ts';

/** A private key ready for work. */
export interface RsaPrivateKey {
  readonly kty: 'RSA';
  readonly keyObject: KeyObject;
  readonly modulusBytes: number;
  /** Off the main thread. Rejects for whatever does not decrypt. */
  readonly decryptOaep: (hash: 'sha1' | 'sha256', ciphertext: Uint8Array) => Promise<ArrayBuffer>;
}

/** Of all keys. What processors there are do no more if more is begun, but then the thread that answers is one among all that compute,
 * and whoever makes the state durable waits behind them for a thread of the pool. One more than processors: none is idle between two. */
export const decryptions = new FewAtOnce(availableParallelism() + 1);

/** @param der PKCS #8; overwritten */
export function parseRsaPrivateKey(der: Buffer): RsaPrivateKey {
  const keyObject = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  zeroBytes(der);
  const decrypt = { sha1: decryptorOf(keyObject, 'SHA-1'), sha256: decryptorOf(keyObject, 'SHA-256') };
  const modulusBits = keyObject.asymmetricKeyDetails?.modulusLength;
  invariant(modulusBits !== undefined && modulusBits % 8 === 0, 'an RSA modulus has whole bytes');
  return {
    kty: 'RSA',
    keyObject,
    modulusBytes: modulusBits / 8,
    decryptOaep: (hash, ciphertext) => decrypt[hash](ciphertext),
  };
}

/** Calls on one handle of a key wait for each other, so each that is under way has one to itself. */
function decryptorOf(keyObject: KeyObject, hash: string): (ciphertext: Uint8Array) => Promise<ArrayBuffer> {
  const idle: webcrypto.CryptoKey[] = [];
  return (ciphertext) =>
    decryptions.run(async () => {
      const handle = idle.pop() ?? (await importHandle(keyObject, hash));
      try {
        return await webcrypto.subtle.decrypt('RSA-OAEP', handle, ciphertext);
      } finally {
        idle.push(handle);
      }
    });
}

async function importHandle(keyObject: KeyObject, hash: string): Promise<webcrypto.CryptoKey> {
  const der = keyObject.export({ format: 'der', type: 'pkcs8' });
  try {
    return await webcrypto.subtle.importKey('pkcs8', der, { name: 'RSA-OAEP', hash }, false, ['decrypt']);
  } finally {
    zeroBytes(der);
  }
}
