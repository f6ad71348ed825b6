import { describe, expect, it } from 'vitest';
import { clusterKeysSuite, customerHost, isAlive } from '../../../tests/support/cluster-keys-fixture.ts';
import type { ClusterKeysFixture } from '../../../tests/support/cluster-keys-fixture.ts';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { CustomerKey } from '../../encryption/cluster-keys.ts';
import { databaseKeyTable } from '../../encryption/database-keys.ts';
import { defaultLeaseSettings } from '../../encryption/lease.ts';
import { serveState } from './process-state.ts';

const open = clusterKeysSuite();

type Kid = ReturnType<ClusterKeysFixture['vaults']['addKey']>;

const keyOf = ({ customer }: ClusterKeysFixture, kid: Kid, versionless = false): CustomerKey => {
  const custody = customer(kid, { versionless });
  if (custody.kind !== 'customer') throw new Error('a customer has a key');
  return custody.key;
};

/** A cluster with a database under a key of its own. */
async function withDatabase(fixture: ClusterKeysFixture, versionless = false) {
  const kid = fixture.vaults.addKey(customerHost, 'of-database');
  const clusterId = await fixture.cluster();
  await fixture.pidOf(clusterId);
  const databaseId = newGuid(systemRandomBytes);
  await fixture.commit(await fixture.keys.databases.create(clusterId, databaseId, keyOf(fixture, kid, versionless)));
  return { kid, clusterId, databaseId };
}

async function withoutKey(fixture: ClusterKeysFixture) {
  const clusterId = await fixture.cluster();
  await fixture.pidOf(clusterId);
  return { kid: undefined, clusterId, databaseId: newGuid(systemRandomBytes) };
}

const held = ({ keys }: ClusterKeysFixture, clusterId: Guid, databaseId: Guid): string | undefined =>
  keys.processOf(clusterId)?.databases.get(databaseId);

describe('the key of a single database', () => {
  it('is opened again by the next process, from its record', async () => {
    const fixture = await open();
    const { clusterId, databaseId } = await withDatabase(fixture);
    const pid = await fixture.pidOf(clusterId);
    expect(held(fixture, clusterId, databaseId)).toBe('open');
    await fixture.keys.processOf(clusterId)?.end();
    expect(isAlive(pid)).toBe(false);
    expect(await fixture.pidOf(clusterId)).not.toBe(pid);
    expect(held(fixture, clusterId, databaseId)).toBe('open');
  });

  it('leaves nothing when its commit does not come, and is complete when the process dies before it', async () => {
    const fixture = await open();
    const { clusterId, kid } = await withDatabase(fixture);
    const prepared = async (databaseId: Guid) => {
      const made = await fixture.keys.databases.create(clusterId, databaseId, keyOf(fixture, kid));
      if (!('write' in made)) throw new Error('refused');
      return made;
    };
    const given = newGuid(systemRandomBytes);
    const givenUp = await prepared(given);
    await givenUp.abandoned();
    expect(held(fixture, clusterId, given)).toBeUndefined();
    expect(await fixture.keys.databases.status(clusterId, given)).toBeUndefined();
    const late = newGuid(systemRandomBytes);
    const change = await prepared(late);
    await fixture.keys.processOf(clusterId)?.end();
    await fixture.commit(change);
    await fixture.pidOf(clusterId);
    expect(held(fixture, clusterId, late)).toBe('open');
  });

  it('ends the process that holds it when it is refused, and not the next one, which serves without it', async () => {
    const fixture = await open();
    const { kid, clusterId, databaseId } = await withDatabase(fixture);
    const pid = await fixture.pidOf(clusterId);
    const alive: boolean[] = [];
    fixture.keys.onChange(() => alive.push(isAlive(pid)));
    fixture.vaults.keyVersion(kid).enabled = false;
    await fixture.keys.checkAll();
    expect(alive).toEqual([false]);
    expect((await fixture.keys.databases.status(clusterId, databaseId))?.suspension?.failure.cause).toBe('keyDisabled');
    expect((await fixture.keys.status(clusterId))?.suspension).toBeUndefined();
    const next = await fixture.pidOf(clusterId);
    expect(held(fixture, clusterId, databaseId)).toBe('locked');
    await fixture.keys.checkAll();
    expect(isAlive(next)).toBe(true);
    fixture.vaults.keyVersion(kid).enabled = true;
    await fixture.keys.checkAll();
    expect(held(fixture, clusterId, databaseId)).toBe('open');
    expect(await fixture.pidOf(clusterId)).toBe(next);
  });

  it('is needed for every commit of a process that holds it', async () => {
    const fixture = await open();
    const { kid, clusterId, databaseId } = await withDatabase(fixture);
    await fixture.pidOf(clusterId);
    const { state, clock, monotonic } = fixture;
    const quiet = (): void => undefined;
    const settings = { ...defaultLeaseSettings, vaultTimeoutMs: 5000 };
    const ports = {
      ...{ state, clock, monotonic, settings, clusterTables: ['test-extents'] },
      log: { event: quiet, failure: quiet, warning: quiet },
    };
    const commit = (id: string, has: 'open' | 'locked'): Promise<unknown> => {
      const write = [{ table: 'test-extents', id: `${clusterId}/${id}`, expect: null, put: { rows: 1 } }];
      const body = { generation: 1, expect: [], write };
      return serveState(ports, clusterId, 'stateCommit', body, { databases: new Map([[databaseId, has]]) });
    };
    expect(await commit('before', 'open')).toEqual({ outcome: 'committed' });
    fixture.vaults.keyVersion(kid).enabled = false;
    await fixture.keys.checkAll();
    expect(await commit('after', 'open')).toEqual({ outcome: 'notServed' });
    expect(await commit('without', 'locked')).toEqual({ outcome: 'committed' });
  });

  it('is not carried over to another version while it is lost', async () => {
    const fixture = await open();
    const { kid, clusterId, databaseId } = await withDatabase(fixture);
    const newer = fixture.vaults.addKey(customerHost, 'of-database');
    fixture.vaults.keyVersion(kid).enabled = false;
    await fixture.keys.checkAll();
    expect(await fixture.keys.databases.change(clusterId, databaseId, keyOf(fixture, newer))).toMatchObject({
      outcome: 'currentKeyLost',
      keyName: 'of-database',
    });
  });

  describe('that is changed', () => {
    const changes = ['comes', 'is another one', 'goes'] as const;
    type Change = (typeof changes)[number];

    /** A database before such a change, and the key that it leads to. */
    async function before(fixture: ClusterKeysFixture, change: Change) {
      const made = change === 'comes' ? await withoutKey(fixture) : await withDatabase(fixture);
      const next = fixture.vaults.addKey(customerHost, 'another');
      return { ...made, next, to: change === 'goes' ? undefined : keyOf(fixture, next) };
    }

    it.each(changes)('%s: the cluster gets a new key, too, its process stays and knows of it', async (change) => {
      const fixture = await open();
      const { kid, clusterId, databaseId, next, to } = await before(fixture, change);
      const pid = await fixture.pidOf(clusterId);
      const generation = (await fixture.keys.status(clusterId))?.generation ?? 0;
      await fixture.commit(await fixture.keys.databases.change(clusterId, databaseId, to));
      expect(await fixture.pidOf(clusterId)).toBe(pid);
      expect(held(fixture, clusterId, databaseId)).toBe(to === undefined ? undefined : 'open');
      expect(await fixture.keys.status(clusterId)).toMatchObject({
        custody: { kind: 'microsoftManaged' },
        generation: generation + 1,
      });
      const after = await fixture.keys.databases.status(clusterId, databaseId);
      expect(after?.kid).toEqual(to === undefined ? undefined : next);
      // The key that it had is needed for nothing any more.
      if (kid !== undefined) fixture.vaults.keyVersion(kid).enabled = false;
      await fixture.keys.checkAll();
      expect((await fixture.keys.databases.suspensions(clusterId)).size).toBe(0);
      expect(await fixture.pidOf(clusterId)).toBe(pid);
      await fixture.keys.processOf(clusterId)?.end();
      await fixture.pidOf(clusterId);
      expect(held(fixture, clusterId, databaseId)).toBe(to === undefined ? undefined : 'open');
      expect(fixture.compacted.count).toBeGreaterThan(0);
    });

    it.each(changes)('%s: a change that is given up leaves all as it was', async (change) => {
      const fixture = await open();
      const { kid, clusterId, databaseId, to } = await before(fixture, change);
      const records = await fixture.state.list(databaseKeyTable);
      const prepared = await fixture.keys.databases.change(clusterId, databaseId, to);
      if (!('write' in prepared)) throw new Error('refused');
      await prepared.abandoned();
      expect(await fixture.state.list(databaseKeyTable)).toEqual(records);
      expect((await fixture.recordOf(clusterId)).replacing).toBeUndefined();
      await fixture.pidOf(clusterId);
      expect(held(fixture, clusterId, databaseId)).toBe(kid === undefined ? undefined : 'open');
    });

    it.each(changes)('%s: a process that did not make the change ends, for it has another key', async (change) => {
      const fixture = await open();
      const { clusterId, databaseId, to } = await before(fixture, change);
      const prepared = await fixture.keys.databases.change(clusterId, databaseId, to);
      await fixture.keys.processOf(clusterId)?.end();
      const pid = await fixture.pidOf(clusterId);
      await fixture.commit(prepared);
      expect(isAlive(pid)).toBe(false);
      await fixture.pidOf(clusterId);
      expect(held(fixture, clusterId, databaseId)).toBe(to === undefined ? undefined : 'open');
    });

    it.each(['is another one', 'goes'] as const)('%s: not while what is recorded does not open', async (change) => {
      const fixture = await open();
      const { kid, clusterId, databaseId, to } = await before(fixture, change);
      if (kid === undefined) throw new Error('the database has a key');
      fixture.vaults.keyVersion(kid).enabled = false;
      expect(await fixture.keys.databases.change(clusterId, databaseId, to)).toMatchObject({
        outcome: 'currentKeyLost',
        keyName: 'of-database',
        failure: { cause: 'keyDisabled' },
      });
      // What it found out counts at once, and the cluster is free for other changes.
      expect((await fixture.keys.databases.suspensions(clusterId)).has(databaseId)).toBe(true);
      expect((await fixture.recordOf(clusterId)).replacing).toBeUndefined();
    });

    it('is another one: not when that one is refused, or the key of the cluster', async () => {
      const fixture = await open();
      const { clusterId, databaseId, next, to } = await before(fixture, 'is another one');
      fixture.vaults.keyVersion(next).enabled = false;
      const refused = { outcome: 'failed', failure: { cause: 'keyDisabled' } };
      expect(await fixture.keys.databases.change(clusterId, databaseId, to)).toMatchObject(refused);
      fixture.vaults.keyVersion(next).enabled = true;
      const { kid } = await fixture.recordOf(clusterId);
      fixture.vaults.keyVersion(kid).enabled = false;
      const lost = { outcome: 'currentKeyLost', keyName: kid.name };
      expect(await fixture.keys.databases.change(clusterId, databaseId, to)).toMatchObject(lost);
    });

    it('loses to another change of it: nothing is overwritten unseen', async () => {
      const fixture = await open();
      const { clusterId, databaseId, to } = await before(fixture, 'is another one');
      const slow = await fixture.keys.databases.change(clusterId, databaseId, undefined);
      await fixture.commit(await fixture.keys.databases.change(clusterId, databaseId, to));
      if (!('write' in slow)) throw new Error('refused');
      await expect(fixture.state.commit({ write: slow.write })).rejects.toMatchObject({ name: 'StateConflictError' });
      await slow.abandoned();
      await fixture.pidOf(clusterId);
      expect(held(fixture, clusterId, databaseId)).toBe('open');
    });
  });

  it('that names no version follows the latest one, and then needs the older one no more', async () => {
    const fixture = await open();
    const { kid, clusterId, databaseId } = await withDatabase(fixture, true);
    const pid = await fixture.pidOf(clusterId);
    const newer = fixture.vaults.addKey(customerHost, 'of-database');
    await fixture.keys.checkAll();
    expect((await fixture.keys.databases.status(clusterId, databaseId))?.kid).toEqual(newer);
    fixture.vaults.keyVersion(kid).enabled = false;
    await fixture.keys.checkAll();
    expect((await fixture.keys.databases.status(clusterId, databaseId))?.suspension).toBeUndefined();
    expect(await fixture.pidOf(clusterId)).toBe(pid);
    await fixture.keys.processOf(clusterId)?.end();
    await fixture.pidOf(clusterId);
    expect(held(fixture, clusterId, databaseId)).toBe('open');
  });

  it('goes with its cluster', async () => {
    const fixture = await open();
    const { clusterId, databaseId } = await withDatabase(fixture);
    await fixture.state.commit({ write: await fixture.keys.remove(clusterId) });
    expect(await fixture.keys.databases.status(clusterId, databaseId)).toBeUndefined();
  });
});
