import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { VersionedKeyId } from '../../src/base/key-id.ts';
import { clusterCatalogTable } from '../../src/cluster/process/remote-catalog-store.ts';
import { keyTodos } from '../../src/cluster/supervisor/key-todos.ts';
import type { EngineDatabase } from '../../src/kql/duckdb/engine-database.ts';
import type { State, StateCommit } from '../../src/state/state.ts';
import { openTestEngine } from '../support/cluster-data-fixture.ts';
import { customerHost } from './file-vault.ts';
import { clusterId } from './killed-cluster.ts';
import type { SmallCluster } from './small-cluster.ts';
import { smallCluster } from './small-cluster.ts';

const other = `${clusterId}/~/`;
let engine: EngineDatabase;
let cluster: SmallCluster;

beforeAll(async () => {
  engine = await openTestEngine();
});
afterEach(() => cluster.remove());
afterAll(() => engine.close());

async function start(wrapState: (state: State) => State): Promise<void> {
  cluster = await smallCluster(engine, { wrapState, recordsEach: 2 });
}

const newKey = (name: string): VersionedKeyId => cluster.vault.addVersion(customerHost, name);
const idsOf = async (): Promise<string[]> =>
  (await cluster.state.list(clusterCatalogTable, { prefix: `${clusterId}/` })).map(({ id }) => id);
const laysOut = ({ write }: StateCommit): boolean =>
  write.some(({ table, id, put }) => table.name === clusterCatalogTable.name && id.startsWith(other) && put !== null);

it('the next process waits for nothing that one which died has still under way, and is not disturbed by it', async () => {
  let late: (() => Promise<void>) | undefined;
  let refusal: unknown;
  let deaths = 0;
  await start((state) => ({
    get: (table, id) => state.get(table, id),
    // The catalog of the one that died arrives when the next one has seen that there is nothing.
    list: async (table, options) => {
      const found = await state.list(table, options);
      if (options?.prefix === other) {
        await late?.();
        late = undefined;
      }
      return found;
    },
    commit: async (commit) => {
      if (deaths > 0 || !laysOut(commit)) return state.commit(commit);
      deaths += 1;
      return new Promise<void>((resolve, reject) => {
        late = async () => {
          await state.commit(commit).then(resolve, (error: unknown) => {
            refusal = error;
            reject(error instanceof Error ? error : new Error(String(error)));
          });
        };
        void cluster.killProcess();
      });
    },
  }));
  await cluster.changeTo({ kind: 'microsoftManaged' });
  expect(refusal).toMatchObject({ name: 'StateConflictError', table: 'cluster-keys' });
  expect((await cluster.record()).generation).toBe(2);
  await cluster.ingest(2);
  expect(await cluster.ingested()).toEqual([1, 2]);
  expect((await idsOf()).every((id) => id.startsWith(other))).toBe(true);
});

it('two at a time are made one after the other, and the one whose commit comes too late has changed nothing', async () => {
  await start((state) => state);
  const { keys, state } = cluster;
  await cluster.killProcess(); // so that the data is not open
  const both = await Promise.all([
    keys.change(clusterId, cluster.customer(newKey('a'))),
    keys.change(clusterId, cluster.customer(newKey('b'))),
  ]);
  const [first, second] = both.map((change) => {
    if (!('write' in change)) throw new Error(JSON.stringify(change));
    return change;
  });
  await expect(state.commit({ write: first?.write ?? [] })).rejects.toMatchObject({ name: 'StateConflictError' });
  await first?.abandoned();
  await state.commit({ write: second?.write ?? [] });
  await second?.committed();
  expect((await cluster.record()).kid.name).toBe('b');
  await cluster.ingest(2);
  expect(await cluster.ingested()).toEqual([1, 2]);
});

it('a key that is refused while the catalog is laid out ends the change', async () => {
  let isRefused = false;
  await start((state) => ({
    get: (table, id) => state.get(table, id),
    list: (table, options) => state.list(table, options),
    commit: async (commit) => {
      await state.commit(commit);
      if (isRefused || !laysOut(commit)) return;
      isRefused = true;
      cluster.vault.setEnabled((await cluster.record()).kid, false);
      await cluster.keys.recheck(clusterId);
    },
  }));
  const result = await cluster.keys.change(clusterId, { kind: 'microsoftManaged' });
  expect(result).toMatchObject({ outcome: 'currentKeyLost' });
  expect(await cluster.record()).toMatchObject({ generation: 1, custody: { kind: 'customer' } });
  expect((await cluster.record()).suspension).toBeDefined();
  expect((await cluster.record()).replacing).toBeUndefined();
});

it('a check of the key while the old catalog is cleared away leaves nothing of it for later', async () => {
  let checks = 0;
  await start((state) => ({
    get: (table, id) => state.get(table, id),
    list: (table, options) => state.list(table, options),
    commit: async (commit) => {
      const clears = commit.write.some(({ table, put }) => table.name === clusterCatalogTable.name && put === null);
      if (clears && checks < 2) {
        checks += 1;
        await cluster.keys.recheck(clusterId);
      }
      await state.commit(commit);
    },
  }));
  await cluster.changeTo({ kind: 'microsoftManaged' });
  expect(checks).toBe(2);
  expect((await idsOf()).every((id) => id.startsWith(other))).toBe(true);
  expect(await cluster.state.list(keyTodos)).toEqual([]);
});
