import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { clearSide, clusterCatalogTable, keptPrefix } from '../../cluster/process/remote-catalog-store.ts';
import type { CatalogStore } from '../../database/catalog/catalog-store.ts';
import { headId } from '../../database/catalog/records.ts';
import { keepRecords } from './kept-cluster.ts';
import { writeRecord } from '../../state/state.ts';
import { listAll } from '../../state/list-all.ts';

let cluster: DataFixture;
/** Every commit of the catalog from here on fails after so many. */
let commitsLeft = Infinity;
const counted = (store: CatalogStore): CatalogStore => ({
  ...store,
  commit: (...commit) => {
    if (commitsLeft <= 0) return Promise.reject(new Error('killed'));
    commitsLeft -= 1;
    return store.commit(...commit);
  },
});
beforeEach(async () => {
  commitsLeft = Infinity;
  cluster = await openDataFixture({ wrapStore: counted });
});
afterEach(() => cluster.close());

const stored = () => listAll(cluster.state, clusterCatalogTable, `${cluster.clusterId}/`);
const keptIds = async () =>
  (await stored()).map(({ id }) => id).filter((id) => id.startsWith(keptPrefix(cluster.clusterId)));

/** Sets the catalog back as a restore does. */
async function setBack(records: Awaited<ReturnType<typeof stored>>): Promise<void> {
  const { state, clusterId } = cluster;
  await keepRecords(state, clusterId, '');
  const head = (await stored()).find(({ id }) => id === `${clusterId}/${headId}`);
  await clearSide(state, clusterId, '', (write) => state.commit({ write }));
  await state.commit({
    write: [
      ...records.map(({ id, value }) => writeRecord(clusterCatalogTable, id, null, value)),
      ...(head ? [writeRecord(clusterCatalogTable, keptPrefix(clusterId) + headId, null, head.value)] : []),
    ],
  });
}

async function changedSince(): Promise<Awaited<ReturnType<typeof stored>>> {
  for (const name of ['T', 'Gone']) {
    await cluster.table(name, { A: 'long' });
    await cluster.ingest(name, 'csv', '1\n2\n');
  }
  const data = await cluster.data();
  await data.setPolicy('db', 'Gone', 'restricted_view_access', { IsEnabled: true });
  const backup = await stored();
  await cluster.ingest('T', 'csv', '3\n');
  await data.setPolicy('db', 'T', 'row_level_security', { IsEnabled: true, Query: 'T | where A > 1' });
  await data.setPolicy('db', 'T', 'retention', { SoftDeletePeriod: '2.00:00:00', Recoverability: 'Disabled' });
  await data.dropTables('db', ['Gone'], false);
  await data.changeClusterSettings((held) => ({ ...held, disabledPlugins: ['python'] }));
  return backup;
}

const policies = async () => {
  const data = await cluster.data();
  const { row_level_security, retention, restricted_view_access } = data.table('db', 'T').policies;
  const gone = data.table('db', 'Gone').policies.restricted_view_access;
  return { row_level_security, retention, restricted_view_access, gone, settings: data.clusterSettings() };
};
const kept = {
  row_level_security: { IsEnabled: true, Query: 'T | where A > 1' },
  retention: undefined,
  restricted_view_access: undefined,
  gone: { IsEnabled: true },
  settings: { policies: {}, disabledPlugins: ['python'] },
};

it('a catalog that was set back has its rows of then, and what decides who reads them of now', async () => {
  await setBack(await changedSince());
  expect((await keptIds()).length).toBeGreaterThan(3);
  await cluster.crash();
  expect(await policies()).toEqual(kept);
  expect(await cluster.rows('T', 'A')).toEqual([[1n], [2n]]);
  expect(await keptIds()).toEqual([]);
  await cluster.crash(); // durable
  expect(await policies()).toEqual(kept);
});

it('is not served before all of that is durable, and the next opening does it again', async () => {
  await setBack(await changedSince());
  let failed = 0;
  for (let commits = 0; ; commits += 1) {
    commitsLeft = commits;
    const outcome = await cluster.crash().then(
      () => 'opened',
      (error: unknown) => (error as Error).message,
    );
    if (outcome === 'opened') break;
    expect(outcome).toBe('killed');
    expect((await keptIds()).length).toBeGreaterThan(3);
    failed += 1;
  }
  expect(failed).toBeGreaterThan(0);
  commitsLeft = Infinity;
  await cluster.crash();
  expect(await policies()).toEqual(kept);
});

it('what is kept counts only with the head of the catalog before', async () => {
  await changedSince();
  await keepRecords(cluster.state, cluster.clusterId, '');
  const data = await cluster.data();
  await data.setPolicy('db', 'T', 'row_level_security', { IsEnabled: false, Query: 'T' });
  await cluster.crash();
  expect((await cluster.data()).table('db', 'T').policies.row_level_security).toMatchObject({ IsEnabled: false });
  expect(await keptIds()).toEqual([]);
});

it('a second setting back keeps what was there before the first one', async () => {
  const backup = await changedSince();
  await setBack(backup);
  const before = await keptIds();
  await keepRecords(cluster.state, cluster.clusterId, '');
  expect(await keptIds()).toEqual(before);
  await cluster.crash();
  expect(await policies()).toEqual(kept);
});

it('does not open when what is kept was changed', async () => {
  await setBack(await changedSince());
  const [record] = (await stored()).filter(({ id }) => id.startsWith(`${keptPrefix(cluster.clusterId)}t/`));
  if (record === undefined) throw new Error('Tables are kept.');
  const sealed = `${record.value.sealed.slice(0, -4)}AAAA`;
  await cluster.state.commit({
    write: [writeRecord(clusterCatalogTable, record.id, record.version, { ...record.value, sealed })],
  });
  await expect(cluster.crash()).rejects.toThrow('a record was changed');
});
