import { beforeEach, describe, expect, it } from 'vitest';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { VaultName } from '../../base/names.ts';
import { parseVaultName } from '../../base/names.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { ManualHost } from '../../clock/manual-host.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { MemoryStateStore } from '../../state/memory/memory-state-store.ts';
import { RootKey } from '../../state/root-key.ts';
import { SealedState } from '../../state/sealed/sealed-state.ts';
import { writeRecord } from '../../state/state.ts';
import type { KeyVaultDependencies } from './keyvault-dependencies.ts';
import { createVaultRetention, purgeDeletedVault } from './vault-purge.ts';
import type { Vault, VaultNameRecord } from './vault-record.ts';
import { vaultNames, vaultType } from './vault-record.ts';

const startMs = 1_000_000;

describe('retention of deleted vaults', () => {
  let state: SealedState;
  let clock: VirtualClock;
  let purged: Guid[];
  let crash: boolean;
  let held: boolean;
  let errors: unknown[];
  let deps: KeyVaultDependencies;

  beforeEach(async () => {
    state = await SealedState.open({
      store: new MemoryStateStore(),
      rootKey: new RootKey(systemRandomBytes(32)),
      randomBytes: systemRandomBytes,
    });
    errors = [];
    clock = new VirtualClock({ host: new ManualHost(startMs), onError: (error) => errors.push(error) });
    purged = [];
    crash = false;
    held = false;
    deps = {
      state,
      clock,
      randomBytes: systemRandomBytes,
      manageVault: () => Promise.reject(new Error('nobody asks')),
      isReservedName: () => false,
      purgesHeld: () => held,
      purgeVaultContents: (vaultId) => {
        if (crash) return Promise.reject(new Error('crash'));
        purged.push(vaultId);
        return Promise.resolve();
      },
    };
  });

  const names = async () => (await state.list(vaultNames)).map(({ id, value }) => `${id} ${value.state}`);

  async function putDeleted(text: string, purgeAt: number): Promise<Guid> {
    const name = nameOf(text);
    const vaultId = newGuid(systemRandomBytes);
    const resourceId = `/subscriptions/s/resourceGroups/g/providers/${vaultType}/${text}`;
    const vault = { id: resourceId, name: text, type: vaultType, location: 'eastus' } as unknown as Vault;
    const record: VaultNameRecord = { name, vaultId, resourceId, state: 'deleted', vault, deletedAt: 0, purgeAt };
    await state.commit({ write: [writeRecord(vaultNames, name, null, record)] });
    return vaultId;
  }

  it('ends for vaults whose time came while nobody ran, at start', async () => {
    const over = await putDeleted('over-vault', startMs);
    await putDeleted('kept-vault', startMs + 1);
    const retention = createVaultRetention(deps);
    await retention.start();
    expect(purged).toEqual([over]);
    expect(await names()).toEqual(['kept-vault deleted']);
    await clock.advance(1);
    expect(await names()).toEqual([]);
    expect(errors).toEqual([]);
  });

  it('waits for the earliest, whatever the order they come in', async () => {
    const retention = createVaultRetention(deps);
    await putDeleted('late-vault', startMs + 200);
    retention.expectAt((await atOf('late-vault')) as never);
    await putDeleted('early-vault', startMs + 100);
    retention.expectAt((await atOf('early-vault')) as never);
    await clock.advance(100);
    expect(await names()).toEqual(['late-vault deleted']);
    await clock.advance(100);
    expect(await names()).toEqual([]);
  });

  it('does not end while purges are held', async () => {
    await putDeleted('doubt-vault', startMs - 1);
    held = true;
    const retention = createVaultRetention(deps);
    await retention.start();
    expect(await names()).toEqual(['doubt-vault deleted']);
    held = false;
    await retention.start();
    expect(await names()).toEqual([]);
  });

  it('is finished after a crash between the contents and the name', async () => {
    const vaultId = await putDeleted('crash-vault', startMs + 1000);
    crash = true;
    await expect(purgeDeletedVault(deps, nameOf('crash-vault'), () => true)).rejects.toThrow('crash');
    expect(await names()).toEqual(['crash-vault purging']);
    crash = false;
    await createVaultRetention(deps).start();
    expect(purged).toEqual([vaultId]);
    expect(await names()).toEqual([]);
  });

  async function atOf(text: string): Promise<number> {
    const found = await state.get(vaultNames, nameOf(text));
    return found?.value.state === 'deleted' ? found.value.purgeAt : 0;
  }
});

function nameOf(text: string): VaultName {
  const name = parseVaultName(text);
  if (name === undefined) throw new Error(`${text} is no vault name`);
  return name;
}
