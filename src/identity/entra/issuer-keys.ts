import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { BoundedCache } from '../../base/bounded-cache.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { ReadJson } from '../../http/outward-json.ts';
import { OutwardError } from '../../http/outward-json.ts';
import { entraError } from './entra-error.ts';

/** The keys of issuers elsewhere, as their OpenID Connect metadata say. */
export interface IssuerKeys {
  /** @returns undefined when the issuer has no such key. @throws EntraError 50166 when its keys cannot be read */
  find(issuer: string, keyId: string): Promise<KeyObject | undefined>;
}

const issuersMax = 100;
const keysMax = 100;
/** At one time: each waits for a foreign host. */
const readsMax = 8;
const freshMs = 3_600_000;
/** Before an unknown key, or an issuer that did not answer, is asked for again. */
const askAgainMs = 30_000;

type Keys = ReadonlyMap<string, KeyObject>;

interface Known {
  readonly keys: Keys | OutwardError;
  readonly readAt: number;
}

export function openIssuerKeys(readJson: ReadJson, monotonicMs: () => number): IssuerKeys {
  const known = new BoundedCache<Known>({ countMax: issuersMax });
  const reading = new Map<string, Promise<Known>>();

  const read = (issuer: string): Promise<Known> => {
    const present = reading.get(issuer);
    if (present !== undefined) return present;
    if (reading.size >= readsMax) throw entraError('IssuerUnreachable');
    const promise = readKeys(readJson, issuer)
      .catch((error: unknown) => {
        if (error instanceof OutwardError) return error;
        throw error;
      })
      .then((keys) => {
        const fresh = { keys, readAt: monotonicMs() };
        known.set(issuer, fresh);
        return fresh;
      })
      .finally(() => reading.delete(issuer));
    reading.set(issuer, promise);
    return promise;
  };

  return {
    async find(issuer, keyId) {
      const kept = known.get(issuer);
      const age = kept === undefined ? Infinity : monotonicMs() - kept.readAt;
      const has = kept !== undefined && !(kept.keys instanceof OutwardError) && kept.keys.has(keyId);
      const { keys } = kept !== undefined && age < (has ? freshMs : askAgainMs) ? kept : await read(issuer);
      if (!(keys instanceof OutwardError)) return keys.get(keyId);
      throw keys.reason === 'notAllowed' ? entraError('IssuerNotAllowed', keys.host) : entraError('IssuerUnreachable');
    },
  };
}

/** OpenID Connect Discovery 1.0, section 4: the document has to name the very issuer that it was asked for. */
async function readKeys(readJson: ReadJson, issuer: string): Promise<Keys> {
  const metadata = await readJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const unusable = (why: string): OutwardError => new OutwardError('failed', '', why);
  if (!isJsonObject(metadata) || metadata['issuer'] !== issuer) throw unusable('Its metadata name another issuer.');
  const set = await readJson(textMember(metadata, 'jwks_uri'));
  const keys = isJsonObject(set) ? set['keys'] : undefined;
  if (!Array.isArray(keys) || keys.length > keysMax) throw unusable('Its keys are no key set.');
  return new Map((keys as readonly unknown[]).flatMap(readKey));
}

/** RSA alone, as RS256 needs it; keys of other kinds are other programs' business. */
function readKey(key: unknown): readonly (readonly [string, KeyObject])[] {
  if (!isJsonObject(key)) return [];
  const { kid, kty, n, e, use = 'sig' } = key;
  if (typeof kid !== 'string' || typeof n !== 'string' || typeof e !== 'string') return [];
  if (kty !== 'RSA' || use !== 'sig') return [];
  try {
    const found = createPublicKey({ key: { kty, n, e }, format: 'jwk' });
    return (found.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048 ? [[kid, found]] : [];
  } catch {
    return [];
  }
}
