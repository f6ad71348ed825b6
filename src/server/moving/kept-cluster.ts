import { createHash } from 'node:crypto';
import { armResources, resourceRecordId } from '../../arm/resource.ts';
import { canonicalJson } from '../../base/canonical-json.ts';
import type { Guid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { CatalogSide } from '../../cluster/process/remote-catalog-store.ts';
import { clusterCatalogTable, isBesideHead, sideInUse } from '../../cluster/process/remote-catalog-store.ts';
import { headId } from '../../database/catalog/records.ts';
import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import { databaseKeyPrefix, databaseKeyTable } from '../../encryption/database-keys.ts';
import { clusterNames, clusterResources } from '../../providers/kusto/cluster-record.ts';
import type { State, Table, Versioned } from '../../state/state.ts';
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

/** The records of the catalog in use, the head last; sealed under the cluster's key. */
export async function* catalogOf(state: State, clusterId: Guid): AsyncGenerator<readonly CatalogRecord[], undefined> {
  const side = await sideInUse(state, clusterId);
  const prefix = `${clusterId}/${side}`;
  for (let after: string | undefined; ;) {
    const options = { prefix, limit: recordsEach, ...(after === undefined ? {} : { after }) };
    const page = await state.list(clusterCatalogTable, options);
    const records = page.filter(({ id }) => isBesideHead(clusterId, side, id)).map((one) => within(prefix, one));
    if (records.length > 0) yield records;
    after = page.at(-1)?.id;
    if (after === undefined || page.length < recordsEach) break;
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
