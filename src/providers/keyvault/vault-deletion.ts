import type { ArmReply } from '../../arm/arm-operation.ts';
import { armResources } from '../../arm/resource.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import { dropDiagnosticSettingsWithin } from '../../arm/diagnostic-settings.ts';
import { dropAssignmentsWithin } from '../../authz/role-assignments.ts';
import { invariant } from '../../base/invariant.ts';
import { parseVaultName } from '../../base/names.ts';
import { instant } from '../../clock/clock.ts';
import { listAll } from '../../state/list-all.ts';
import type { Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import type { KeyVaultDependencies } from './keyvault-dependencies.ts';
import { findVaultName } from './vault-names.ts';
import type { VaultRetention } from './vault-purge.ts';
import { finishPurge } from './vault-purge.ts';
import type { Vault, VaultNameRecord } from './vault-record.ts';
import { asVault, vaultNames } from './vault-record.ts';
import type { VaultAddress } from './vault-writes.ts';
import { findVault } from './vault-writes.ts';

const dayMs = 86_400_000;

export async function deleteVault(
  deps: KeyVaultDependencies,
  retention: VaultRetention,
  address: VaultAddress,
): Promise<ArmReply> {
  const deleted = await retryOnConflict(async () => {
    const held = await findVault(deps, address);
    if (held === undefined) return false;
    await removeVault(deps, retention, held);
    return true;
  });
  return { status: deleted ? 200 : 204 };
}

/** One commit: the resource goes, the name is held by the deleted vault, and its role assignments go for good. Without soft delete
 * the contents go too, and then the name is free. */
async function removeVault(
  deps: KeyVaultDependencies,
  retention: VaultRetention,
  held: Versioned<Vault>,
): Promise<void> {
  const vault = held.value;
  const name = parseVaultName(vault.name);
  invariant(name !== undefined, 'a vault has a vault name');
  const holder = await findVaultName(deps.state, name);
  invariant(holder !== undefined, 'a live vault holds its name');
  const { vaultId, softDeleteRetentionInDays } = vault.properties;
  const common = { name, vaultId, resourceId: vault.id };
  const deletedAt = deps.clock.now();
  const purgeAt = instant(deletedAt + (softDeleteRetentionInDays ?? 0) * dayMs);
  const next: VaultNameRecord =
    softDeleteRetentionInDays === undefined
      ? { ...common, state: 'purging' }
      : { ...common, state: 'deleted', vault, deletedAt, purgeAt };
  await deps.state.commit({
    write: [
      writeRecord(armResources, held.id, held.version, null),
      writeRecord(vaultNames, holder.id, holder.version, next),
      ...(await dropAssignmentsWithin(deps.state, vault.id)),
      ...(await dropDiagnosticSettingsWithin(deps.state, vault.id)),
    ],
  });
  if (next.state === 'deleted') retention.expectAt(purgeAt);
  else await finishPurge(deps, name);
}

/** Deletes the vaults of a group as a DELETE of each would: those with soft delete can be recovered once the group is back. */
export async function deleteVaultsIn(
  deps: KeyVaultDependencies,
  retention: VaultRetention,
  groupId: string,
): Promise<void> {
  await retryOnConflict(async () => {
    const resources = await listAll(deps.state, armResources, `${groupId.toLowerCase()}/`);
    for (const resource of resources) {
      const vault = asVault(resource.value);
      if (vault !== undefined) await removeVault(deps, retention, { ...resource, value: vault });
    }
  });
}
