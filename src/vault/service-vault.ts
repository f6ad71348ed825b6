import type { AccessPolicy } from '../authz/access-policies.ts';
import type { Guid } from '../base/guid.ts';
import type { Region, VaultName } from '../base/names.ts';
import { parseVaultName } from '../base/names.ts';
import { invariant } from '../base/invariant.ts';
import type { VaultDirectory, VaultSettings } from './vault-directory.ts';

/** Kustody's own vault, where "Microsoft-managed" keys live: a vault like any other on the wire, in a tenant and for a principal
 * that customers never see. */
export const serviceVaultName: VaultName = requiredName('kustody-managed-keys');

/** Names that no customer can create, see in lists or find taken by somebody they could ask. */
export const isReservedVaultName = (name: VaultName): boolean => name === serviceVaultName;

export interface ServiceVault {
  readonly vaultId: Guid;
  /** The hidden tenant. */
  readonly tenantId: Guid;
  /** The hidden principal, the only one with permissions. */
  readonly principalId: Guid;
  readonly region: Region;
}

/** No soft delete: a key of the service is destroyed when a cluster changes to a customer's key, and must not come back. */
export function serviceVaultSettings({ vaultId, tenantId, principalId, region }: ServiceVault): VaultSettings {
  const keys = ['create', 'get', 'list', 'wrapKey', 'unwrapKey', 'delete'];
  const policy: AccessPolicy = { tenantId, objectId: principalId, permissions: { keys } };
  return {
    vaultId,
    name: serviceVaultName,
    uri: `https://${serviceVaultName}.vault.azure.net/`,
    region,
    tenantId,
    resourceId: `/tenants/${tenantId}/providers/Microsoft.KeyVault/vaults/${serviceVaultName}`,
    sku: 'standard',
    accessPolicies: [policy],
    enableRbacAuthorization: false,
    softDelete: false,
    retentionDays: 90,
    purgeProtection: false,
    networkAcls: { defaultAction: 'Allow', bypass: 'None', ipRules: [] },
    publicNetworkAccess: 'Enabled',
  };
}

/** The customers' vaults and the service's. */
export function withServiceVault(customers: VaultDirectory, service: ServiceVault): VaultDirectory {
  const settings = serviceVaultSettings(service);
  return { find: (name) => (name === serviceVaultName ? Promise.resolve(settings) : customers.find(name)) };
}

function requiredName(text: string): VaultName {
  const name = parseVaultName(text);
  invariant(name !== undefined, 'the name of the service vault is one');
  return name;
}
