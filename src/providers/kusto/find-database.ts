import type { Guid } from '../../base/guid.ts';
import { armResources, resourceRecordId } from '../../arm/resource.ts';
import type { State } from '../../state/state.ts';
import { databaseResources, databaseType } from './child-records.ts';
import { clusterResources } from './cluster-record.ts';

/** A database with rows of its own, by its resource id. @returns undefined for every other id: one that follows holds none */
export async function findDatabase(
  state: State,
  resourceId: string,
): Promise<{ readonly clusterId: Guid; readonly databaseId: Guid } | undefined> {
  const id = resourceRecordId(resourceId);
  const found = await state.get(armResources, id);
  const clusterRecord = id.slice(0, Math.max(0, id.lastIndexOf('/databases/')));
  if (found?.value.type.toLowerCase() !== databaseType.toLowerCase() || clusterRecord === '') return undefined;
  const [database, cluster] = await Promise.all([
    state.get(databaseResources, id),
    state.get(clusterResources, clusterRecord),
  ]);
  if (database === undefined || cluster === undefined) return undefined;
  return { clusterId: cluster.value.properties.clusterId, databaseId: database.value.properties.databaseId };
}
