import type { ClusterFacts, Facts, KeyFacts, VaultFacts } from './facts.ts';
import type { ResourceId } from './resource-id.ts';
import type { CmkTarget, Parsed } from './target.ts';
import { clusterIdOf, parseIdentity, parseVault } from './target.ts';

const subscription = '11111111-1111-4111-8111-111111111111';
const group = `/subscriptions/${subscription}/resourceGroups/rg`;
const tenantId = '22222222-2222-4222-8222-222222222222';

export const ids = {
  tenantId,
  cluster: `${group}/providers/Microsoft.Kusto/clusters/adx`,
  vault: `${group}/providers/Microsoft.KeyVault/vaults/keys`,
  identity: `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me`,
  systemPrincipal: '33333333-3333-4333-8333-333333333333',
  userPrincipal: '44444444-4444-4444-8444-444444444444',
  version: 'a'.repeat(32),
  otherVersion: 'b'.repeat(32),
} as const;

export const parsed = <T>(value: Parsed<T>): T => {
  if ('problem' in value) throw new Error(value.problem);
  return value.value;
};

export const clusterId: ResourceId = parsed(clusterIdOf(subscription, 'rg', 'adx'));
export const userIdentityName = parsed(parseIdentity(ids.identity));

export const target: CmkTarget = {
  cluster: clusterId,
  vault: parsed(parseVault('keys')),
  keyName: 'k',
  identity: { kind: 'system' },
};

export const cluster: ClusterFacts = {
  id: ids.cluster,
  name: 'adx',
  location: 'East US',
  state: 'Running',
  stateReason: '',
  provisioningState: 'Succeeded',
  etag: '"1"',
  systemIdentity: { principalId: ids.systemPrincipal, tenantId },
  userIdentities: [],
  key: { keyName: 'k', keyVaultUri: 'https://keys.vault.example' },
};

export const vault: VaultFacts = {
  id: ids.vault,
  name: 'keys',
  uri: 'https://keys.vault.example/',
  location: 'eastus',
  tenantId,
  softDelete: true,
  purgeProtection: true,
  retentionDays: 90,
  publicAccess: true,
  firewallDenies: false,
  trustedServices: true,
  model: 'policies',
  policies: [{ objectId: ids.systemPrincipal, keyPermissions: ['Get', 'WrapKey', 'unwrapkey'] }],
};

export const key: KeyFacts = {
  name: 'k',
  version: ids.version,
  keyType: 'RSA',
  sizeBits: 3072,
  enabled: true,
  operations: ['encrypt', 'wrapKey', 'unwrapKey'],
};

export const now = new Date('2026-01-01T00:00:00Z');

/** A cluster of which everything is done. */
export const facts: Facts = {
  cluster,
  subscriptionTenantId: tenantId,
  vault,
  vaultIsDeleted: false,
  key: { outcome: 'found', key },
  access: { outcome: 'notAsked' },
};

export const serviceRole = {
  scope: ids.vault,
  roleName: 'Key Vault Crypto Service Encryption User',
  permissions: [
    {
      dataActions: [
        'Microsoft.KeyVault/vaults/keys/read',
        'Microsoft.KeyVault/vaults/keys/wrap/action',
        'Microsoft.KeyVault/vaults/keys/unwrap/action',
      ],
      notDataActions: [],
    },
  ],
  isConditional: false,
} as const;

export const without = <T extends object, Name extends keyof T>(value: T, ...names: readonly Name[]): Omit<T, Name> => {
  const copy: Partial<T> = { ...value };
  for (const name of names) Reflect.deleteProperty(copy, name);
  return copy as Omit<T, Name>;
};
