import { newGuid } from '../../src/base/new-guid.ts';
import type { Guid } from '../../src/base/guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { clusterCatalogTable } from '../../src/cluster/process/remote-catalog-store.ts';
import { extentsPerPage } from '../../src/database/catalog/extent-page.ts';
import type { ExtentRecord } from '../../src/database/catalog/records.ts';
import { collect } from '../../src/database/extents/collect.ts';
import type { TableUses } from '../../src/kql/scan-ranges.ts';
import { listAll } from '../../src/state/list-all.ts';
import { parseBlobName } from '../../src/storage/blob-store.ts';
import type { DataFixture, DataFixtureOptions } from './cluster-data-fixture.ts';
import { openDataFixture } from './cluster-data-fixture.ts';

/** Extents of a value each, from 1,001 on, and with a blob that is not there: they are counted, never read. Every hundredth has a tag. */
export function copyAs(clusterId: string): (model: ExtentRecord) => ExtentRecord {
  let made = 1_000;
  return (model) => {
    const blob = parseBlobName(`clusters/${clusterId}/${newGuid(systemRandomBytes)}`);
    if (blob === undefined) throw new Error('a blob has a name');
    const value = `${(made += 1)}`;
    const tags = made % 100 === 0 ? [`drop-by:${value}`] : [];
    const sealed = { ...model.sealed, blob, dekId: newGuid(systemRandomBytes) };
    return { ...model, tags, sealed, ranges: { ...model.ranges, 1: [value, value] } };
  };
}

/** A table `T` that is not merged, of the rows 1, 2 and 3 in two extents, and of so many copies.
 * @returns the two extents, the one with the row 1 first */
export async function fillTable(cluster: DataFixture, copies: number): Promise<readonly [Guid, Guid]> {
  await cluster.table('T', { n: 'long' });
  await cluster.ingest('T', 'csv', '1', { kind: 'inline' });
  const [first] = (await cluster.data()).extents('db', 'T');
  await cluster.manyExtents(copies, copyAs(cluster.clusterId));
  const data = await cluster.data();
  await data.setPolicy('db', 'T', 'merge', { AllowMerge: false });
  await cluster.ingest('T', 'csv', '2\n3', { kind: 'inline' });
  const last = data.extents('db', 'T').find(({ rowCount }) => rowCount === 2);
  if (first === undefined || last === undefined) throw new Error('two extents were ingested');
  return [first.extentId, last.extentId];
}

/** A cluster whose table `T` is filled so, and packed. @returns also the two extents that have rows */
export async function openPaged(
  copies: number,
  options: DataFixtureOptions = {},
): Promise<{ readonly cluster: DataFixture; readonly real: readonly [Guid, Guid] }> {
  const cluster = await openDataFixture(options);
  const real = await fillTable(cluster, copies);
  await pack(cluster);
  if ((await storedWith(cluster, 'g/')) !== Math.floor((copies + 2) / extentsPerPage))
    throw new Error('the extents lie in pages');
  return { cluster, real };
}

/** As upkeep does when all nodes know of pages. @throws when something was not done */
export async function pack(cluster: DataFixture): Promise<void> {
  const data = await cluster.data();
  await data.maintain({ packsExtents: true });
  const problems = data.upkeepProblems();
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
}

/** Stored records of the catalog in use whose ids begin with it. */
export const storedWith = async (cluster: DataFixture, prefix: string): Promise<number> => {
  const ids = (await listAll(cluster.state, clusterCatalogTable, `${cluster.clusterId}/`)).map(({ id }) => id);
  const side = ids.includes(`${cluster.clusterId}/~/head`) ? '~/' : '';
  return ids.filter((id) => id.startsWith(`${cluster.clusterId}/${side}${prefix}`)).length;
};

export const extentIds = async (cluster: DataFixture, table = 'T'): Promise<Guid[]> =>
  (await cluster.data())
    .extents('db', table)
    .map(({ extentId }) => extentId)
    .sort();

/** What is read of the values in a range: those extents are opened alone. */
export async function readBetween(
  cluster: DataFixture,
  [min, max]: readonly [bigint, bigint],
  table = 'T',
): Promise<unknown[]> {
  const uses: TableUses = { rows: [{ column: 'n', min, max }], summaries: [] };
  const opened = await (await cluster.data()).sources(undefined).open('db', table, uses);
  const connection = await cluster.engine.connect();
  try {
    const column = opened.columns.get('n') ?? '';
    return (await collect(connection, `SELECT ${column} FROM ${opened.sql} ORDER BY 1`)).flat();
  } finally {
    connection.close();
    opened.release();
  }
}
