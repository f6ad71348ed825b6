import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ClusterKeysFixture, FixtureState } from '../../../tests/support/cluster-keys-fixture.ts';
import { clusterKeysSuite, customerHost, serviceHost } from '../../../tests/support/cluster-keys-fixture.ts';
import type { Json } from '../../base/json.ts';
import type { ManualHost } from '../../clock/manual-host.ts';
import type { Custody } from '../../encryption/cluster-keys.ts';
import { SqliteStateStore } from '../../state/sqlite/sqlite-state-store.ts';
import type { StateStore, StoredRecord } from '../../state/state-store.ts';
import type { Table, Versioned } from '../../state/state.ts';
import { keyTodos } from './key-todos.ts';
import type { KeyStep } from './ports.ts';

const open = clusterKeysSuite();
const microsoftManaged: Custody = { kind: 'microsoftManaged' };

interface Change {
  readonly from: (fixture: ClusterKeysFixture) => Custody;
  readonly to: (fixture: ClusterKeysFixture) => Custody;
  readonly steps: readonly KeyStep[];
  /** Takes the old key away for good. */
  readonly takeOld: (fixture: ClusterKeysFixture) => void;
}

const newVersion = ({ vaults, customer }: ClusterKeysFixture): Custody => customer(vaults.addKey(customerHost, 'k'));
const changes: Record<string, Change> = {
  rotation: {
    from: newVersion,
    to: newVersion,
    steps: ['prepared', 'committed'],
    takeOld: ({ vaults }) => {
      const old = vaults.vault(customerHost).keys.get('k')?.[0];
      if (old !== undefined) old.enabled = false;
    },
  },
  'to a customer key': {
    from: () => microsoftManaged,
    to: newVersion,
    steps: ['prepared', 'committed', 'serviceKeyDestroyed', 'compacted'],
    takeOld: ({ vaults }) => {
      vaults.vaults.delete(serviceHost);
    },
  },
  'to Microsoft-managed': {
    from: newVersion,
    to: () => microsoftManaged,
    steps: ['serviceKeyPlanned', 'serviceKeyMade', 'prepared', 'committed', 'compacted'],
    takeOld: ({ vaults }) => {
      vaults.vaults.delete(customerHost);
    },
  },
};

const cases = Object.entries(changes).flatMap(([name, change]) => change.steps.map((step) => ({ name, step, change })));

describe('a crash', () => {
  it.each(cases)(
    'during $name at $step leaves the old key or the new one, and nothing else in the service vault',
    async ({ step, change }) => {
      const fixture = await open();
      const { cluster, faults, state, vaults, host, recordOf } = fixture;
      const id = await cluster(change.from(fixture));
      const before = await recordOf(id);
      // The world stops at the step: nothing after it ever happens.
      const stopped = new Promise<void>((resolve) => {
        faults.at = (at) => {
          if (at !== step) return undefined;
          resolve();
          return new Promise(() => undefined);
        };
      });
      const run = async (): Promise<never> => {
        const prepared = await fixture.keys.change(id, change.to(fixture));
        if (!('write' in prepared)) throw new Error('refused');
        await state.commit({ write: prepared.write });
        await prepared.committed();
        throw new Error('the step was never reached');
      };
      await Promise.race([stopped, run()]);
      delete faults.at;
      const keys = await fixture.reopen();
      const serviceKeys = vaults.vault(serviceHost).keys;
      if ((await recordOf(id)).wrapped !== before.wrapped) change.takeOld(fixture);
      expect((await keys.admit(id)).outcome).toBe('admitted');
      await host.elapse(11 * 60_000);
      keys.start();
      await fixture.clock.advance(30_000);
      const { custody, kid } = await recordOf(id);
      const expected = custody.kind === 'microsoftManaged' ? [kid.name] : [];
      if (vaults.vaults.has(serviceHost)) expect([...serviceKeys.keys()]).toEqual(expected);
      expect((await keys.admit(id)).outcome).toBe('admitted');
      if (vaults.vaults.has(serviceHost)) expect(await state.list(keyTodos)).toEqual([]);
      if (custody.kind !== before.custody.kind) expect(fixture.compacted.count).toBeGreaterThan(0);
    },
  );
});

describe('a change of custody that a crash has ended', () => {
  it.each([
    ['started again', () => undefined],
    ['started again with a clock that was set back', (host: ManualHost) => host.jump(-2 * 3_600_000)],
    ['started again with the machine', (host: ManualHost) => host.reboot(1_000)],
  ])('holds nobody up once Kustody has %s', async (_how, between) => {
    const fixture = await open();
    const { cluster, faults, host, recordOf } = fixture;
    const id = await cluster();
    const stopped = new Promise<void>((resolve) => {
      faults.at = (at) => {
        if (at !== 'prepared') return undefined;
        resolve();
        return new Promise(() => undefined);
      };
    });
    void fixture.keys.change(id, newVersion(fixture));
    await stopped;
    delete faults.at;
    expect((await recordOf(id)).replacing).toBeDefined();
    await host.elapse(1);
    between(host);
    const keys = await fixture.reopen();
    keys.start();
    for (let turn = 0; turn < 100 && (await recordOf(id)).replacing !== undefined; turn += 1)
      await new Promise((resolve) => setImmediate(resolve));
    expect((await recordOf(id)).replacing).toBeUndefined();
    expect((await keys.admit(id)).outcome).toBe('admitted');
  });
});

/** Records as plain JSON: what a store may show once somebody has the root key. */
function plainState(store: StateStore): FixtureState {
  const read = <T>(table: Table<T>, record: StoredRecord): Versioned<T> => ({
    id: record.id,
    version: record.version,
    value: table.parse(JSON.parse(Buffer.from(record.value).toString('utf8')) as Json),
  });
  return {
    get: async (table, id) => {
      const record = await store.get(table.name, id);
      return record === undefined ? undefined : read(table, record);
    },
    list: async (table, options) => (await store.list(table.name, options)).map((record) => read(table, record)),
    commit: ({ expect: expected = [], write }) =>
      store.commit({
        expect: expected.map(({ table, id, expect: version }) => ({ table: table.name, id, expect: version })),
        write: write.map(({ table, id, expect: version, put }) => ({
          ...{ table: table.name, id, expect: version },
          put: put === null ? null : { version: (version ?? 0) + 1, value: Buffer.from(JSON.stringify(put)) },
        })),
      }),
    compact: () => store.compact(),
  };
}

describe('after a change of custody', () => {
  it('nothing on disk opens with the old KEK, even without the seal of the root key', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kustody-custody-'));
    const store = SqliteStateStore.open(directory);
    try {
      const { cluster, customer, vaults, keys, commit, recordOf } = await open({
        store,
        openState: (opened) => Promise.resolve(plainState(opened)),
      });
      // In a process of its own: closing the file here would take the lock of the store away.
      const onDisk = (text: string): boolean => {
        const { status } = spawnSync('grep', ['-raqF', '--', text, directory]);
        expect([0, 1]).toContain(status); // it could read all that there is
        return status === 0;
      };
      const first = vaults.addKey(customerHost, 'k');
      const id = await cluster(customer(first));
      const old = [(await recordOf(id)).wrapped];
      await commit(await keys.change(id, customer(vaults.addKey(customerHost, 'k'))));
      old.push((await recordOf(id)).wrapped);
      for (let renewal = 0; renewal < 3; renewal += 1) await keys.recheck(id);
      expect(old.map((wrapped) => onDisk(wrapped)).at(-1)).toBe(true); // the search finds what is there
      await commit(await keys.change(id, microsoftManaged));
      expect(old.map((wrapped) => onDisk(wrapped))).toEqual([false, false]);
      expect(onDisk((await recordOf(id)).wrapped)).toBe(true);
      const service = (await recordOf(id)).wrapped;
      await commit(await keys.change(id, customer(vaults.addKey(customerHost, 'k2'))));
      expect(onDisk(service)).toBe(false);
      expect(vaults.vault(serviceHost).keys.size).toBe(0);
    } finally {
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
