import type { AccessPolicy } from '../../authz/access-policies.ts';
import { isJsonObject } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import { instant, toIso } from '../../clock/clock.ts';
import type { DeletedVault, Vault } from './vault-record.ts';
import { vaultType } from './vault-record.ts';

/** Vaults live under lower-case host names, whatever the case of their own. */
export const vaultUri = (name: string): string => `https://${name.toLowerCase()}.vault.azure.net/`;

/** The first answer about a new vault, whose name is on its way into DNS: clients ask again until it is there. */
export function showNewVault(vault: Vault): JsonObject {
  const shown = showVault(vault);
  const registering = { vaultUri: vaultUri(vault.name).replace(/\/$/, ''), provisioningState: 'RegisteringDns' };
  return {
    ...shown,
    properties: { ...(isJsonObject(shown['properties']) ? shown['properties'] : {}), ...registering },
  };
}

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
      ...whereSet('enabledForDiskEncryption', properties.enabledForDiskEncryption),
      ...whereSet('enabledForTemplateDeployment', properties.enabledForTemplateDeployment),
      enableSoftDelete: properties.enableSoftDelete,
      ...(properties.softDeleteRetentionInDays === undefined
        ? {}
        : { softDeleteRetentionInDays: properties.softDeleteRetentionInDays }),
      ...whereSet('enableRbacAuthorization', properties.enableRbacAuthorization),
      // Absent, never false.
      ...(properties.enablePurgeProtection ? { enablePurgeProtection: true } : {}),
      vaultUri: vaultUri(vault.name),
      provisioningState: 'Succeeded',
      publicNetworkAccess: properties.publicNetworkAccess,
    },
  };
}

const whereSet = (name: string, value: boolean | undefined): JsonObject =>
  value === undefined ? {} : { [name]: value };

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
export const toWholeSeconds = (milliseconds: number): string => toIso(instant(milliseconds)).replace(/\.\d+Z$/, 'Z');
