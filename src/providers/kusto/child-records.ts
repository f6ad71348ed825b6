import type { ClusterRole, DatabaseRole } from '../../authz/kusto-roles.ts';
import { armResources } from '../../arm/resource.ts';
import type { ArmResource } from '../../arm/resource.ts';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Json } from '../../base/json.ts';
import type { DatabaseName } from '../../base/names.ts';
import type { Table } from '../../state/state.ts';
import type { SentKey } from './key-vault-properties.ts';
import type { ResourceOperation } from './operation-record.ts';
import type { PrincipalType } from './ports.ts';

export const databaseType = 'Microsoft.Kusto/Clusters/Databases';

export type DatabaseProperties = {
  readonly format: 1;
  /** One database instance: a database made again under the same name has another one. */
  readonly databaseId: Guid;
  readonly databaseName: DatabaseName;
  /** ISO 8601 durations as sent; absent: unlimited. */
  readonly softDeletePeriod?: string;
  readonly hotCachePeriod?: string;
  /** Of its own, besides the cluster's. */
  readonly key?: SentKey;
  /** Given by commands of the data plane: no resource of the resource manager stands for them. */
  readonly roles?: readonly CommandRole[];
  readonly operation?: ResourceOperation;
};

/** A role in a database that a command has given: as `NamedPrincipal`. */
export type CommandRole = {
  readonly role: DatabaseRole;
  readonly principalType: PrincipalType;
  readonly displayName: string;
  readonly objectId: Guid;
  readonly fqn: string;
  readonly notes: string;
};

export interface DatabaseResource extends ArmResource {
  readonly location: string;
  readonly properties: DatabaseProperties;
}

export type AssignmentProperties = {
  readonly format: 1;
  /** As sent: an application id, an object id, or the name of a user or group. */
  readonly principalId: string;
  readonly principalType: PrincipalType;
  readonly role: ClusterRole | DatabaseRole;
  readonly tenantId: Guid;
  readonly tenantName: string;
  readonly principalName: string;
  readonly aadObjectId: Guid;
  readonly appId?: Guid;
  readonly operation?: ResourceOperation;
};

export interface AssignmentResource extends ArmResource {
  readonly properties: AssignmentProperties;
}

function checkChild(value: Json, member: string): void {
  const properties = isJsonObject(value) ? value['properties'] : undefined;
  invariant(
    isJsonObject(properties) && properties['format'] === 1 && member in properties,
    `a stored resource of this type has the format that this version knows and a ${member}`,
  );
}

/** Databases among all resources. */
export const databaseResources: Table<DatabaseResource> = {
  name: armResources.name,
  parse: (value) => {
    checkChild(value, 'databaseId');
    return value as unknown as DatabaseResource;
  },
};

/** Principal assignments of clusters and databases among all resources. */
export const assignmentResources: Table<AssignmentResource> = {
  name: armResources.name,
  parse: (value) => {
    checkChild(value, 'aadObjectId');
    return value as unknown as AssignmentResource;
  },
};
