import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { KeyName, KeyVersion } from '../../base/names.ts';
import type { Table } from '../../state/state.ts';
import type { RsaBits } from '../rsa/rsa-keys.ts';

/** A key: its name and which version is the current one. Times of all three records are milliseconds on the Kustody clock. */
export interface KeyRecord {
  readonly format: 1;
  /** As first written; names are compared without case. */
  readonly name: KeyName;
  readonly currentVersion: KeyVersion;
  /** Set while the key is soft-deleted. */
  readonly deleted?: { readonly at: number; readonly purgeAt: number };
}

export const keyOperationNames = ['encrypt', 'decrypt', 'sign', 'verify', 'wrapKey', 'unwrapKey'] as const;
export type KeyOperationName = (typeof keyOperationNames)[number];

/** One version, without its private part. */
export interface KeyVersionRecord {
  readonly format: 1;
  readonly version: KeyVersion;
  readonly kty: 'RSA';
  readonly bits: RsaBits;
  /** Base64url. */
  readonly n: string;
  readonly e: string;
  readonly keyOps: readonly KeyOperationName[];
  readonly enabled: boolean;
  /** Unix seconds. */
  readonly notBefore?: number;
  readonly expires?: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Written once and never changed. A record of its own, so that only private operations ever open it. */
export interface PrivateKeyRecord {
  readonly format: 1;
  /** PKCS #8 DER, base64url. */
  readonly pkcs8: string;
}

export const vaultKeys: Table<KeyRecord> = {
  name: 'vault-keys',
  parse: (value) => {
    const record = formatOne(value, 'key');
    invariant(
      typeof record['name'] === 'string' && typeof record['currentVersion'] === 'string',
      'a key record has a name and a current version',
    );
    return value as unknown as KeyRecord;
  },
};

export const vaultKeyVersions: Table<KeyVersionRecord> = {
  name: 'vault-key-versions',
  parse: (value) => {
    const record = formatOne(value, 'key version');
    invariant(
      record['kty'] === 'RSA' && typeof record['enabled'] === 'boolean' && Array.isArray(record['keyOps']),
      'a key version record has a type, a switch and operations',
    );
    return value as unknown as KeyVersionRecord;
  },
};

export const vaultPrivateKeys: Table<PrivateKeyRecord> = {
  name: 'vault-private-keys',
  parse: (value) => {
    const record = formatOne(value, 'private key');
    invariant(typeof record['pkcs8'] === 'string', 'a private key record has a key');
    return value as unknown as PrivateKeyRecord;
  },
};

function formatOne(value: Json, what: string): JsonObject {
  invariant(isJsonObject(value) && value['format'] === 1, `a ${what} record is of format 1`);
  return value;
}

export const keyRecordId = (vaultId: Guid, name: KeyName): string => `${vaultId}/${name.toLowerCase()}`;

/** Versions and private keys share their ids. */
export const versionRecordId = (vaultId: Guid, name: KeyName, version: KeyVersion): string =>
  `${keyRecordId(vaultId, name)}/${version}`;
