import { invariant } from '../../base/invariant.ts';
import type { KeyVersion, VaultName } from '../../base/names.ts';
import type { Table } from '../../state/state.ts';
import type { ObjectRecord, ObjectTables, VersionRecord } from '../objects/object-kind.ts';
import { formatOne, objectTable } from '../objects/object-kind.ts';
import type { CurveName } from '../ec/curves.ts';
import type { RsaBits } from '../rsa/rsa-keys.ts';
import { vaultError } from '../vault-error.ts';

/** Times of all records are milliseconds on the Kustody clock. */
export interface KeyRecord extends ObjectRecord {
  readonly rotationPolicy?: RotationPolicy;
}

/** Times are ISO 8601 durations in years, months, weeks and days. */
export interface RotationPolicy {
  /** Whose key it is: a vault that is deleted rotates nothing. */
  readonly vaultName: VaultName;
  readonly rotate?: { readonly trigger: 'timeAfterCreate' | 'timeBeforeExpiry'; readonly time: string };
  readonly notifyBeforeExpiry: string;
  /** Of new versions. */
  readonly expiryTime?: string;
  /** Of which version it has been said that it expires soon, and when. */
  readonly noticed?: { readonly version: KeyVersion; readonly expires?: number };
  readonly createdAt: number;
  readonly updatedAt: number;
}

export const keyOperationNames = ['encrypt', 'decrypt', 'sign', 'verify', 'wrapKey', 'unwrapKey'] as const;
/** `import` is of keys that other keys are brought in under (BYOK), and of nothing besides. */
export type KeyOperationName = (typeof keyOperationNames)[number] | 'import';

/** Numbers are base64url. */
export type PublicKey =
  | { readonly kty: 'RSA'; readonly bits: RsaBits; readonly n: string; readonly e: string }
  | { readonly kty: 'EC'; readonly crv: CurveName; readonly x: string; readonly y: string };

/** One version, without its private part. */
export type KeyVersionRecord = PublicKey & KeyVersionProperties;

/** To whom a key may be released, by what is attested of them. */
export interface ReleasePolicy {
  readonly contentType: string;
  /** JSON, base64url. */
  readonly data: string;
  readonly immutable: boolean;
}

export interface KeyRelease {
  readonly exportable?: true;
  readonly releasePolicy?: ReleasePolicy;
}

interface KeyVersionProperties extends VersionRecord, KeyRelease {
  /** Asked for as a key of an HSM, which there is none of here. */
  readonly hsm?: true;
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
      (record['kty'] === 'RSA' || record['kty'] === 'EC') &&
        typeof record['enabled'] === 'boolean' &&
        Array.isArray(record['keyOps']),
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

export const keyTables: ObjectTables<KeyVersionRecord, KeyRecord> = {
  collection: 'keys',
  objects: vaultKeys,
  versions: vaultKeyVersions,
  material: vaultPrivateKeys,
  inVault: (key, versions, { name, sku }) => {
    if (sku !== 'premium' && versions.some(({ hsm }) => hsm)) throw vaultError('hsmNeedsPremium');
    const { rotationPolicy } = key;
    return rotationPolicy === undefined ? key : { ...key, rotationPolicy: { ...rotationPolicy, vaultName: name } };
  },
};
