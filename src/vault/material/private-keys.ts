import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { zeroBytes } from '../../base/bytes.ts';
import type { Soon } from '../../base/soon.ts';
import type { RsaPrivateKey } from '../rsa/private-keys.ts';
import { parseRsaPrivateKey } from '../rsa/private-keys.ts';
import type { RsaThreads } from '../rsa/rsa-threads.ts';
import type { KeyPair } from './key-pairs.ts';

/** A private key ready for work. */
export type PrivateKey = RsaPrivateKey | EcPrivateKey;

interface EcPrivateKey {
  readonly kty: 'EC';
  readonly keyObject: KeyObject;
}

/** @param der PKCS #8; overwritten */
export function parsePrivateKey(kty: KeyPair['kty'], der: Buffer, threads: RsaThreads): PrivateKey {
  if (kty === 'RSA') return parseRsaPrivateKey(der, threads);
  const keyObject = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  zeroBytes(der);
  return { kty, keyObject };
}

export interface PrivateKeyCache {
  /** @param load makes the key when it is not there; called once for calls at the same time */
  get(id: string, load: () => Promise<PrivateKey>): Soon<PrivateKey>;
  forget(idPrefix: string): void;
}

/** Parsed private keys by record id; the key of a record never changes. The least recently used goes first.
 * @param forgotten told when one was there that is to be forgotten */
export function createPrivateKeyCache(entriesMax: number, forgotten: () => void = () => undefined): PrivateKeyCache {
  const entries = new Map<string, Soon<PrivateKey>>();
  let usedLast: string | undefined;
  const begin = (id: string, loading: Promise<PrivateKey>): Promise<PrivateKey> => {
    const isAsked = (): boolean => entries.get(id) === loading;
    loading.then(
      (key) => {
        if (isAsked()) entries.set(id, key);
      },
      () => {
        if (isAsked()) entries.delete(id);
      },
    );
    return loading;
  };
  return {
    get: (id, load) => {
      const known = entries.get(id);
      if (known !== undefined && id === usedLast) return known;
      const entry = known ?? begin(id, load());
      entries.delete(id);
      entries.set(id, entry);
      usedLast = id;
      for (const oldest of entries.keys()) {
        if (entries.size <= entriesMax) break;
        entries.delete(oldest);
      }
      return entry;
    },
    forget: (idPrefix) => {
      const ids = [...entries.keys()].filter((id) => id.startsWith(idPrefix));
      for (const id of ids) entries.delete(id);
      if (ids.length > 0) forgotten();
    },
  };
}
