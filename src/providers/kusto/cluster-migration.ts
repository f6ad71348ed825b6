import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { listAll } from '../../state/list-all.ts';
import { armResources } from '../../arm/resource.ts';
import { requireChangeable } from './child-changes.ts';
import { postRow } from './child-row.ts';
import type { ChildRow } from './child-row.ts';
import { currentCluster } from './cluster-lookup.ts';
import { postOperation } from './cluster-posts.ts';
import { bodyObject } from './cluster-store.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts } from './ports.ts';

/** Data of a cluster does not move to another one here: where Azure would begin, the operation fails and says so.
 * @throws ArmError 400 where Azure would not begin */
async function migrate(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { value: source } = await requireChangeable(ports, request, 'migrate the cluster');
  const { clusterResourceId } = bodyObject(request);
  if (clusterResourceId === undefined || clusterResourceId === null)
    throw kustoError('MissingProperty', 'clusterResourceId');
  const wanted = 'the id of another cluster of the region, without databases';
  if (typeof clusterResourceId !== 'string') throw kustoError('InvalidValue', 'clusterResourceId', wanted);
  const target = isClusterId(clusterResourceId) ? (await currentCluster(ports, clusterResourceId))?.value : undefined;
  const isFit =
    target !== undefined && target.id !== source.id && target.properties.region === source.properties.region;
  if (!isFit || (await listAll(ports.state, armResources, `${target.id.toLowerCase()}/databases/`)).length > 0)
    throw kustoError('InvalidValue', 'clusterResourceId', wanted);
  const failure = {
    code: 'NotImplemented',
    message: '[BadRequest] Kustody has not built the migration of clusters. Nothing was changed.',
  };
  return postOperation(ports, request, source, { kind: 'ClusterMigrate', failure });
}

const isClusterId = (id: string): boolean =>
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Kusto\/clusters\/[^/]+$/i.test(id);

export const migrationRows: readonly ChildRow[] = [
  postRow('Clusters_Migrate', 'cluster', 'migrate', '2023-08-15', migrate),
];
