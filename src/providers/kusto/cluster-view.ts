import type { ClusterKeyStatus } from '../../encryption/cluster-keys.ts';
import { instant } from '../../clock/clock.ts';
import type { Instant } from '../../clock/clock.ts';
import { engineHost, ingestHost } from './cluster-record.ts';
import type { ClusterResource } from './cluster-record.ts';
import { shownSettings } from './cluster-settings.ts';
import { isUnderWay } from './operation-record.ts';
import type { OperationKind } from './operation-record.ts';
import { serviceTime } from './operation-results.ts';

export type ClusterState =
  'Creating' | 'Unavailable' | 'Running' | 'Deleting' | 'Stopping' | 'Stopped' | 'Starting' | 'Updating';
export type ProvisioningState = 'Running' | 'Creating' | 'Deleting' | 'Succeeded' | 'Failed';

/** What a cluster and its resource look like while an operation is under way. A changed configuration shows no other state: the cluster serves on. */
const whileUnderWay: Partial<
  Record<OperationKind, { readonly state?: ClusterState; readonly provisioning: ProvisioningState }>
> = {
  ClusterCreateExternal: { state: 'Creating', provisioning: 'Creating' },
  ServiceConfigurationAlter: { provisioning: 'Running' },
  ServiceDelete: { state: 'Deleting', provisioning: 'Deleting' },
  ServiceStart: { state: 'Starting', provisioning: 'Running' },
  ServiceStop: { state: 'Stopping', provisioning: 'Running' },
};

const underWay = (cluster: ClusterResource, now: Instant): (typeof whileUnderWay)[OperationKind] =>
  cluster.properties.operation !== undefined && isUnderWay(cluster.properties.operation, now)
    ? whileUnderWay[cluster.properties.operation.kind]
    : undefined;

export function clusterState(
  cluster: ClusterResource,
  status: ClusterKeyStatus | undefined,
  now: Instant,
): ClusterState {
  const passing = underWay(cluster, now)?.state;
  if (passing !== undefined) return passing;
  if (!cluster.properties.running) return 'Stopped';
  return status === undefined || status.suspension !== undefined ? 'Unavailable' : 'Running';
}

/** Empty while all is well, as in recorded answers. */
export function stateReason(cluster: ClusterResource, status: ClusterKeyStatus | undefined): string {
  if (!cluster.properties.running) return '';
  return status === undefined
    ? 'The cluster was not created: delete it.'
    : (status.suspension?.reason ?? status.warning ?? '');
}

function provisioningState(cluster: ClusterResource, now: Instant): ProvisioningState {
  const passing = underWay(cluster, now)?.provisioning;
  if (passing !== undefined) return passing;
  return cluster.properties.operation?.failure === undefined ? 'Succeeded' : 'Failed';
}

/** A quoted ISO time of the last change. Its last four digits count changes, so that two within a millisecond differ. */
export const clusterEtag = (cluster: ClusterResource): string =>
  `"${serviceTime(instant(Date.parse(cluster.changedAt)), cluster.properties.revision)}"`;

/** The body of every answer that shows a cluster: order and defaults as recorded.
 * @param first the answer to the request that began an operation shows it under way, even if it takes no time */
export function showCluster(
  cluster: ClusterResource,
  status: ClusterKeyStatus | undefined,
  now: Instant,
  first?: { readonly state?: ClusterState; readonly provisioning: ProvisioningState; readonly etag?: string },
): Record<string, unknown> {
  const { languageExtensions, ...rest } = shownSettings(cluster.properties.settings);
  const { region, zones, key } = cluster.properties;
  return {
    id: cluster.id,
    name: cluster.name,
    type: cluster.type,
    etag: first?.etag ?? clusterEtag(cluster),
    location: cluster.location,
    sku: cluster.sku,
    tags: cluster.tags ?? {},
    ...(zones === undefined ? {} : { zones }),
    properties: {
      state: first?.state ?? clusterState(cluster, status, now),
      stateReason: stateReason(cluster, status),
      uri: `https://${engineHost(cluster.name, region)}`,
      dataIngestionUri: `https://${ingestHost(cluster.name, region)}`,
      ...rest,
      keyVaultProperties: key === undefined ? null : { keyVersion: null, userIdentity: null, ...key },
      languageExtensions,
      privateEndpointConnections: [],
      migrationCluster: null,
      zoneStatus: zones === undefined ? 'NonZonal' : 'Zonal',
      provisioningState: first?.provisioning ?? provisioningState(cluster, now),
    },
    ...(cluster.identity === undefined ? {} : { identity: cluster.identity }),
  };
}
