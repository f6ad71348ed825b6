import { armResources, resourceRecordId } from '../../arm/resource.ts';
import { parseRegion } from '../../base/names.ts';
import { invariant } from '../../base/invariant.ts';
import type { VaultName } from '../../base/names.ts';
import type { State } from '../../state/state.ts';
import { WhileUnchanged } from '../../state/while-unchanged.ts';
import type { VaultDirectory, VaultSettings } from '../../vault/vault-directory.ts';
import { findVaultName } from './vault-names.ts';
import type { Vault, VaultNameRecord } from './vault-record.ts';
import { asVault, vaultNames } from './vault-record.ts';
import { vaultUri } from './vault-view.ts';

interface Found {
  readonly vault: VaultSettings;
  readonly recordId: string;
}

const keptMax = 1_000;

/** The customers' vaults, for the data plane: the same settings, as an object, as long as neither the vault nor its name has changed. */
export function createVaultDirectory(state: State): VaultDirectory {
  const kept = new WhileUnchanged<VaultName, Found>(keptMax, () => state.markOfAll?.());
  const markOfName = (name: VaultName) => state.markOf?.(vaultNames, name);
  const markOfVault = (recordId: string) => state.markOf?.(armResources, recordId);
  const read = async (name: VaultName): Promise<VaultSettings | undefined> => {
    const nameMark = markOfName(name);
    const holder = (await findVaultName(state, name))?.value;
    if (holder?.state !== 'live') return undefined;
    const recordId = resourceRecordId(holder.resourceId);
    const vaultMark = markOfVault(recordId);
    const record = await state.get(armResources, recordId);
    const vault = record === undefined ? undefined : asVault(record.value);
    // Deleted between the two reads, or made again under the same id.
    if (vault?.properties.vaultId !== holder.vaultId) return undefined;
    const settings = settingsOf(vault, holder);
    kept.keep(name, [nameMark, vaultMark], { vault: settings, recordId });
    return settings;
  };
  return {
    find: (name) => kept.get(name, ({ recordId }) => [markOfName(name), markOfVault(recordId)])?.vault ?? read(name),
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
