import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import type { JsonObject } from '../../base/json.ts';
import { writeRecord } from '../../state/state.ts';
import { accepted, beginChildOperation, commitChild, requireChangeable, requireChildIdle } from './child-changes.ts';
import { childResources } from './child-resource.ts';
import type { ChildResource } from './child-resource.ts';
import { clusterAction, clusterPath, postRow, sinceVersion } from './child-row.ts';
import type { ChildRow } from './child-row.ts';
import { currentCluster, requireCluster } from './cluster-lookup.ts';
import { isKnownIn } from './cluster-settings.ts';
import { addressOf, bodyObject } from './cluster-store.ts';
import { followerIdOf, followersOf } from './following.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts } from './ports.ts';

const definition = (child: ChildResource, apiVersion: string): JsonObject => ({
  clusterResourceId: followerIdOf(child.id),
  attachedDatabaseConfigurationName: child.name.split('/').at(-1) ?? '',
  databaseName: child.properties.values['databaseName'] ?? null,
  ...(isKnownIn(apiVersion, '2023-05-02') ? { databaseShareOrigin: 'Direct' } : {}),
});

async function listFollowers(ports: KustoPorts, request: ArmRequest): Promise<readonly JsonObject[]> {
  const { value: cluster } = await requireCluster(ports, addressOf(request));
  return (await followersOf(ports, cluster)).map((child) => definition(child, request.apiVersion));
}

async function postList(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  return { status: 200, body: { value: await listFollowers(ports, request) } };
}

async function getList(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const value = (await listFollowers(ports, request)).map((properties) => ({ properties }));
  return { status: 200, body: { value } };
}

/** The leader puts an end to it; its follower is asked nothing. */
async function detach(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const leader = await requireChangeable(ports, request, 'detach follower databases');
  const { clusterResourceId, attachedDatabaseConfigurationName: name } = bodyObject(request);
  if (typeof clusterResourceId !== 'string') throw kustoError('MissingProperty', 'clusterResourceId');
  if (typeof name !== 'string') throw kustoError('MissingProperty', 'attachedDatabaseConfigurationName');
  const wanted = `${clusterResourceId}/attachedDatabaseConfigurations/${name}`.toLowerCase();
  const child = (await followersOf(ports, leader.value)).find(({ id }) => id.toLowerCase() === wanted);
  const found = child === undefined ? undefined : await ports.state.get(childResources, wanted);
  const follower = await currentCluster(ports, clusterResourceId);
  if (found === undefined || follower === undefined)
    throw kustoError(
      'InvalidValue',
      'attachedDatabaseConfigurationName',
      'what a follower of the cluster has attached',
    );
  requireChildIdle(found.value, ports.clock.now());
  const operation = await beginChildOperation(ports, request, leader.value, 'FollowerDatabaseDetach', found.value.id);
  await commitChild(ports, follower, operation, [writeRecord(childResources, found.id, found.version, null)]);
  return accepted(request, operation);
}

const verb = 'listFollowerDatabases';

export const followerRows: readonly ChildRow[] = [
  postRow('Clusters_ListFollowerDatabases', 'cluster', verb, '2019-09-07', postList),
  [
    'Clusters_ListFollowerDatabasesGet',
    'GET',
    `${clusterPath}/${verb}`,
    `${clusterAction}/${verb}/read`,
    sinceVersion('2024-04-13', verb, getList),
  ],
  postRow('Clusters_DetachFollowerDatabases', 'cluster', 'detachFollowerDatabases', '2019-09-07', detach),
];
