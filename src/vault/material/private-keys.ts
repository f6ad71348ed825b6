import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { zeroBytes } from '../../base/bytes.ts';
import type { RsaPrivateKey } from '../rsa/private-keys.ts';
import { parseRsaPrivateKey } from '../rsa/private-keys.ts';
import type { KeyPair } from './key-pairs.ts';

/** A private key ready for work. */
export type PrivateKey = RsaPrivateKey | EcPrivateKey;

interface EcPrivateKey {
  readonly kty: 'EC';
  readonly keyObject: KeyObject;
}

/** @param der PKCS #8; overwritten */
export function parsePrivateKey(kty: KeyPair['kty'], der: Buffer): PrivateKey {
  if (kty === 'RSA') return parseRsaPrivateKey(der);
  const keyObject = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  zeroBytes(der);
  return { kty, keyObject };
}

export interface PrivateKeyCache {
  /** @param load makes the key when it is not there; called once for calls at the same time */
  get(id: string, load: () => Promise<PrivateKey>): Promise<PrivateKey>;
  forget(idPrefix: string): void;
}

/** Parsed private keys by record id; the key of a record never changes. The least recently used goes first. */
export function createPrivateKeyCache(entriesMax: number): PrivateKeyCache {
  const entries = new Map<string, Promise<PrivateKey>>();
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
