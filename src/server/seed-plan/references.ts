import type { SeedDocument } from './schema.ts';

/** What a role is given on, by the names of the file. */
export type Scope =
  | { readonly kind: 'subscription' | 'resourceGroup' }
  | { readonly kind: 'vault'; readonly vault: string; readonly key?: string }
  | { readonly kind: 'cluster'; readonly cluster: string; readonly database?: string }
  | { readonly kind: 'managedIdentity'; readonly name: string };

/** How a scope is written, for messages and the reference page. */
export const scopeForms: readonly (readonly [form: string, means: string])[] = [
  ['subscription', 'everything'],
  ['resourceGroup', 'the resource group of the file'],
  ['vaults/VAULT', 'a vault of the file'],
  ['vaults/VAULT/keys/KEY', 'one key in it'],
  ['clusters/CLUSTER', 'a cluster of the file'],
  ['clusters/CLUSTER/databases/DATABASE', 'one database of it'],
  ['managedIdentities/NAME', 'a managed identity of the file'],
];

/** @returns undefined for what has none of the forms */
export function parseScope(text: string): Scope | undefined {
  if (text === 'subscription' || text === 'resourceGroup') return { kind: text };
  const [kind = '', name = '', inner, innerName = '', ...more] = text.split('/');
  if (name === '' || more.length > 0 || (inner !== undefined && innerName === '')) return undefined;
  if (kind === 'managedIdentities' && inner === undefined) return { kind: 'managedIdentity', name };
  if (kind === 'vaults' && (inner === undefined || inner === 'keys'))
    return { kind: 'vault', vault: name, ...(inner === undefined ? {} : { key: innerName }) };
  if (kind === 'clusters' && (inner === undefined || inner === 'databases'))
    return { kind: 'cluster', cluster: name, ...(inner === undefined ? {} : { database: innerName }) };
  return undefined;
}

/** The system-assigned identity of a cluster is called `clusters/NAME`. */
export const ofCluster = (principal: string): string | undefined => /^clusters\/([^/]+)$/.exec(principal)?.[1];

export const namesOf = (entries: readonly { readonly name: string }[] | undefined): readonly string[] =>
  (entries ?? []).map(({ name }) => name);

/** Every principal that a file can name. */
export function principalNames({ principals = {}, clusters = [] }: SeedDocument): readonly string[] {
  const { users, servicePrincipals, managedIdentities, groups } = principals;
  return [
    ...[users, servicePrincipals, managedIdentities, groups].flatMap(namesOf),
    ...clusters.filter(hasOwnIdentity).map(({ name }) => `clusters/${name}`),
  ];
}

export const hasOwnIdentity = ({ systemAssignedIdentity }: { readonly systemAssignedIdentity?: boolean }): boolean =>
  systemAssignedIdentity ?? true;
