import 'reflect-metadata';
import { createHash, webcrypto, X509Certificate } from 'node:crypto';
import { X509CertificateGenerator } from '@peculiar/x509';
import { toBase64Url } from '../../base/base64url.ts';
import { invariant } from '../../base/invariant.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { State, Table, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { recordFields } from '../record-fields.ts';

const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;
const modulusBits = 2048;
/** The newest signs; the one before still verifies. */
const generationsMax = 2;

interface StoredKey {
  /** Thumbprint of the certificate, as `x5t`: base64url of its SHA-1. */
  readonly kid: string;
  /** PKCS #8, base64url. */
  readonly privateKey: string;
  /** DER, base64url. */
  readonly certificate: string;
}

const keysTable: Table<{ readonly format: number; readonly generations: readonly StoredKey[] }> = {
  name: 'entraSigningKeys',
  parse: (value) => ({
    format: 1,
    generations: recordFields(value, 'entraSigningKeys', 1)
      .list('generations')
      .map((item) => {
        const fields = recordFields(item, 'entraSigningKeys (generation)');
        return {
          kid: fields.text('kid'),
          privateKey: toBase64Url(fields.bytes('privateKey')),
          certificate: toBase64Url(fields.bytes('certificate')),
        };
      }),
  }),
};
const keysId = 'keys';

export interface PublicSigningKey {
  readonly kid: string;
  readonly n: string;
  readonly e: string;
  /** DER in base64, as JWKS has it. */
  readonly certificate: string;
  readonly verify: webcrypto.CryptoKey;
}

export interface SigningKeySet {
  /** Changes with every rotation; caches of verified tokens are keyed by it. */
  readonly version: number;
  readonly signing: { readonly kid: string; readonly key: webcrypto.CryptoKey };
  /** Newest first, at most two. */
  readonly published: readonly PublicSigningKey[];
}

/** The RSA keys that tokens are signed with. Made when first needed and kept in the state. */
export interface SigningKeys {
  load(): Promise<SigningKeySet>;
  /** Signs with a new key from now on; tokens of the key before the present one stop working. */
  rotate(): Promise<void>;
}

export interface SigningKeysOptions {
  readonly state: State;
  readonly randomBytes: RandomBytes;
  readonly wallClock: () => Instant;
}

export function openSigningKeys({ state, randomBytes, wallClock }: SigningKeysOptions): SigningKeys {
  let imported: { readonly version: number; readonly keys: Promise<SigningKeySet> } | undefined;

  /** Adds a key before the present ones. Somebody else's new key does as well as ours. */
  async function addGeneration(
    present: Versioned<{ readonly generations: readonly StoredKey[] }> | undefined,
  ): Promise<void> {
    const made = await generateKey(randomBytes, wallClock());
    const generations = [made, ...(present?.value.generations ?? [])].slice(0, generationsMax);
    try {
      await state.commit({
        write: [writeRecord(keysTable, keysId, present?.version ?? null, { format: 1, generations })],
      });
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error;
    }
  }

  async function stored(): Promise<Versioned<{ readonly generations: readonly StoredKey[] }>> {
    const present = await state.get(keysTable, keysId);
    if (present !== undefined) return present;
    await addGeneration(undefined);
    const made = await state.get(keysTable, keysId);
    invariant(made !== undefined, 'signing keys exist once they are made');
    return made;
  }

  return {
    async load() {
      const { version, value } = await stored();
      if (imported?.version !== version) imported = { version, keys: importKeys(version, value.generations) };
      return imported.keys;
    },
    async rotate() {
      await addGeneration(await stored());
    },
  };
}

async function generateKey(randomBytes: RandomBytes, now: Instant): Promise<StoredKey> {
  const keys = await webcrypto.subtle.generateKey(
    { ...algorithm, modulusLength: modulusBits, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ['sign', 'verify'],
  );
  const serial = Buffer.from(randomBytes(16));
  serial[0] = (serial[0] ?? 0) & 0x7f; // a serial number is positive
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serial.toString('hex'),
      name: 'CN=accounts.accesscontrol.windows.net',
      notBefore: new Date(now),
      notAfter: new Date(now + 5 * 365 * 86_400_000),
      signingAlgorithm: algorithm,
      keys,
    },
    webcrypto,
  );
  const der = Buffer.from(certificate.rawData);
  return {
    kid: createHash('sha1').update(der).digest('base64url'),
    privateKey: toBase64Url(new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))),
    certificate: toBase64Url(der),
  };
}

async function importKeys(version: number, generations: readonly StoredKey[]): Promise<SigningKeySet> {
  const newest = generations[0];
  invariant(newest !== undefined, 'there is a signing key');
  const key = await webcrypto.subtle.importKey('pkcs8', Buffer.from(newest.privateKey, 'base64url'), algorithm, false, [
    'sign',
  ]);
  return { version, signing: { kid: newest.kid, key }, published: await Promise.all(generations.map(importPublic)) };
}

async function importPublic(stored: StoredKey): Promise<PublicSigningKey> {
  const der = Buffer.from(stored.certificate, 'base64url');
  const { publicKey } = new X509Certificate(der);
  const { n, e } = publicKey.export({ format: 'jwk' });
  invariant(n !== undefined && e !== undefined, 'an RSA key has a modulus and an exponent');
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const verify = await webcrypto.subtle.importKey('spki', spki, algorithm, false, ['verify']);
  return { kid: stored.kid, n, e, certificate: der.toString('base64'), verify };
}
