import type { AccessPolicy } from '../../authz/access-policies.ts';
import type { JsonObject } from '../../base/json.ts';
import { instant, toIso } from '../../clock/clock.ts';
import type { DeletedVault, Vault } from './vault-record.ts';
import { vaultType } from './vault-record.ts';

/** Vaults live under lower-case host names, whatever the case of their own. */
export const vaultUri = (name: string): string => `https://${name.toLowerCase()}.vault.azure.net/`;

export function showVault(vault: Vault): JsonObject {
  const { properties } = vault;
  return {
    id: vault.id,
    name: vault.name,
    type: vaultType,
    location: vault.location,
    tags: vault.tags ?? {},
    systemData: { ...properties.systemData },
    properties: {
      sku: properties.sku,
      tenantId: properties.tenantId,
      accessPolicies: showPolicies(properties.accessPolicies),
      ...(properties.networkAcls === undefined ? {} : { networkAcls: { ...properties.networkAcls } }),
      enabledForDeployment: properties.enabledForDeployment,
      enabledForDiskEncryption: properties.enabledForDiskEncryption,
      enabledForTemplateDeployment: properties.enabledForTemplateDeployment,
      enableSoftDelete: properties.enableSoftDelete,
      ...(properties.softDeleteRetentionInDays === undefined
        ? {}
        : { softDeleteRetentionInDays: properties.softDeleteRetentionInDays }),
      enableRbacAuthorization: properties.enableRbacAuthorization,
      // Absent, never false.
      ...(properties.enablePurgeProtection ? { enablePurgeProtection: true } : {}),
      vaultUri: vaultUri(vault.name),
      provisioningState: 'Succeeded',
      publicNetworkAccess: properties.publicNetworkAccess,
    },
  };
}

export const showPolicies = (policies: readonly AccessPolicy[]): readonly JsonObject[] =>
  policies.map((policy) => ({ ...policy, permissions: { ...policy.permissions } }));

/** @param subscriptionId that the vault was in, in the casing that answers show */
export function showDeletedVault(deleted: DeletedVault, subscriptionId: string): JsonObject {
  const { vault } = deleted;
  return {
    id: `/subscriptions/${subscriptionId}/providers/Microsoft.KeyVault/locations/${vault.location}/deletedVaults/${vault.name}`,
    name: vault.name,
    type: 'Microsoft.KeyVault/deletedVaults',
    properties: {
      vaultId: vault.id,
      location: vault.location,
      tags: vault.tags ?? {},
      deletionDate: toWholeSeconds(deleted.deletedAt),
      scheduledPurgeDate: toWholeSeconds(deleted.purgeAt),
      ...(vault.properties.enablePurgeProtection ? { purgeProtectionEnabled: true } : {}),
    },
  };
}

/** `2017-01-01T00:00:59Z` */
const toWholeSeconds = (milliseconds: number): string => toIso(instant(milliseconds)).replace(/\.\d+Z$/, 'Z');
