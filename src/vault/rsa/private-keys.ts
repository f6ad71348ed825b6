import { createPrivateKey, webcrypto } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';

/** A private key ready for work. */
export interface RsaPrivateKey {
  readonly kty: 'RSA';
  readonly keyObject: KeyObject;
  readonly modulusBytes: number;
  /** Takes turns among a few handles of the same key: calls on one handle wait for each other. */
  readonly oaepHandle: (hash: 'sha1' | 'sha256') => Promise<webcrypto.CryptoKey>;
}

/** A call that meets another on its handle waits for it on the thread that answers. */
const handlesPerHash = 8;

/** @param der PKCS #8; overwritten */
export function parseRsaPrivateKey(der: Buffer): RsaPrivateKey {
  const keyObject = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  zeroBytes(der);
  const handles = { sha1: takingTurns(keyObject, 'SHA-1'), sha256: takingTurns(keyObject, 'SHA-256') };
  const modulusBits = keyObject.asymmetricKeyDetails?.modulusLength;
  invariant(modulusBits !== undefined && modulusBits % 8 === 0, 'an RSA modulus has whole bytes');
  return { kty: 'RSA', keyObject, modulusBytes: modulusBits / 8, oaepHandle: (hash) => handles[hash]() };
}

function takingTurns(keyObject: KeyObject, hash: string): () => Promise<webcrypto.CryptoKey> {
  const handles: Promise<webcrypto.CryptoKey>[] = [];
  let turn = 0;
  return () => {
    const index = turn;
    turn = (turn + 1) % handlesPerHash;
    return (handles[index] ??= importHandle(keyObject, hash));
  };
}

async function importHandle(keyObject: KeyObject, hash: string): Promise<webcrypto.CryptoKey> {
  const der = keyObject.export({ format: 'der', type: 'pkcs8' });
  try {
    return await webcrypto.subtle.importKey('pkcs8', der, { name: 'RSA-OAEP', hash }, false, ['decrypt']);
  } finally {
    zeroBytes(der);
  }
}
