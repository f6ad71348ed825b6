import { describe, expect, it } from 'vitest';
import { clusterKeysSuite, customerHost, isAlive } from '../../../tests/support/cluster-keys-fixture.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { KeyConcern } from './key-concerns.ts';

const open = clusterKeysSuite();

describe('a change of what decides on keys', () => {
  it('asks for the keys of the clusters concerned, and of no others', async () => {
    const { keys, cluster, customer, vaults, identity } = await open();
    vaults.addVault('other.vault.azure.net', [identity]);
    const second = newGuid(systemRandomBytes);
    vaults.vault(customerHost).access.set(second, new Set(['get', 'wrapKey', 'unwrapKey']));
    await cluster(customer(vaults.addKey(customerHost, 'one')));
    await cluster(customer(vaults.addKey(customerHost, 'two'), { identity: second }));
    await cluster(customer(vaults.addKey('other.vault.azure.net', 'three')));
    await cluster();
    const asked = async (concern: KeyConcern): Promise<readonly string[]> => {
      vaults.calls.length = 0;
      await keys.checkConcerned([concern]);
      return [
        ...new Set(vaults.calls.filter(({ operation }) => operation === 'unwrapKey').map(({ name }) => name)),
      ].sort();
    };
    expect(await asked({ kind: 'vault', host: 'CONTOSO.vault.azure.net' })).toEqual(['one', 'two']);
    expect(await asked({ kind: 'key', name: 'THREE' })).toEqual(['three']);
    expect(await asked({ kind: 'principal', objectId: second.toUpperCase() })).toEqual(['two']);
    expect(await asked({ kind: 'principal', objectId: newGuid(systemRandomBytes) })).toEqual([]);
    await keys.close();
    expect(await asked({ kind: 'key', name: 'one' })).toEqual([]);
  });

  it('has ended the process when it resolves', async () => {
    const { keys, cluster, customer, vaults, pidOf } = await open();
    const kid = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(kid));
    const pid = await pidOf(id);
    vaults.keyVersion(kid).enabled = false;
    await keys.checkConcerned([{ kind: 'key', name: kid.name }]);
    expect(isAlive(pid)).toBe(false);
    expect((await keys.status(id))?.suspension).toMatchObject({ failure: { cause: 'keyDisabled' } });
  });

  it('ends a process that cannot be told in time, which then needs its key anew', async () => {
    const { keys, cluster, customer, vaults, pidOf, host, log } = await open({ vaultTimeoutMs: 60_000 });
    const kid = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(kid));
    const pid = await pidOf(id);
    vaults.intercept = () => ({ status: 0, hang: true });
    const told = { ended: false };
    void keys.checkConcerned([{ kind: 'key', name: kid.name }]).then(() => (told.ended = true));
    await host.elapse(9_000);
    expect([told.ended, isAlive(pid)]).toEqual([false, true]);
    while (!told.ended) await host.elapse(1_000);
    expect(isAlive(pid)).toBe(false);
    expect(log.lines.some((line) => line.includes('key-check-late'))).toBe(true);
    vaults.intercept = () => undefined;
    expect(isAlive(await pidOf(id))).toBe(true);
  });
});
