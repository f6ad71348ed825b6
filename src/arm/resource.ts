import type { Guid } from '../base/guid.ts';
import type { JsonObject } from '../base/json.ts';
import type { Table } from '../state/state.ts';

/** A stored ARM resource, without anything that can be derived. Record id: the resource id in lower case. */
export interface ArmResource {
  /** In the casing that answers show. */
  readonly id: string;
  readonly name: string;
  /** In the casing that answers show: `Microsoft.Kusto/Clusters`. */
  readonly type: string;
  readonly location?: string;
  readonly kind?: string;
  readonly sku?: JsonObject;
  readonly tags?: Readonly<Record<string, string>>;
  readonly identity?: ArmIdentity;
  readonly properties: JsonObject;
  readonly etag?: string;
  /** ISO times on the Kustody clock. */
  readonly createdAt: string;
  readonly changedAt: string;
}

export interface ArmIdentity {
  readonly type: 'None' | 'SystemAssigned' | 'UserAssigned' | 'SystemAssigned, UserAssigned';
  readonly principalId?: Guid;
  readonly tenantId?: Guid;
  /** Keys: resource ids of user-assigned identities as sent; compare without case. */
  readonly userAssignedIdentities?: Readonly<Record<string, { readonly principalId: Guid; readonly clientId: Guid }>>;
}

/** All ARM resources of all types. */
export const armResources: Table<ArmResource> = {
  name: 'arm-resources',
  parse: (value) => value as unknown as ArmResource,
};

export const resourceRecordId = (resourceId: string): string => resourceId.toLowerCase();
