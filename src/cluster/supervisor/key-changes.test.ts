import { describe, expect, it } from 'vitest';
import { clusterKeysSuite, customerHost, serviceHost } from '../../../tests/support/cluster-keys-fixture.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { Custody } from '../../encryption/cluster-keys.ts';
import { infrastructureKeyTable } from '../../encryption/infrastructure/infrastructure-key.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import { writeRecord } from '../../state/state.ts';
import { clusterCatalogTable } from '../process/remote-catalog-store.ts';
import { keyTodos } from './key-todos.ts';

const open = clusterKeysSuite();
const microsoftManaged: Custody = { kind: 'microsoftManaged' };

describe('create', () => {
  it('makes a key of its own for each cluster in the service vault, reached with the hidden identity', async () => {
    const { keys, cluster, vaults, serviceIdentity, minted, state, recordOf } = await open();
    const [one, two] = [await cluster(), await cluster()];
    expect(await keys.status(one)).toMatchObject({ custody: microsoftManaged, generation: 1 });
    expect((await recordOf(one)).kid.name).not.toBe((await recordOf(two)).kid.name);
    expect(vaults.calls.map(({ host, identity }) => [host, identity])).toEqual(
      Array.from({ length: 4 }, () => [serviceHost, serviceIdentity]),
    );
    expect(minted.every(({ audience }) => audience === 'https://vault.azure.net')).toBe(true);
    expect(await state.list(keyTodos)).toEqual([]);
    expect((await keys.admit(one)).outcome).toBe('admitted');
  });

  it('commits an empty catalog with the key, so that one that is lost is noticed', async () => {
    const { keys, cluster, customer, vaults, commit, state, recordOf } = await open();
    const id = await cluster();
    const [head, ...others] = await state.list(clusterCatalogTable);
    expect([head?.id, others]).toEqual([`${id}/head`, []]);
    await commit(await keys.change(id, customer(vaults.addKey(customerHost, 'k'))));
    expect((await state.list(clusterCatalogTable)).map((record) => record.id)).toEqual([`${id}/~/head`]); // it moves over
    const changed = await state.get(clusterCatalogTable, `${id}/~/head`);
    expect([changed?.value.generation, (await recordOf(id)).generation]).toEqual([2, 2]);
    if (changed === undefined) throw new Error('no head');
    await state.commit({ write: [writeRecord(clusterCatalogTable, changed.id, changed.version, null)] });
    await expect(keys.change(id, microsoftManaged)).rejects.toThrow('CatalogDamagedError');
    // Nothing is left half: the cluster has the key that it had.
    expect(await recordOf(id)).toMatchObject({ generation: 2, custody: { kind: 'customer' } });
    expect((await recordOf(id)).replacing).toBeUndefined();
  });

  it('is not changed while what is kept of a catalog that was set back waits for the key of now', async () => {
    const { keys, cluster, customer, vaults, commit, state, recordOf } = await open();
    const id = await cluster();
    const [head] = await state.list(clusterCatalogTable);
    if (head === undefined) throw new Error('no head');
    await state.commit({ write: [writeRecord(clusterCatalogTable, `${id}/~k/head`, null, head.value)] });
    const to = customer(vaults.addKey(customerHost, 'k'));
    expect(await keys.change(id, to)).toMatchObject({
      ...{ outcome: 'failed', failure: { message: expect.stringContaining('was set back to a backup') as string } },
    });
    expect(await recordOf(id)).toMatchObject({ generation: 1, custody: microsoftManaged });
    expect((await recordOf(id)).replacing).toBeUndefined();
    const kept = await state.get(clusterCatalogTable, `${id}/~k/head`);
    await state.commit({ write: [writeRecord(clusterCatalogTable, `${id}/~k/head`, kept?.version ?? null, null)] });
    await commit(await keys.change(id, to));
    expect(await recordOf(id)).toMatchObject({ generation: 2, custody: { kind: 'customer' } });
  });

  it('fails without a trace when the vault refuses, and destroys the service key it had made', async () => {
    const { keys, vaults, state } = await open();
    vaults.vault(serviceHost).access.clear();
    const result = await keys.create(newGuid(systemRandomBytes), microsoftManaged);
    expect(result).toMatchObject({ outcome: 'failed', failure: { cause: 'forbiddenByPolicy', kind: 'refusal' } });
    expect(vaults.vault(serviceHost).keys.size).toBe(0);
    expect(await state.list(keyTodos)).toEqual([]);
    expect(await state.list(clusterKeyTable)).toEqual([]);
  });

  it('abandoned: the service key is destroyed and the process ends', async () => {
    const { keys, vaults } = await open();
    const id = newGuid(systemRandomBytes);
    const prepared = await keys.create(id, microsoftManaged);
    if (!('write' in prepared)) throw new Error('refused');
    await prepared.abandoned();
    expect(vaults.vault(serviceHost).keys.size).toBe(0);
    expect(await keys.status(id)).toBeUndefined();
    expect(await keys.admit(id)).toEqual({ outcome: 'absent' });
  });

  it('with double encryption makes a key of the platform for good, which goes with the cluster', async () => {
    const { keys, vaults, state, commit, customer } = await open();
    const id = newGuid(systemRandomBytes);
    await commit(await keys.create(id, microsoftManaged, { doubleEncryption: true }));
    const made = await state.list(infrastructureKeyTable);
    expect(made.map((record) => record.id)).toEqual([id]);
    const head = async (side: string) => (await state.get(clusterCatalogTable, `${id}/${side}head`))?.value;
    expect(await head('')).toMatchObject({ twice: true });
    await commit(await keys.change(id, customer(vaults.addKey(customerHost, 'k'))));
    expect(await head('~/')).toMatchObject({ twice: true, generation: 2 });
    expect(await state.list(infrastructureKeyTable)).toEqual(made);
    await state.commit({ write: await keys.remove(id) });
    expect(await state.list(infrastructureKeyTable)).toEqual([]);
  });

  it('with a customer key pins the full versioned kid of the latest version', async () => {
    const { keys, cluster, customer, vaults } = await open();
    vaults.addKey(customerHost, 'k');
    const latest = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(latest, { versionless: true }));
    expect((await keys.status(id))?.kid).toEqual(latest);
  });
});

describe('rotation to a new version of the same key', () => {
  it('is one unwrap with the recorded version, one wrap with the next and the unwrap that proves it, and one commit', async () => {
    const { keys, cluster, customer, vaults, commit, compacted, pidOf } = await open();
    const old = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(old));
    const next = vaults.addKey(customerHost, 'k');
    const pid = await pidOf(id);
    vaults.calls.length = 0;
    const change = await commit(await keys.change(id, customer(next)));
    expect(vaults.calls.map(({ operation, version }) => [operation, version])).toEqual([
      ['unwrapKey', old.version],
      ['wrapKey', next.version],
      ['unwrapKey', next.version],
    ]);
    expect(change.write).toHaveLength(1);
    expect(await keys.status(id)).toMatchObject({ kid: next, generation: 1 });
    expect(await pidOf(id)).toBe(pid); // no restart
    expect(compacted.count).toBe(0);
    vaults.keyVersion(old).enabled = false; // free to be disabled
    expect((await keys.recheck(id)).suspension).toBeUndefined();
  });

  it('keeps the same cluster key', async () => {
    const { keys, cluster, customer, vaults, commit } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    await commit(await keys.change(id, customer(vaults.addKey(customerHost, 'k'))));
    expect(new Set(vaults.plaintexts.map((bytes) => bytes.toString('hex'))).size).toBe(1);
  });

  it('between the two calls of a check does not suspend: the check is made again with the new record', async () => {
    const { keys, cluster, customer, vaults, commit } = await open();
    const old = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(old));
    const next = vaults.addKey(customerHost, 'k');
    const changes: string[] = [];
    keys.onChange((changed) => changes.push(changed));
    let rotated = false;
    vaults.before = async ({ operation }) => {
      if (rotated || operation !== 'unwrapKey') return;
      rotated = true;
      await commit(await keys.change(id, customer(next)));
      vaults.keyVersion(old).enabled = false; // so the unwrap under way is refused
    };
    const status = await keys.recheck(id);
    expect(rotated).toBe(true);
    expect(vaults.calls.some(({ version, status: code }) => version === old.version && code === 403)).toBe(true);
    expect(status.suspension).toBeUndefined();
    expect(status.kid).toEqual(next);
    expect(changes).toEqual([]);
  });

  it('loses to a change that was committed meanwhile: nothing is overwritten unseen', async () => {
    const { keys, cluster, customer, vaults, commit, state } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    const [second, third] = [vaults.addKey(customerHost, 'k'), vaults.addKey(customerHost, 'k')];
    const slow = await keys.change(id, customer(second));
    await commit(await keys.change(id, customer(third)));
    if (!('write' in slow)) throw new Error('refused');
    await expect(state.commit({ write: slow.write })).rejects.toMatchObject({ name: 'StateConflictError' });
    await slow.abandoned();
    expect((await keys.recheck(id)).kid).toEqual(third);
    expect((await keys.admit(id)).outcome).toBe('admitted');
  });

  it('to a version that cannot wrap changes nothing', async () => {
    const { keys, cluster, customer, vaults } = await open();
    const old = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(old));
    const next = vaults.addKey(customerHost, 'k', { enabled: false });
    expect(await keys.change(id, customer(next))).toMatchObject({
      outcome: 'failed',
      failure: { cause: 'keyDisabled' },
    });
    expect(await keys.recheck(id)).toMatchObject({ kid: old });
  });
});

describe('change of custody', () => {
  it('makes a new cluster key, counts a generation, destroys the old service key and compacts', async () => {
    const { keys, cluster, customer, vaults, commit, compacted, state, recordOf } = await open();
    const id = await cluster();
    const before = await recordOf(id);
    const kid = vaults.addKey(customerHost, 'k');
    await commit(await keys.change(id, customer(kid)));
    const after = await recordOf(id);
    expect(after).toMatchObject({ generation: 2, kid });
    expect(after.check).not.toBe(before.check);
    expect(vaults.vault(serviceHost).keys.size).toBe(0);
    expect(await state.list(keyTodos)).toEqual([]);
    expect(compacted.count).toBe(1);
    expect(await keys.admit(id)).toMatchObject({ outcome: 'admitted', generation: 2 });
  });

  it('and back to Microsoft-managed: the customer may take the key away afterwards', async () => {
    const { keys, cluster, customer, vaults, commit } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    await commit(await keys.change(id, microsoftManaged));
    vaults.vaults.delete(customerHost);
    expect(await keys.recheck(id)).toMatchObject({ custody: microsoftManaged, generation: 2 });
    expect((await keys.admit(id)).outcome).toBe('admitted');
  });

  it('interrupted after the commit: the old service key is destroyed by the next round', async () => {
    const { keys, cluster, customer, vaults, state, clock, faults } = await open();
    const id = await cluster();
    faults.at = (step) => {
      if (step === 'committed') throw new Error('the power fails');
    };
    const change = await keys.change(id, customer(vaults.addKey(customerHost, 'k')));
    if (!('write' in change)) throw new Error('refused');
    await state.commit({ write: change.write });
    await expect(change.committed()).rejects.toThrow('the power fails');
    expect(vaults.vault(serviceHost).keys.size).toBe(1);
    delete faults.at;
    keys.start();
    await clock.advance(30_000);
    expect(vaults.vault(serviceHost).keys.size).toBe(0);
    expect(await state.list(keyTodos)).toEqual([]);
    expect(await keys.admit(id)).toMatchObject({ outcome: 'admitted', generation: 2 });
  });
});
