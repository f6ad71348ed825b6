import { describe, expect, it } from 'vitest';
import type { ClusterKeysFixture } from '../../../tests/support/cluster-keys-fixture.ts';
import {
  clusterKeysSuite,
  customerHost,
  isAlive,
  serviceHost,
  started,
} from '../../../tests/support/cluster-keys-fixture.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { Custody } from '../../encryption/cluster-keys.ts';

const open = clusterKeysSuite();
const microsoftManaged: Custody = { kind: 'microsoftManaged' };

describe('a key that was taken away', () => {
  type Kid = ReturnType<ClusterKeysFixture['vaults']['addKey']>;
  const ways: Record<string, { readonly cause: string; readonly take: (from: ClusterKeysFixture, kid: Kid) => void }> =
    {
      'access policy removed': {
        cause: 'forbiddenByPolicy',
        take: ({ vaults }) => {
          vaults.vault(customerHost).access.clear();
        },
      },
      'key version disabled': {
        cause: 'keyDisabled',
        take: ({ vaults }, kid) => {
          vaults.keyVersion(kid).enabled = false;
        },
      },
      'key deleted': {
        cause: 'keyNotFound',
        take: ({ vaults }, kid) => vaults.vault(customerHost).keys.delete(kid.name),
      },
      'vault deleted': { cause: 'noSuchHost', take: ({ vaults }) => vaults.vaults.delete(customerHost) },
      'identity removed': { cause: 'noIdentity', take: ({ gone, identity }) => gone.add(identity) },
    };

  it.each(Object.entries(ways))(
    '%s: suspends within one period, ends the process, heals',
    async (_way, { cause, take }) => {
      const fixture = await open();
      const { keys, cluster, customer, vaults, clock, identity, gone, pidOf } = fixture;
      const kid = vaults.addKey(customerHost, 'k');
      const id = await cluster(customer(kid));
      const pid = await pidOf(id);
      const vault = vaults.vault(customerHost);
      const [access, versions] = [new Map(vault.access), new Map(vault.keys)];
      const changes: string[] = [];
      keys.onChange((changed) => changes.push(changed));
      keys.start();
      await clock.advance(0);
      take(fixture, kid);
      await clock.advance(30_000);
      const status = await keys.status(id);
      expect(status?.suspension).toMatchObject({ failure: { kind: 'refusal', cause } });
      expect(status?.suspension?.reason).toContain(`'k' in KeyVault 'https://${customerHost}/'`);
      expect(isAlive(pid)).toBe(false);
      expect(await keys.admit(id)).toMatchObject({ outcome: 'suspended' });
      expect(changes).toEqual([id]);
      // Nobody who may PATCH the cluster can undo it.
      vaults.addVault('other.vault.azure.net', [identity]);
      const free = vaults.addKey('other.vault.azure.net', 'k2');
      for (const to of [microsoftManaged, customer(free), customer(free, { versionless: true })]) {
        expect(await keys.change(id, to)).toMatchObject({
          outcome: 'currentKeyLost',
          vaultUri: `https://${customerHost}/`,
          keyName: 'k',
          failure: { cause },
        });
      }
      expect(vaults.vault(serviceHost).keys.size).toBe(0);
      // Given back.
      vaults.vaults.set(customerHost, vault);
      for (const [who, what] of access) vault.access.set(who, what);
      for (const [name, list] of versions) vault.keys.set(name, list);
      vaults.keyVersion(kid).enabled = true;
      gone.clear();
      await clock.advance(30_000);
      expect((await keys.status(id))?.suspension).toBeUndefined();
      expect((await keys.admit(id)).outcome).toBe('admitted');
      expect(changes).toEqual([id, id]);
    },
  );

  it('by an expiry date still unwraps: the cluster goes on and warns, and the version cannot be set again', async () => {
    const { keys, cluster, customer, vaults } = await open();
    const kid = vaults.addKey(customerHost, 'k', { exp: started / 1000 - 60 });
    vaults.keyVersion(kid).exp = started / 1000 + 60;
    const id = await cluster(customer(kid));
    vaults.keyVersion(kid).exp = started / 1000 - 60;
    const status = await keys.recheck(id);
    expect(status.suspension).toBeUndefined();
    expect(status.warning).toContain('expired on 2025-12-31T23:59:00.000Z');
    const custody = customer(kid);
    if (custody.kind !== 'customer') throw new Error('no customer');
    expect(await keys.preflight(custody.key, 'eastus')).toMatchObject({ outcome: 'notUsableNow', why: 'expired' });
  });

  it('from one identity: another identity with access to the same key repairs it', async () => {
    const { keys, cluster, customer, vaults, commit } = await open();
    const kid = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(kid));
    vaults.vault(customerHost).access.clear();
    expect((await keys.recheck(id)).suspension).toBeDefined();
    const second = newGuid(systemRandomBytes);
    expect(await keys.change(id, customer(kid, { identity: second }))).toMatchObject({ outcome: 'currentKeyLost' });
    vaults.vault(customerHost).access.set(second, new Set(['get', 'wrapKey', 'unwrapKey']));
    await commit(await keys.change(id, customer(kid, { identity: second })));
    expect((await keys.status(id))?.suspension).toBeUndefined();
    expect((await keys.admit(id)).outcome).toBe('admitted');
  });

  it('with the principal: useIdentity points the record at the new one without asking the vault', async () => {
    const { keys, cluster, customer, vaults, state, gone, identity } = await open();
    const kid = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(kid));
    gone.add(identity);
    expect((await keys.recheck(id)).suspension).toMatchObject({ failure: { cause: 'noIdentity' } });
    const second = newGuid(systemRandomBytes);
    vaults.calls.length = 0;
    const write = await keys.useIdentity(id, second, '/subscriptions/s/u');
    if ('outcome' in write) throw new Error('refused');
    await state.commit({ write });
    expect((await keys.status(id))?.custody).toMatchObject({
      key: { identity: second, userIdentity: '/subscriptions/s/u' },
    });
    expect(vaults.calls).toEqual([]);
    expect((await keys.recheck(id)).suspension).toMatchObject({ failure: { cause: 'forbiddenByPolicy' } });
    vaults.vault(customerHost).access.set(second, new Set(['get', 'wrapKey', 'unwrapKey']));
    expect((await keys.recheck(id)).suspension).toBeUndefined();
  });

  it('while suspended, another identity has to unwrap what is recorded before anything is written', async () => {
    const { keys, cluster, customer, vaults, state } = await open();
    const old = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(old));
    vaults.vault(customerHost).access.clear();
    expect((await keys.recheck(id)).suspension).toBeDefined();
    const second = newGuid(systemRandomBytes);
    const use = () => keys.useIdentity(id, second, '/subscriptions/s/u', { mustOpen: true });
    expect(await use()).toMatchObject({ outcome: 'currentKeyLost', keyName: 'k', failure: { kind: 'refusal' } });
    expect(keys.processOf(id)).toBeUndefined();
    vaults.vault(customerHost).access.set(second, new Set(['get', 'wrapKey', 'unwrapKey']));
    vaults.keyVersion(old).enabled = false;
    expect(await use()).toMatchObject({ outcome: 'currentKeyLost', failure: { cause: 'keyDisabled' } });
    vaults.keyVersion(old).enabled = true;
    vaults.calls.length = 0;
    const write = await use();
    expect(vaults.calls.map(({ operation, version }) => [operation, version])).toEqual([['unwrapKey', old.version]]);
    if ('outcome' in write) throw new Error('refused');
    expect((await keys.admit(id)).outcome).toBe('suspended');
    await state.commit({ write });
    expect((await keys.recheck(id)).suspension).toBeUndefined();
    expect((await keys.admit(id)).outcome).toBe('admitted');
  });

  it('while suspended, another identity does not bring another version of the key along', async () => {
    const { keys, cluster, customer, vaults, commit } = await open();
    const old = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(old));
    const next = vaults.addKey(customerHost, 'k');
    vaults.vault(customerHost).access.clear();
    expect((await keys.recheck(id)).suspension).toBeDefined();
    const second = newGuid(systemRandomBytes);
    vaults.vault(customerHost).access.set(second, new Set(['get', 'wrapKey', 'unwrapKey']));
    for (const custody of [
      customer(next, { identity: second }),
      customer(next, { identity: second, versionless: true }),
    ])
      expect(await keys.change(id, custody)).toMatchObject({ outcome: 'currentKeyLost' });
    expect(await keys.status(id)).toMatchObject({ kid: old, suspension: { failure: { kind: 'refusal' } } });
    await commit(await keys.change(id, customer(old, { identity: second })));
    expect((await keys.status(id))?.suspension).toBeUndefined();
  });

  it('while suspended, no process is started for the checks', async () => {
    const { keys, cluster, customer, vaults, clock, log } = await open();
    const kid = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(kid));
    vaults.keyVersion(kid).enabled = false;
    keys.start();
    await clock.advance(30_000);
    [log.lines.length, vaults.calls.length] = [0, 0];
    await clock.advance(30_000);
    expect(vaults.calls.length).toBeGreaterThan(0);
    expect(log.lines.filter((line) => line.includes('cluster-process-started'))).toEqual([]);
    expect((await keys.status(id))?.suspension?.since).toBe(new Date(started + 30_000).toISOString());
  });
});
