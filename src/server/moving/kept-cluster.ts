import { createHash } from 'node:crypto';
import { armResources, resourceRecordId } from '../../arm/resource.ts';
import { canonicalJson } from '../../base/canonical-json.ts';
import type { Guid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { CatalogSide } from '../../cluster/process/remote-catalog-store.ts';
import {
  clearSide,
  clusterCatalogTable,
  isBesideHead,
  keptPrefix,
  keptSide,
  recordsOnSide,
  sideInUse,
} from '../../cluster/process/remote-catalog-store.ts';
import { keptPrefixes } from '../../database/catalog/kept-access.ts';
import { headId } from '../../database/catalog/records.ts';
import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import { databaseKeyPrefix, databaseKeyTable } from '../../encryption/database-keys.ts';
import { clusterNames, clusterResources } from '../../providers/kusto/cluster-record.ts';
import type { State, Table, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { MoveError } from './move-error.ts';

/** A cluster of an instance, as far as its backup is concerned. */
export interface KeptCluster {
  readonly name: string;
  readonly clusterId: Guid;
  readonly key: Versioned<ClusterKeyRecord>;
  /** Id and name of each database that is its own, in the order of the ids. */
  readonly databases: readonly (readonly [id: string, name: string])[];
}

const recordsEach = 250;
const anyResource: Table<Json> = { name: armResources.name, parse: (value) => value };

/** @param name as users write it @throws MoveError for a cluster that is not there, or that no backup is built for */
export async function findCluster(state: State, name: string): Promise<KeptCluster> {
  const claim = await state.get(clusterNames, name.toLowerCase());
  const resource = claim && (await state.get(clusterResources, resourceRecordId(claim.value.resourceId)));
  const key = resource && (await state.get(clusterKeyTable, resource.value.properties.clusterId));
  if (claim === undefined || key === undefined) throw new MoveError(`There is no cluster '${name}'.`);
  const { clusterId } = key.value;
  if ((await state.list(databaseKeyTable, { prefix: databaseKeyPrefix(clusterId), limit: 1 })).length > 0)
    throw new MoveError(
      `Databases of '${name}' have keys of their own: backups of single clusters are not built for that. A backup of the whole instance has them.`,
    );
  if (key.value.replacing !== undefined)
    throw new MoveError(`A change of the key of '${name}' has not come to its end. Start the instance once.`);
  return { name, clusterId, key, databases: await databasesOf(state, resourceRecordId(claim.value.resourceId)) };
}

async function databasesOf(state: State, recordId: string): Promise<KeptCluster['databases']> {
  const prefix = `${recordId}/databases/`;
  const found = await state.list(anyResource, { prefix });
  return found
    .filter(({ id }) => !id.slice(prefix.length).includes('/'))
    .map(({ id, value }): readonly [string, string] => {
      const properties = isJsonObject(value) ? value['properties'] : undefined;
      return [textMember(isJsonObject(properties) ? properties : undefined, 'databaseId'), id.slice(prefix.length)];
    })
    .filter(([id]) => id !== '')
    .toSorted();
}

/** A sealed record of a catalog, by the id that it has on whichever side. */
type CatalogRecord = Versioned<unknown>;

/** What stays as it is now when a cluster is set back, as it is counted; all of it is sealed. */
export interface KeptRecords {
  readonly databases: number;
  /** Dropped ones that may come back, and what is kept as a table without a name, too. */
  readonly tables: number;
  /** Of the cluster: callouts, blocked principals, workload groups, continuous exports, keys of its storage. */
  readonly settings: number;
}

/** Lays beside the catalog what says in it who may read or do what, but for the head, with which it counts. What an earlier run has left goes;
 * what waits for the cluster to be opened stays: that is of now. */
export async function keepRecords(state: State, clusterId: Guid, from: CatalogSide): Promise<void> {
  const kept = keptPrefix(clusterId);
  if (await waitsForOpening(state, clusterId)) return;
  await clearSide(state, clusterId, keptSide, (write) => state.commit({ write }));
  for (const kind of keptPrefixes)
    for await (const page of pagesOf(state, `${clusterId}/${from}${kind}`))
      await state.commit({
        write: page.map(({ id, value }) =>
          writeRecord(clusterCatalogTable, `${kept}${id.slice(`${clusterId}/${from}`.length)}`, null, value),
        ),
      });
}

/** Whether the cluster was set back and has not opened its data since. */
export const waitsForOpening = async (state: State, clusterId: Guid): Promise<boolean> =>
  (await state.get(clusterCatalogTable, keptPrefix(clusterId) + headId)) !== undefined;

export async function countKept(state: State, clusterId: Guid): Promise<KeptRecords> {
  const counts = { databases: 0, tables: 0, settings: 0 };
  for (const kind of keptPrefixes)
    for await (const page of pagesOf(state, keptPrefix(clusterId) + kind))
      counts[kind === 'd/' ? 'databases' : kind === 't/' || kind === 'x/' ? 'tables' : 'settings'] += page.length;
  return counts;
}

async function* pagesOf(state: State, prefix: string) {
  for (let after: string | undefined; ;) {
    const options = { prefix, limit: recordsEach, ...(after === undefined ? {} : { after }) };
    const page = await state.list(clusterCatalogTable, options);
    if (page.length > 0) yield page;
    after = page.at(-1)?.id;
    if (after === undefined || page.length < recordsEach) return;
  }
}

/** The records of the catalog in use, the head last; sealed under the cluster's key. */
export async function* catalogOf(state: State, clusterId: Guid): AsyncGenerator<readonly CatalogRecord[], undefined> {
  const side = await sideInUse(state, clusterId);
  const prefix = `${clusterId}/${side}`;
  for await (const page of recordsOnSide(state, clusterId, side, recordsEach)) {
    const records = page.filter(({ id }) => isBesideHead(clusterId, side, id)).map((one) => within(prefix, one));
    if (records.length > 0) yield records;
  }
  const head = await headOf(state, clusterId, side);
  if (head !== undefined) yield [within(prefix, head)];
}

export const headOf = (state: State, clusterId: Guid, side: CatalogSide) =>
  state.get(clusterCatalogTable, `${clusterId}/${side}${headId}`);

const within = (prefix: string, record: CatalogRecord): CatalogRecord => ({
  ...record,
  id: record.id.slice(prefix.length),
});

/** @returns SHA-256, hex, over id and value of each record of the catalog in use, and how many there are */
export async function sumCatalog(state: State, clusterId: Guid): Promise<{ records: number; digest: string }> {
  const hash = createHash('sha256');
  let records = 0;
  for await (const page of catalogOf(state, clusterId))
    for (const { id, value } of page) {
      hash.update(`${canonicalJson([id, value as Json])}\n`);
      records += 1;
    }
  return { records, digest: hash.digest('hex') };
}
