import type { JsonObject } from '../../base/json.ts';
import { attributesOf, idOf, tagsOf } from '../objects/object-answers.ts';
import type { Found, ObjectKind } from '../objects/object-kind.ts';
import type { VaultSettings } from '../vault-directory.ts';
import type { KeyVersionRecord } from './key-records.ts';
import { keyTables } from './key-records.ts';

/** Keys among the kinds of objects. */
export const keyKind: ObjectKind<KeyVersionRecord> = {
  ...keyTables,
  errors: { notFound: 'keyNotFound', deletedNotFound: 'deletedKeyNotFound', isDeleted: 'keyIsDeleted' },
  bundle: keyBundle,
  item: (vault, { version }, kid, apiVersion) => ({
    kid,
    attributes: keyAttributes(vault, version.value, apiVersion),
    ...tagsOf(version.value),
  }),
};

export const kidOf = (vault: VaultSettings, found: Found): string => idOf(vault, keyTables, found);

/** KeyBundle, members in the order the service writes them. */
function keyBundle(vault: VaultSettings, found: Found<KeyVersionRecord>, apiVersion: string): JsonObject {
  const { kty, keyOps, n, e } = found.version.value;
  return {
    key: { kid: kidOf(vault, found), kty, key_ops: keyOps, n, e },
    attributes: keyAttributes(vault, found.version.value, apiVersion),
    ...tagsOf(found.version.value),
  };
}

const keyAttributes = (vault: VaultSettings, version: KeyVersionRecord, apiVersion: string): JsonObject => ({
  ...attributesOf(vault, version, apiVersion),
  // Recorded since 2023, at every api-version; keys that can be exported are refused.
  exportable: false,
});
