import { armResources, resourceRecordId } from '../../arm/resource.ts';
import type { ArmResource } from '../../arm/resource.ts';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import { isJsonObject } from '../../base/json.ts';
import type { ClusterName, HostName, Region } from '../../base/names.ts';
import { parseHostName } from '../../base/names.ts';
import type { Table } from '../../state/state.ts';
import type { ClusterSettings } from './cluster-settings.ts';
import type { SentKey } from './key-vault-properties.ts';
import type { ResourceOperation } from './operation-record.ts';
import type { ClusterSku } from './skus.ts';

/** What a cluster's record keeps besides the common parts of a resource. What can be derived (state, addresses, provisioningState,
 * etag) is not in it. */
type ClusterProperties = {
  readonly format: 1;
  /** One cluster instance. A cluster made again under the same name has another one, and other keys. */
  readonly clusterId: Guid;
  readonly region: Region;
  /** Wanted by the user; a suspended cluster is not stopped. */
  readonly running: boolean;
  readonly settings: ClusterSettings;
  readonly zones?: readonly string[];
  /** The customer's key as the caller named it; absent: Microsoft-managed. */
  readonly key?: SentKey;
  /** A cluster that it follows was suspended, which holds until it is resumed. */
  readonly heldByLeader?: { readonly since: string; readonly reason: string };
  /** Counts the changes of the resource; part of the etag. */
  readonly revision: number;
  /** The last operation. It is under way while the clock has not reached its end. */
  readonly operation?: ResourceOperation;
};

export interface ClusterResource extends ArmResource {
  readonly location: string;
  readonly sku: ClusterSku;
  readonly properties: ClusterProperties;
}

export const clusterType = 'Microsoft.Kusto/Clusters';

/** Clusters among all resources: the same table, with the shape of their properties checked. */
export const clusterResources: Table<ClusterResource> = {
  name: armResources.name,
  parse: (value) => {
    invariant(isJsonObject(value) && isJsonObject(value['properties']), 'a stored cluster has properties');
    invariant(
      value['type'] === clusterType && value['properties']['format'] === 1,
      'a stored cluster has the format that this version knows',
    );
    return value as unknown as ClusterResource;
  },
};

/** Names are unique in the whole world, so each has a record of its own. It stays for a while after a cluster that lived long was deleted. */
export type ClusterNameClaim = {
  readonly resourceId: string;
  readonly region: Region;
  /** Set when the cluster is deleted: milliseconds on the Kustody clock until which nobody can take the name. */
  readonly blockedUntil?: number;
};

/** Record id: the name in lower case. */
export const clusterNames: Table<ClusterNameClaim> = {
  name: 'kusto-cluster-names',
  parse: (value) => {
    invariant(isJsonObject(value) && typeof value['resourceId'] === 'string', 'a claimed name belongs to a resource');
    return value as unknown as ClusterNameClaim;
  },
};

export interface ClusterAddress {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly clusterName: string;
}

export const clusterResourceId = (at: ClusterAddress): string =>
  `/subscriptions/${at.subscriptionId}/resourceGroups/${at.resourceGroup}/providers/${clusterType}/${at.clusterName}`;

export const clusterRecordId = (at: ClusterAddress): string => resourceRecordId(clusterResourceId(at));

const hostSuffix = '.kusto.windows.net';

/** @param name of a cluster, in any case */
export const engineHost = (name: string, region: Region): string => `${name.toLowerCase()}.${region}${hostSuffix}`;
export const ingestHost = (name: string, region: Region): string => `ingest-${engineHost(name, region)}`;

/** Takes a cluster's host name apart. @returns undefined for a host that no cluster can have */
export function parseClusterHost(
  host: HostName,
): { readonly name: ClusterName; readonly region: Region; readonly ingest: boolean } | undefined {
  const match = /^(ingest-)?([a-z][a-z0-9-]{3,21})\.([a-z][a-z0-9]{2,40})\.kusto\.windows\.net$/.exec(
    parseHostName(host) ?? '',
  );
  if (match === null) return undefined;
  return { name: match[2] as ClusterName, region: match[3] as Region, ingest: match[1] !== undefined };
}
