import type { JsonObject } from '../../base/json.ts';
import { attributesOf, idOf, managedOf, tagsOf } from '../objects/object-answers.ts';
import type { Found, ObjectKind } from '../objects/object-kind.ts';
import { errorsOf } from '../objects/object-kind.ts';
import type { VaultSettings } from '../vault-directory.ts';
import type { KeyRecord, KeyVersionRecord } from './key-records.ts';
import { keyTables } from './key-records.ts';
import { shownType } from './key-types.ts';
import { releasePolicyOf } from './release-policy.ts';
import { expectDue } from './rotation-due.ts';

/** Keys among the kinds of objects. */
export const keyKind: ObjectKind<KeyVersionRecord, KeyRecord> = {
  ...keyTables,
  errors: { ...errorsOf('key', 'Key'), managed: 'keyIsManaged' },
  bundle: keyBundle,
  item: (vault, { version }, kid, apiVersion) => ({
    kid,
    attributes: keyAttributes(vault, version.value, apiVersion),
    ...tagsOf(version.value),
    ...managedOf(version.value),
  }),
  cameAlive: expectDue,
};

export const kidOf = (vault: VaultSettings, found: Found): string => idOf(vault, keyTables, found);

/** KeyBundle, members in the order the service writes them. */
function keyBundle(vault: VaultSettings, found: Found<KeyVersionRecord>, apiVersion: string): JsonObject {
  const version = found.version.value;
  const numbers =
    version.kty === 'RSA'
      ? { n: version.n, e: shownExponent(version) }
      : { crv: version.crv, x: version.x, y: version.y };
  return {
    key: { kid: kidOf(vault, found), kty: shownType(version), key_ops: version.keyOps, ...numbers },
    attributes: keyAttributes(vault, version, apiVersion),
    ...tagsOf(version),
    ...managedOf(version),
    ...releasePolicyOf(version),
  };
}

/** As recorded of keys of an HSM: with a zero in front. */
const shownExponent = ({ hsm, e }: { readonly hsm?: true; readonly e: string }): string => (hsm ? 'AAEAAQ' : e);

/** Nothing here is in an HSM, and this is where an answer can say so. */
const inSoftware = '0';
const withoutHsmPlatform: ReadonlySet<string> = new Set([
  ...['2015-06-01', '2016-10-01', '7.0', '7.1', '7.2', '7.3', '7.4'],
]);

const keyAttributes = (vault: VaultSettings, version: KeyVersionRecord, apiVersion: string): JsonObject => ({
  ...attributesOf(vault, version, apiVersion),
  // Recorded since 2023, at every api-version.
  exportable: version.exportable ?? false,
  ...(withoutHsmPlatform.has(apiVersion) ? {} : { hsmPlatform: inSoftware }),
});
