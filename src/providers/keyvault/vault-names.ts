import type { VaultName } from '../../base/names.ts';
import type { Clock } from '../../clock/clock.ts';
import { listIntact } from '../../state/list-all.ts';
import type { State, Versioned } from '../../state/state.ts';
import type { DeletedVault, VaultNameRecord } from './vault-record.ts';
import { vaultNames } from './vault-record.ts';

/** Whether a deleted vault's time is over: nobody finds it any more, and its name may be used again. */
export const isRetentionOver = (
  deleted: DeletedVault,
  clock: Clock,
  purgesHeld: () => boolean = () => false,
): boolean => deleted.purgeAt <= clock.now() && !purgesHeld();

export const findVaultName = (state: State, name: VaultName): Promise<Versioned<VaultNameRecord> | undefined> =>
  state.get(vaultNames, name);

/** @returns the deleted vaults of one subscription that can still be recovered, by name */
export async function deletedVaultsOf(
  state: State,
  subscriptionId: string,
  isOver: (deleted: DeletedVault) => boolean,
): Promise<readonly DeletedVault[]> {
  const prefix = `/subscriptions/${subscriptionId.toLowerCase()}/`;
  const records = await listIntact(state, vaultNames);
  return records.flatMap(({ value }) =>
    value.state === 'deleted' && value.resourceId.toLowerCase().startsWith(prefix) && !isOver(value) ? [value] : [],
  );
}
