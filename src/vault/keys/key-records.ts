import { invariant } from '../../base/invariant.ts';
import type { Table } from '../../state/state.ts';
import type { ObjectRecord, ObjectTables, VersionRecord } from '../objects/object-kind.ts';
import { formatOne, objectTable } from '../objects/object-kind.ts';
import type { RsaBits } from '../rsa/rsa-keys.ts';

/** Times of all records are milliseconds on the Kustody clock. */
export type KeyRecord = ObjectRecord;

export const keyOperationNames = ['encrypt', 'decrypt', 'sign', 'verify', 'wrapKey', 'unwrapKey'] as const;
export type KeyOperationName = (typeof keyOperationNames)[number];

/** One version, without its private part. */
export interface KeyVersionRecord extends VersionRecord {
  readonly kty: 'RSA';
  readonly bits: RsaBits;
  /** Base64url. */
  readonly n: string;
  readonly e: string;
  readonly keyOps: readonly KeyOperationName[];
}

/** Written once and never changed. A record of its own, so that only private operations ever open it. */
export interface PrivateKeyRecord {
  readonly format: 1;
  /** PKCS #8 DER, base64url. */
  readonly pkcs8: string;
}

export const vaultKeys = objectTable<KeyRecord>('vault-keys', 'key');

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

export const keyTables: ObjectTables<KeyVersionRecord> = {
  collection: 'keys',
  objects: vaultKeys,
  versions: vaultKeyVersions,
  material: vaultPrivateKeys,
};
