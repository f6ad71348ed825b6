import { describe, expect, it } from 'vitest';
import type { ClusterKeysFixture } from '../../../tests/support/cluster-keys-fixture.ts';
import { clusterKeysSuite, customerHost } from '../../../tests/support/cluster-keys-fixture.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { Guid } from '../../base/guid.ts';
import { isJsonObject } from '../../base/json.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import { defaultLeaseSettings } from '../../encryption/lease.ts';
import type { State, StateCommit, Table } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { clusterCatalogTable, createRemoteCatalogStore } from '../process/remote-catalog-store.ts';
import type { RemoteState } from '../process/remote-state.ts';
import { createRemoteState } from '../process/remote-state.ts';
import { serveState } from './process-state.ts';

const open = clusterKeysSuite();

interface Extent {
  readonly rows: number;
}
const extents: Table<Extent> = {
  name: 'test-extents',
  parse: (value) => {
    if (!isJsonObject(value) || typeof value.rows !== 'number') throw new Error('damaged');
    return { rows: value.rows };
  },
};
const sealedNothing = { format: 1, generation: 2, revision: 1, sealed: 'AA' } as const;
const others: Table<Extent> = { ...extents, name: 'cluster-keys' };

/** The state as the process of `clusterId` sees it, without the process between. */
function remote(
  fixture: ClusterKeysFixture,
  clusterId: Guid,
  generation = 1,
  beforeCommit: (commit: StateCommit) => Promise<void> = () => Promise.resolve(),
): RemoteState {
  const { clock, monotonic, log } = fixture;
  const state: State = {
    get: (table, id) => fixture.state.get(table, id),
    list: (table, options) => fixture.state.list(table, options),
    commit: async (commit) => {
      await beforeCommit(commit);
      await fixture.state.commit(commit);
    },
  };
  const quiet = (): void => undefined;
  const ports = {
    ...{ state, clock, monotonic },
    settings: { ...defaultLeaseSettings, vaultTimeoutMs: 5000 },
    clusterTables: ['test-extents', 'cluster-catalog'],
    log: { event: quiet, failure: quiet, warning: (name: string) => log.lines.push(name) },
  };
  return createRemoteState({
    clusterId,
    generation: () => generation,
    call: async (operation, body) =>
      structuredClone(await serveState(ports, clusterId, operation, structuredClone(body))),
  });
}

describe('state of a cluster process', () => {
  it('reads and writes records of its own cluster', async () => {
    const fixture = await open();
    const id = await fixture.cluster();
    const state = remote(fixture, id);
    await state.commit({ write: [writeRecord(extents, `${id}/e1`, null, { rows: 3 })] });
    const found = await state.get(extents, `${id}/e1`);
    expect(found?.value).toEqual({ rows: 3 });
    expect((await state.list(extents)).map((record) => record.id)).toEqual([`${id}/e1`]);
    expect(await state.get(extents, `${id}/e2`)).toBeUndefined();
    const again = writeRecord(extents, `${id}/e1`, null, { rows: 4 });
    await expect(state.commit({ write: [again] })).rejects.toMatchObject({ name: 'StateConflictError' });
  });

  it('refuses other tables and other clusters, whatever the process sends', async () => {
    const fixture = await open();
    const [one, two] = [await fixture.cluster(), await fixture.cluster()];
    const state = remote(fixture, one);
    await expect(state.get(others, `${one}/x`)).rejects.toThrow('not its own');
    const ports = {
      ...{ state: fixture.state, clock: fixture.clock, monotonic: fixture.monotonic },
      settings: { ...defaultLeaseSettings, vaultTimeoutMs: 5000 },
      clusterTables: ['test-extents'],
      log: { event: () => undefined, failure: () => undefined, warning: () => undefined },
    };
    await expect(serveState(ports, one, 'stateGet', { table: 'test-extents', id: `${two}/x` })).rejects.toThrow(
      'not its own',
    );
    await expect(serveState(ports, one, 'stateList', { table: 'test-extents', prefix: '' })).rejects.toThrow(
      'not its own',
    );
    const write = [{ table: 'test-extents', id: `${two}/x`, expect: null, put: {} }];
    await expect(serveState(ports, one, 'stateCommit', { generation: 1, expect: [], write })).rejects.toThrow(
      'not its own',
    );
    expect(await fixture.state.list(extents)).toEqual([]);
  });

  it('commits nothing once the key is gone, the lease is over, the cluster stopped or the key another one', async () => {
    const fixture = await open();
    const { vaults, cluster, customer, keys, clock } = fixture;
    const kid = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(kid));
    const write = [writeRecord(extents, `${id}/e1`, null, { rows: 1 })];
    const notServed = { name: 'ClusterNotServedError' };
    await expect(remote(fixture, id, 2).commit({ write })).rejects.toMatchObject(notServed);
    await clock.advance(300_000);
    await expect(remote(fixture, id).commit({ write })).rejects.toMatchObject(notServed);
    vaults.keyVersion(kid).enabled = false;
    await keys.recheck(id);
    await expect(remote(fixture, id).commit({ write })).rejects.toMatchObject(notServed);
    vaults.keyVersion(kid).enabled = true;
    await keys.recheck(id);
    await keys.stop(id);
    await expect(remote(fixture, id).commit({ write })).rejects.toMatchObject(notServed);
    await expect(remote(fixture, newGuid(systemRandomBytes)).commit({ write: [] })).rejects.toMatchObject(notServed);
    await keys.recheck(id, { startStopped: true });
    await remote(fixture, id).commit({ write });
  });

  it('commits nothing when the cluster stops between the look at its key and the commit', async () => {
    const fixture = await open();
    const id = await fixture.cluster();
    const write = [writeRecord(extents, `${id}/e1`, null, { rows: 1 })];
    const late = remote(fixture, id, 1, () => fixture.keys.stop(id));
    await expect(late.commit({ write })).rejects.toMatchObject({ name: 'ClusterNotServedError' });
    expect(await fixture.state.list(extents)).toEqual([]);
  });

  it('commits although leases are renewed all the time', async () => {
    const fixture = await open();
    const id = await fixture.cluster();
    const state = remote(fixture, id);
    const renewals = Array.from({ length: 5 }, () => fixture.keys.recheck(id));
    for (let index = 0; index < 50; index += 1) {
      await state.commit({ write: [writeRecord(extents, `${id}/e${index}`, null, { rows: index })] });
    }
    await Promise.all(renewals);
    expect(await state.list(extents)).toHaveLength(50);
  });

  it('has the room that is kept on a full disk for what says that it takes away, and does', async () => {
    const fixture = await open();
    const id = await fixture.cluster();
    const told: (boolean | undefined)[] = [];
    const state = remote(fixture, id, 1, ({ adds }) => {
      told.push(adds);
      return Promise.resolve();
    });
    await state.commit({ write: [writeRecord(extents, `${id}/e1`, null, { rows: 1 })], adds: false });
    const { version } = (await state.get(extents, `${id}/e1`)) ?? { version: null };
    const gone = writeRecord(extents, `${id}/e1`, version, null);
    const more = [2, 3, 4, 5].map((at) => writeRecord(extents, `${id}/e${at}`, null, { rows: at }));
    await state.commit({ write: [gone, ...more.slice(0, 1)] });
    await state.commit({ write: [writeRecord(extents, `${id}/e1`, null, { rows: 1 })] });
    const again = (await state.get(extents, `${id}/e1`)) ?? { version: null };
    await state.commit({
      write: [writeRecord(extents, `${id}/e1`, again.version, null), ...more.slice(1)],
      adds: false,
    });
    const left = (await state.get(extents, `${id}/e2`)) ?? { version: null };
    await state.commit({ write: [writeRecord(extents, `${id}/e2`, left.version, null)] });
    expect(told).toEqual([true, true, true, false, false]);
  });

  it('writes beside the catalog in use for the change that is under way, and for no other', async () => {
    const fixture = await open();
    const { vaults, cluster, customer, keys, commit, state, recordOf, host } = fixture;
    const id = await cluster();
    const to = customer(vaults.addKey(customerHost, 'k'));
    const prepared = await keys.change(id, to);
    if (!('write' in prepared)) throw new Error('refused');
    const { replacing } = await recordOf(id);
    const change = replacing?.change;
    if (change === undefined) throw new Error('no mark');
    const process = remote(fixture, id);
    const record = (at: string) => [writeRecord(clusterCatalogTable, `${id}/${at}`, null, sealedNothing)];
    await process.stage(change, record('~/t/1'));
    for (const at of ['t/1', '~/head', 'head'])
      await expect(process.stage(change, record(at))).rejects.toThrow('not its own');
    const ended = { name: 'ChangeEndedError' };
    await expect(process.stage(newGuid(systemRandomBytes), record('~/t/2'))).rejects.toMatchObject(ended);
    // One that takes long stays alive, as long as it goes on.
    for (let n = 0; n < 3; n += 1) {
      await host.elapse(30_000);
      await process.stage(change, n === 1 ? [] : record(`~/t/long${n}`));
    }
    await expect(process.commit({ write: [] })).rejects.toMatchObject({ name: 'CustodyChangingError' });
    // Whoever has ended it may have written there: that is not told as a conflict.
    await host.elapse(30_000);
    let isEnded = false;
    const late = remote(fixture, id, 1, async () => {
      if (isEnded) return;
      isEnded = true;
      await prepared.abandoned();
    });
    await expect(late.stage(change, record('~/t/1'))).rejects.toMatchObject(ended);
    for (const write of [record('~/t/2'), []]) await expect(process.stage(change, write)).rejects.toMatchObject(ended);
    const left = async () => (await state.list(clusterCatalogTable, { prefix: `${id}/` })).map((found) => found.id);
    expect(await left()).toContain(`${id}/~/t/1`);
    await commit(await keys.change(id, to)); // clears it first, and the other side after it
    expect(await left()).toEqual([`${id}/~/head`]);
    const [, back] = [await commit(await keys.change(id, { kind: 'microsoftManaged' })), await left()];
    expect(back).toEqual([`${id}/head`]);
    expect(await createRemoteCatalogStore(remote(fixture, id, 3), id).load(undefined)).toHaveLength(1);
  });

  it('adds nothing while a change of custody is under way, and goes on after it; a dead change gives way and cannot commit', async () => {
    const fixture = await open();
    const { vaults, cluster, customer, keys, state, commit, host } = fixture;
    const id = await cluster();
    const to = customer(vaults.addKey(customerHost, 'k'));
    const write = [writeRecord(extents, `${id}/e1`, null, { rows: 1 })];
    const change = await keys.change(id, to);
    if (!('write' in change)) throw new Error('refused');
    await expect(remote(fixture, id).commit({ write })).rejects.toMatchObject({ name: 'CustodyChangingError' });
    await change.abandoned();
    await remote(fixture, id).commit({ write });
    const dead = await keys.change(id, to);
    if (!('write' in dead)) throw new Error('refused');
    await host.elapse(61_000);
    await remote(fixture, id).commit({ write: [writeRecord(extents, `${id}/e2`, null, { rows: 1 })] });
    await expect(state.commit({ write: dead.write })).rejects.toMatchObject({ name: 'StateConflictError' });
    await dead.abandoned();
    await commit(await keys.change(id, to));
    expect((await state.get(clusterKeyTable, id))?.value.replacing).toBeUndefined();
    await remote(fixture, id, 2).commit({ write: [writeRecord(extents, `${id}/e3`, null, { rows: 1 })] });
  });
});
