import { parseGuid } from '../base/guid.ts';
import { parseHostName, parseKeyName, parseKeyVersion, parseVaultName } from '../base/names.ts';
import type { ResourceId } from './resource-id.ts';
import { parseResourceId } from './resource-id.ts';

/** How a vault was named: by its resource id it may be in another subscription. */
export type VaultName =
  | { readonly by: 'name'; readonly name: string }
  | { readonly by: 'uri'; readonly name: string; readonly uri: string }
  | { readonly by: 'id'; readonly name: string; readonly id: ResourceId };

export type IdentityName = { readonly kind: 'system' } | { readonly kind: 'user'; readonly id: ResourceId };

/** What is asked of a cluster. */
export interface CmkTarget {
  readonly cluster: ResourceId;
  readonly vault: VaultName;
  readonly keyName: string;
  /** Absent: always the newest, which the service follows by itself. */
  readonly keyVersion?: string;
  readonly identity: IdentityName;
}

/** As people give it; whatever is absent is taken from the cluster where a command allows it. */
export interface GivenTarget {
  readonly cluster: ResourceId;
  readonly vault?: VaultName;
  readonly keyName?: string;
  readonly keyVersion?: string;
  readonly identity?: IdentityName;
}

/** A parsed value, or a sentence that says what is wrong with the text. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

const clusterType = 'Microsoft.Kusto/clusters';
const vaultType = 'Microsoft.KeyVault/vaults';
const identityType = 'Microsoft.ManagedIdentity/userAssignedIdentities';

export function parseClusterId(text: string): Parsed<ResourceId> {
  const id = parseResourceId(text, clusterType);
  return id === undefined ? { problem: `'${text}' is no resource id of a cluster.` } : { value: id };
}

export function clusterIdOf(subscriptionId: string, resourceGroup: string, name: string): Parsed<ResourceId> {
  if (parseGuid(subscriptionId) === undefined) return { problem: `'${subscriptionId}' is no subscription id.` };
  for (const text of [resourceGroup, name]) {
    if (/[/\s?#]/.test(text) || text === '') return { problem: `'${text}' is no name of a resource.` };
  }
  return parseClusterId(
    `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/${clusterType}/${name}`,
  );
}

export function parseVault(text: string): Parsed<VaultName> {
  if (text.startsWith('/')) {
    const id = parseResourceId(text, vaultType);
    return id === undefined
      ? { problem: `'${text}' is no resource id of a vault.` }
      : { value: { by: 'id', name: id.name, id } };
  }
  if (!text.includes(':')) {
    return parseVaultName(text) === undefined
      ? { problem: `'${text}' is no name of a vault.` }
      : { value: { by: 'name', name: text } };
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const host = url?.protocol === 'https:' ? parseHostName(url.hostname) : undefined;
  if (url === undefined || host === undefined || url.pathname !== '/' || url.search !== '')
    return { problem: `'${text}' is no address of a vault (https://…).` };
  if (host.includes('.managedhsm.')) return { problem: 'Managed HSMs are not built here: vaults only.' };
  const name = parseVaultName(host.split('.')[0] ?? '');
  return name === undefined
    ? { problem: `'${text}' is no address of a vault.` }
    : { value: { by: 'uri', name, uri: `https://${host}/` } };
}

/** What a malformed address seems to mean: that of a key instead of its vault, or one without its beginning. */
export interface GuessedVault {
  readonly vault: string;
  readonly key?: string;
  readonly problem: string;
}

export function guessVault(text: string): GuessedVault | undefined {
  const found = /^(?:https?:\/\/)?([a-z0-9-]+\.vault\.azure\.net)(?::\d+)?(\/.*)?$/i.exec(text);
  const { [1]: host, [2]: path = '' } = found ?? [];
  if (host === undefined) return undefined;
  const key = /^\/keys\/([^/]+)/i.exec(path)?.[1];
  const problem = `keyVaultUri must be the address of a vault and no more: https://${host}/, not '${text}'.`;
  return { vault: `https://${host}/`, ...(key === undefined ? {} : { key }), problem };
}

export const parseKey = (text: string): Parsed<string> =>
  parseKeyName(text) === undefined ? { problem: `'${text}' is no name of a key.` } : { value: text };

export function parseVersion(text: string): Parsed<string> {
  const version = parseKeyVersion(text);
  return version === undefined
    ? { problem: `'${text}' is no version of a key: 32 hexadecimal digits.` }
    : { value: version };
}

export function parseIdentity(text: string): Parsed<IdentityName> {
  if (text.toLowerCase() === 'system') return { value: { kind: 'system' } };
  const id = parseResourceId(text, identityType);
  return id === undefined
    ? { problem: `'${text}' is neither 'system' nor the resource id of a user-assigned identity.` }
    : { value: { kind: 'user', id } };
}
