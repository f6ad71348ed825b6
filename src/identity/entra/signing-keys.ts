import 'reflect-metadata';
import { createHash, createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { X509CertificateGenerator } from '@peculiar/x509';
import { toBase64Url } from '../../base/base64url.ts';
import { zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import type { Soon } from '../../base/soon.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { State, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import type { StoredKey, StoredKeys } from './signing-key-records.ts';
import { privateKeyTable, signingKeysId, signingKeysTable } from './signing-key-records.ts';

const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;
const modulusBits = 2048;
/** The newest signs; the one before still verifies. */
const generationsMax = 2;

interface PublicSigningKey {
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
  readonly signing: { readonly kid: string; readonly key: KeyObject };
  /** Newest first, at most two. */
  readonly published: readonly PublicSigningKey[];
}

/** The RSA keys that tokens are signed with. Made when first needed and kept in the state. */
export interface SigningKeys {
  load(): Soon<SigningKeySet>;
  /** Signs with a new key from now on; tokens of the key before the present one stop working. */
  rotate(): Promise<void>;
}

export interface SigningKeysOptions {
  readonly state: State;
  readonly randomBytes: RandomBytes;
  readonly wallClock: () => Instant;
  readonly makeKeys?: MakeSigningKeys;
}

/** RSA of 2048 bits for RS256, extractable. */
export type MakeSigningKeys = () => Promise<webcrypto.CryptoKeyPair>;

export function openSigningKeys(options: SigningKeysOptions): SigningKeys {
  const { state, randomBytes, wallClock, makeKeys = generatedKeys } = options;
  let imported: SigningKeySet | undefined;
  /** `State.markOfAll` when the record was last read. */
  let readAt: object | undefined;

  /** Adds a key before the present ones and destroys the private half of the last, in one commit. Somebody else's new key
   * does as well as ours. */
  async function addGeneration(present: Versioned<StoredKeys> | undefined): Promise<void> {
    const { privateKey, ...made } = await certified(await makeKeys(), randomBytes, wallClock());
    const before = present?.value.generations ?? [];
    const generations = [made, ...before].slice(0, generationsMax);
    const write = [
      writeRecord(signingKeysTable, signingKeysId, present?.version ?? null, { format: 1, generations }),
      writeRecord(privateKeyTable, made.kid, null, { format: 1, privateKey }),
    ];
    const last = before[0] && (await state.get(privateKeyTable, before[0].kid));
    if (last !== undefined) write.push(writeRecord(privateKeyTable, last.id, last.version, null));
    try {
      await state.commit({ write });
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error;
    }
  }

  const load = (): Soon<SigningKeySet> =>
    imported !== undefined && readAt !== undefined && readAt === state.markOfAll?.() ? imported : read();

  async function read(): Promise<SigningKeySet> {
    for (;;) {
      const now = state.markOfAll?.();
      const present = await state.get(signingKeysTable, signingKeysId);
      readAt = undefined;
      if (present !== undefined && imported?.version === present.version) {
        readAt = now;
        return imported;
      }
      const newest = present?.value.generations[0];
      const secret = newest && (await state.get(privateKeyTable, newest.kid));
      if (present === undefined) await addGeneration(undefined);
      else if (secret !== undefined) imported = await importKeys(present, secret.value.privateKey);
      // else: rotated between the two reads
    }
  }

  return {
    load,
    async rotate() {
      await load();
      await addGeneration(await state.get(signingKeysTable, signingKeysId));
    },
  };
}

const generatedKeys: MakeSigningKeys = () =>
  webcrypto.subtle.generateKey(
    { ...algorithm, modulusLength: modulusBits, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ['sign', 'verify'],
  );

async function certified(
  keys: webcrypto.CryptoKeyPair,
  randomBytes: RandomBytes,
  now: Instant,
): Promise<StoredKey & { readonly privateKey: string }> {
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

async function importKeys({ version, value }: Versioned<StoredKeys>, privateKey: string): Promise<SigningKeySet> {
  const pkcs8 = Buffer.from(privateKey, 'base64url');
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  zeroBytes(pkcs8);
  const published = await Promise.all(value.generations.map(importPublic));
  invariant(published[0] !== undefined, 'there is a signing key');
  return { version, signing: { kid: published[0].kid, key }, published };
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
