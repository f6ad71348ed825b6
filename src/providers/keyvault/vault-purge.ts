import type { VaultName } from '../../base/names.ts';
import { parseVaultName } from '../../base/names.ts';
import { invariant } from '../../base/invariant.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import { listIntact, unlessDamaged } from '../../state/list-all.ts';
import { writeRecord } from '../../state/state.ts';
import type { KeyVaultDependencies } from './keyvault-dependencies.ts';
import { isRetentionOver } from './vault-names.ts';
import type { DeletedVault, VaultNameRecord } from './vault-record.ts';
import { vaultNames } from './vault-record.ts';

/** Frees the name of a vault that is in state `purging`. Order: contents gone → name free, so that what a crash leaves behind is
 * still named by a record. Repeatable. */
export async function finishPurge(deps: KeyVaultDependencies, name: VaultName): Promise<void> {
  const found = await deps.state.get(vaultNames, name);
  if (found?.value.state !== 'purging') return;
  await deps.purgeVaultContents(found.value.vaultId);
  await deps.state.commit({ write: [writeRecord(vaultNames, found.id, found.version, null)] });
}

/** Purges for good a deleted vault, if `mayPurge` says so of the record as it is now.
 * @returns whether it was there to be purged */
export async function purgeDeletedVault(
  deps: KeyVaultDependencies,
  name: VaultName,
  mayPurge: (record: Extract<VaultNameRecord, { state: 'deleted' }>) => boolean,
): Promise<boolean> {
  const purging = await retryOnConflict(async () => {
    const found = await deps.state.get(vaultNames, name);
    if (found?.value.state !== 'deleted' || !mayPurge(found.value)) return false;
    const { vaultId, resourceId } = found.value;
    const record: VaultNameRecord = { name, vaultId, resourceId, state: 'purging' };
    await deps.state.commit({ write: [writeRecord(vaultNames, found.id, found.version, record)] });
    return true;
  });
  if (purging) await finishPurge(deps, name);
  return purging;
}

export interface VaultRetention {
  /** Finishes interrupted purges, removes what is over and waits for what is next. Call at start, and when purges are no longer held. */
  start(): Promise<void>;
  /** A deleted vault will be over then. */
  expectAt(when: Instant): void;
  stop(): void;
}

/** Purges deleted vaults when their retention is over. The records are the truth: nobody finds a vault that is over, so it does not
 * matter when, or in which process, this runs. */
export function createVaultRetention(deps: KeyVaultDependencies): VaultRetention {
  let next: { readonly when: Instant; readonly cancel: () => void } | undefined;
  const expectAt = (when: Instant): void => {
    if (next !== undefined && next.when <= when) return;
    next?.cancel();
    next = { when, cancel: deps.clock.at(when, run) };
  };
  const run = async (): Promise<void> => {
    next = undefined;
    const records = await listIntact(deps.state, vaultNames);
    for (const { id, value } of records) {
      const name = parseVaultName(id);
      invariant(name !== undefined, 'a vault name record has a vault name as its id');
      if (value.state === 'purging') await unlessDamaged(() => finishPurge(deps, name));
      if (value.state !== 'deleted') continue;
      if (isRetentionOver(value, deps.clock, deps.purgesHeld)) {
        const isOver = (record: DeletedVault): boolean => isRetentionOver(record, deps.clock, deps.purgesHeld);
        await unlessDamaged(() => purgeDeletedVault(deps, name, isOver));
      } else if (value.purgeAt > deps.clock.now()) expectAt(instant(value.purgeAt));
    }
  };
  return {
    start: run,
    expectAt,
    stop: () => {
      next?.cancel();
      next = undefined;
    },
  };
}
