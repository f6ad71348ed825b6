import type { ClusterKeyStatus } from '../../encryption/cluster-keys.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { instant } from '../../clock/clock.ts';
import type { Instant } from '../../clock/clock.ts';
import { engineHost, ingestHost } from './cluster-record.ts';
import type { ClusterResource } from './cluster-record.ts';
import { isKnownIn, sentSettings, shownSettings } from './cluster-settings.ts';
import { isUnderWay } from './operation-record.ts';
import type { OperationKind } from './operation-record.ts';
import { isDeveloperSku } from './skus.ts';
import { serviceTime } from './operation-results.ts';

export type ClusterState =
  'Creating' | 'Unavailable' | 'Running' | 'Deleting' | 'Stopping' | 'Stopped' | 'Starting' | 'Updating';
export type ProvisioningState = 'Accepted' | 'Running' | 'Creating' | 'Deleting' | 'Succeeded' | 'Failed';

/** What a cluster and its resource look like while an operation is under way. A changed configuration shows no other state: the cluster serves on. */
const whileUnderWay: Partial<
  Record<OperationKind, { readonly state?: ClusterState; readonly provisioning: ProvisioningState }>
> = {
  ClusterCreateExternal: { state: 'Creating', provisioning: 'Creating' },
  ServiceConfigurationAlter: { provisioning: 'Running' },
  ClusterDelete: { state: 'Deleting', provisioning: 'Deleting' },
  ClusterResume: { state: 'Starting', provisioning: 'Running' },
  ClusterSuspend: { state: 'Stopping', provisioning: 'Running' },
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

/** The body of every answer that shows a cluster: order and defaults as recorded. What is newer than the api-version asked for is left
 * out.
 * @param first etag and state of provisioning in the answer to the request that began an operation, even if it takes no time
 * @see the api-versions of azure-mgmt-kusto 0.3 to 4.0, and recorded answers of 2019-01-21, 2019-09-07, 2023-08-15 and 2024-04-13 */
export function showCluster(
  cluster: ClusterResource,
  status: ClusterKeyStatus | undefined,
  { now, apiVersion }: { readonly now: Instant; readonly apiVersion: string },
  first?: { readonly etag: string; readonly provisioning: ProvisioningState },
): Record<string, unknown> {
  const { id, identity } = cluster;
  const { zones } = cluster.properties;
  const since = (date: string, properties: Record<string, unknown>): Record<string, unknown> =>
    isKnownIn(apiVersion, date) ? properties : {};
  return {
    id,
    ...heading(cluster, first?.etag ?? clusterEtag(cluster)),
    tags: cluster.tags ?? {},
    ...(zones === undefined ? {} : since('2019-05-15', { zones })),
    properties: {
      state: clusterState(cluster, status, now),
      ...since('2019-11-09', { stateReason: shownReason(stateReason(cluster, status), apiVersion) }),
      ...partsAsBefore(cluster, apiVersion),
      ...since('2022-02-01', { privateEndpointConnections: [] }),
      ...since('2023-08-15', { migrationCluster: null }),
      ...since('2024-04-13', { zoneStatus: zones === undefined ? 'NonZonal' : 'Zonal' }),
      provisioningState: first?.provisioning ?? provisioningState(cluster, now),
    },
    ...(identity === undefined ? {} : since('2019-09-07', { identity })),
  };
}

/** In 2022 a cluster for which all is well had no reason; since then it has an empty one. */
const shownReason = (reason: string, apiVersion: string): string | null =>
  reason === '' && !isKnownIn(apiVersion, '2023-05-02') ? null : reason;

/** What api-versions of 2019 show for a developer cluster that nobody has set anything for. */
const developerScale: Json = { version: 1, isEnabled: false, minimum: 1, maximum: 1 };

const shownBefore = new WeakMap<ClusterResource, { readonly apiVersion: string; readonly parts: JsonObject }>();

/** Records are not changed, and mostly those of the request before. */
function partsAsBefore(cluster: ClusterResource, apiVersion: string): JsonObject {
  const known = shownBefore.get(cluster);
  if (known?.apiVersion === apiVersion) return known.parts;
  const parts = shownParts(cluster, apiVersion);
  shownBefore.set(cluster, { apiVersion, parts });
  return parts;
}

/** Addresses and settings, the key among them. */
function shownParts({ name, sku, properties }: ClusterResource, apiVersion: string): JsonObject {
  const { region, key, settings } = properties;
  const { languageExtensions, ...rest } = shownSettings(settings, apiVersion);
  const { userIdentity = null, ...common } = key ?? {};
  const withIdentity = isKnownIn(apiVersion, '2020-09-18') ? { userIdentity } : {};
  const keyVaultProperties = key === undefined ? null : { keyVersion: null, ...common, ...withIdentity };
  const { optimizedAutoscale } = rest;
  const isFirst = isDeveloperSku(sku.name) && !isKnownIn(apiVersion, '2020-01-01') && optimizedAutoscale === null;
  return {
    uri: `https://${engineHost(name, region)}`,
    dataIngestionUri: `https://${ingestHost(name, region)}`,
    ...rest,
    ...(isFirst ? { optimizedAutoscale: developerScale } : {}),
    ...(isKnownIn(apiVersion, '2019-09-07') ? { keyVaultProperties } : {}),
    ...(languageExtensions === undefined ? {} : { languageExtensions }),
  };
}

const heading = ({ id, name, type, location, sku }: ClusterResource, etag: string): Record<string, unknown> => ({
  id,
  name,
  type,
  etag,
  location,
  sku,
});

const sentName = (sku: Json | undefined): { readonly name?: string } =>
  isJsonObject(sku) && typeof sku['name'] === 'string' ? { name: sku['name'] } : {};

/** The first answer to a PUT repeats what was sent, and says nothing that the service has yet to find out.
 * @param first what is under way; the etag is that of the cluster as it was before */
export function showSentCluster(
  cluster: ClusterResource,
  body: JsonObject,
  first: { readonly etag: string; readonly state?: ClusterState; readonly provisioning: ProvisioningState },
): Record<string, unknown> {
  const { tags, zones } = body;
  const properties = isJsonObject(body['properties']) ? body['properties'] : {};
  return {
    ...heading(cluster, first.etag),
    sku: { ...cluster.sku, ...sentName(body['sku']) },
    ...(tags === undefined || tags === null ? {} : { tags }),
    ...(zones === undefined || zones === null ? {} : { zones }),
    properties: {
      ...sentSettings(properties),
      ...(first.state === undefined ? {} : { state: first.state }),
      provisioningState: first.provisioning,
    },
    ...(cluster.identity === undefined ? {} : { identity: cluster.identity }),
  };
}
