import { armResources, resourceRecordId } from '../../arm/resource.ts';
import { parseRegion } from '../../base/names.ts';
import { invariant } from '../../base/invariant.ts';
import type { State } from '../../state/state.ts';
import type { VaultDirectory, VaultSettings } from '../../vault/vault-directory.ts';
import { findVaultName } from './vault-names.ts';
import type { Vault, VaultNameRecord } from './vault-record.ts';
import { asVault } from './vault-record.ts';
import { vaultUri } from './vault-view.ts';

/** The customers' vaults, for the data plane. */
export function createVaultDirectory(state: State): VaultDirectory {
  return {
    async find(name) {
      const holder = (await findVaultName(state, name))?.value;
      if (holder?.state !== 'live') return undefined;
      const record = await state.get(armResources, resourceRecordId(holder.resourceId));
      const vault = record === undefined ? undefined : asVault(record.value);
      // Deleted between the two reads, or made again under the same id.
      if (vault?.properties.vaultId !== holder.vaultId) return undefined;
      return settingsOf(vault, holder);
    },
  };
}

function settingsOf(vault: Vault, holder: VaultNameRecord): VaultSettings {
  const { properties } = vault;
  const region = parseRegion(vault.location);
  invariant(region !== undefined, 'a vault is in a region');
  return {
    vaultId: properties.vaultId,
    name: holder.name,
    uri: vaultUri(vault.name),
    region,
    tenantId: properties.tenantId,
    resourceId: vault.id,
    sku: properties.sku.name,
    accessPolicies: properties.accessPolicies,
    enableRbacAuthorization: properties.enableRbacAuthorization ?? false,
    softDelete: properties.enableSoftDelete,
    retentionDays: properties.softDeleteRetentionInDays ?? 90,
    purgeProtection: properties.enablePurgeProtection,
    networkAcls: {
      defaultAction: properties.networkAcls?.defaultAction ?? 'Allow',
      bypass: properties.networkAcls?.bypass ?? 'AzureServices',
      ipRules: properties.networkAcls?.ipRules.map((rule) => rule.value) ?? [],
    },
    publicNetworkAccess: properties.publicNetworkAccess,
  };
}
