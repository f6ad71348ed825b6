import { isJsonObject } from '../../base/json.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { parseHostName, parseKeyName, parseKeyVersion } from '../../base/names.ts';
import type { HostName, KeyName, KeyVersion } from '../../base/names.ts';
import { kustoError } from './kusto-errors.ts';

/** `keyVaultProperties` as the caller sent them: answers and messages repeat them so. Empty texts are left out. */
export type SentKey = {
  readonly keyName: string;
  readonly keyVaultUri: string;
  readonly keyVersion?: string;
  /** Resource id of a user-assigned identity; without it the system-assigned one is meant. */
  readonly userIdentity?: string;
};

/** The same after parsing. */
export interface NamedKey {
  readonly vaultHost: HostName;
  readonly keyName: KeyName;
  readonly keyVersion?: KeyVersion;
}

export type RequestedKey =
  | { readonly kind: 'absent' }
  | { readonly kind: 'microsoftManaged' }
  | { readonly kind: 'customer'; readonly sent: SentKey }
  /** Some of what is needed is there, and some is missing or of another type. */
  | { readonly kind: 'malformed'; readonly problem: string };

const members = ['keyName', 'keyVersion', 'keyVaultUri', 'userIdentity'] as const;

/** `null`, `{}` and texts that are all empty mean Microsoft-managed: clients send all three.
 * @throws ArmError for a federated identity, which Kustody has not built */
export function readRequestedKey(properties: JsonObject): RequestedKey {
  const sent = properties['keyVaultProperties'];
  if (sent === undefined) return { kind: 'absent' };
  if (sent === null) return { kind: 'microsoftManaged' };
  if (!isJsonObject(sent)) return { kind: 'malformed', problem: 'keyVaultProperties is not an object' };
  if (!isUnset(sent['federatedIdentityClientId'])) {
    throw kustoError('NotBuilt', 'keys in the vault of another tenant (federatedIdentityClientId)');
  }
  const found = new Map<(typeof members)[number], string>();
  for (const member of members) {
    const value = sent[member];
    if (isUnset(value)) continue;
    if (typeof value !== 'string' || value.length > 2048)
      return { kind: 'malformed', problem: `${member} is not a text` };
    found.set(member, value);
  }
  if (found.size === 0) return { kind: 'microsoftManaged' };
  return completeKey(found);
}

const isUnset = (value: Json | undefined): boolean => value === undefined || value === null || value === '';

function completeKey(found: ReadonlyMap<(typeof members)[number], string>): RequestedKey {
  const keyName = found.get('keyName');
  const keyVaultUri = found.get('keyVaultUri');
  if (keyName === undefined) return { kind: 'malformed', problem: 'keyName is missing' };
  if (keyVaultUri === undefined) return { kind: 'malformed', problem: 'keyVaultUri is missing' };
  const keyVersion = found.get('keyVersion');
  const userIdentity = found.get('userIdentity');
  return {
    kind: 'customer',
    sent: {
      keyName,
      keyVaultUri,
      ...(keyVersion === undefined ? {} : { keyVersion }),
      ...(userIdentity === undefined ? {} : { userIdentity }),
    },
  };
}

/** @returns a text that says what is wrong when no vault could have such a key */
export function parseSentKey(sent: SentKey): NamedKey | { readonly problem: string } {
  const keyName = parseKeyName(sent.keyName);
  if (keyName === undefined)
    return {
      problem: `keyName '${shorten(sent.keyName)}' is not the name of a key (1 to 127 letters, digits and hyphens)`,
    };
  const vaultHost = parseVaultUri(sent.keyVaultUri);
  if (vaultHost === undefined) {
    return {
      problem: `keyVaultUri '${shorten(sent.keyVaultUri)}' is not the address of a vault (https://{vault}.vault.azure.net)`,
    };
  }
  if (sent.keyVersion === undefined) return { vaultHost, keyName };
  const keyVersion = parseKeyVersion(sent.keyVersion);
  if (keyVersion === undefined)
    return { problem: `keyVersion '${shorten(sent.keyVersion)}' is not the version of a key (32 hexadecimal digits)` };
  return { vaultHost, keyName, keyVersion };
}

/** With or without a slash at the end: official examples have both. */
function parseVaultUri(uri: string): HostName | undefined {
  const match = /^https:\/\/([^/:?#@\s]+\.[^/:?#@\s]+)(?::443)?\/?$/i.exec(uri);
  return match?.[1] === undefined ? undefined : parseHostName(match[1]);
}

const shorten = (text: string): string => (text.length <= 100 ? text : `${text.slice(0, 100)}…`);

export const isSameNamedKey = (left: NamedKey, right: NamedKey): boolean =>
  left.vaultHost === right.vaultHost &&
  left.keyName.toLowerCase() === right.keyName.toLowerCase() &&
  left.keyVersion === right.keyVersion;

/** Resource ids are compared without case: real answers write `resourcegroups`. */
export const isSameIdentityId = (left: string | undefined, right: string | undefined): boolean =>
  (left ?? '').toLowerCase() === (right ?? '').toLowerCase();
