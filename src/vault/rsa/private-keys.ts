import { createPrivateKey, webcrypto } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';

/** A private key ready for work. */
export interface RsaPrivateKey {
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
  return { keyObject, modulusBytes: modulusBits / 8, oaepHandle: (hash) => handles[hash]() };
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

export interface PrivateKeyCache {
  /** @param load makes the key when it is not there; called once for calls at the same time */
  get(id: string, load: () => Promise<RsaPrivateKey>): Promise<RsaPrivateKey>;
  forget(idPrefix: string): void;
}

/** Parsed private keys by record id; the key of a record never changes. The least recently used goes first. */
export function createPrivateKeyCache(entriesMax: number): PrivateKeyCache {
  const entries = new Map<string, Promise<RsaPrivateKey>>();
  return {
    get: (id, load) => {
      const entry = entries.get(id) ?? load();
      entries.delete(id);
      entries.set(id, entry);
      entry.catch(() => {
        if (entries.get(id) === entry) entries.delete(id);
      });
      for (const oldest of entries.keys()) {
        if (entries.size <= entriesMax) break;
        entries.delete(oldest);
      }
      return entry;
    },
    forget: (idPrefix) => {
      for (const id of entries.keys()) if (id.startsWith(idPrefix)) entries.delete(id);
    },
  };
}
