import { invariant } from '../../base/invariant.ts';
import type { Table } from '../../state/state.ts';
import type { ObjectTables, VersionRecord } from '../objects/object-kind.ts';
import { formatOne, objectTable } from '../objects/object-kind.ts';

/** One version, without its value. */
export interface SecretVersionRecord extends VersionRecord {
  readonly contentType?: string;
}

/** Written once and never changed. A record of its own, so that nothing but what shows the value ever opens it. */
export interface SecretValueRecord {
  readonly format: 1;
  readonly value: string;
}

export const vaultSecrets = objectTable('vault-secrets', 'secret');

export const vaultSecretVersions: Table<SecretVersionRecord> = {
  name: 'vault-secret-versions',
  parse: (value) => {
    const record = formatOne(value, 'secret version');
    invariant(typeof record['enabled'] === 'boolean', 'a secret version record has a switch');
    return value as unknown as SecretVersionRecord;
  },
};

export const vaultSecretValues: Table<SecretValueRecord> = {
  name: 'vault-secret-values',
  parse: (value) => {
    const record = formatOne(value, 'secret value');
    invariant(typeof record['value'] === 'string', 'a secret value record has a value');
    return value as unknown as SecretValueRecord;
  },
};

export const secretTables: ObjectTables<SecretVersionRecord> = {
  collection: 'secrets',
  objects: vaultSecrets,
  versions: vaultSecretVersions,
  material: vaultSecretValues,
};
