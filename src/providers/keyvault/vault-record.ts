import type { ArmResource } from '../../arm/resource.ts';
import type { SystemData } from '../../arm/system-data.ts';
import type { AccessPolicy } from '../../authz/access-policies.ts';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { VaultName } from '../../base/names.ts';
import type { Table } from '../../state/state.ts';

export interface NetworkAcls {
  readonly bypass: 'AzureServices' | 'None';
  readonly defaultAction: 'Allow' | 'Deny';
  /** IPv4 addresses or CIDR ranges. */
  readonly ipRules: readonly { readonly value: string }[];
  readonly virtualNetworkRules: readonly { readonly id: string; readonly ignoreMissingVnetServiceEndpoint: boolean }[];
}

/** What is kept of a vault, as `properties` of its ARM record. What answers show is made in vault-view.ts. */
export interface VaultProperties {
  /** Made new with each created vault: keys belong to it, not to the name. Never shown. */
  readonly vaultId: Guid;
  readonly systemData: SystemData;
  readonly sku: { readonly family: 'A'; readonly name: 'standard' | 'premium' };
  readonly tenantId: Guid;
  readonly accessPolicies: readonly AccessPolicy[];
  /** Absent until somebody sets it. */
  readonly networkAcls?: NetworkAcls;
  readonly enabledForDeployment: boolean;
  /** These and the next are absent until somebody sets them. */
  readonly enabledForDiskEncryption?: boolean;
  readonly enabledForTemplateDeployment?: boolean;
  readonly enableSoftDelete: boolean;
  /** Present exactly when soft delete is on. */
  readonly softDeleteRetentionInDays?: number;
  readonly enableRbacAuthorization?: boolean;
  readonly enablePurgeProtection: boolean;
  readonly publicNetworkAccess: 'Enabled' | 'Disabled';
}

export interface Vault extends Omit<ArmResource, 'properties'> {
  readonly location: string;
  readonly properties: VaultProperties;
}

export const vaultType = 'Microsoft.KeyVault/vaults';

/** @returns undefined for a resource of another type */
export function asVault(resource: ArmResource): Vault | undefined {
  if (resource.type !== vaultType) return undefined;
  invariant(resource.location !== undefined, 'a vault has a location');
  invariant(typeof resource.properties['vaultId'] === 'string', 'a vault record holds a vault id');
  return { ...resource, location: resource.location, properties: parseProperties(resource.properties) };
}

const parseProperties = (properties: JsonObject): VaultProperties => properties as unknown as VaultProperties;

/** The record as the table of all resources keeps it. */
export const asResource = (vault: Vault): ArmResource => ({
  ...vault,
  properties: { ...vault.properties } as unknown as JsonObject,
});

/** Who holds a vault name. Names are unique over all subscriptions and tenants, deleted vaults included. */
export type VaultNameRecord = {
  readonly name: VaultName;
  readonly vaultId: Guid;
  readonly resourceId: string;
} & (
  | { readonly state: 'live' }
  /** Times in milliseconds on the Kustody clock. */
  | { readonly state: 'deleted'; readonly vault: Vault; readonly deletedAt: number; readonly purgeAt: number }
  /** Its contents are being removed; then the name is free. */
  | { readonly state: 'purging' }
);

export type DeletedVault = Extract<VaultNameRecord, { state: 'deleted' }>;

/** Record id: the name. */
export const vaultNames: Table<VaultNameRecord> = {
  name: 'vault-names',
  parse: (value) => {
    invariant(isJsonObject(value) && typeof value['vaultId'] === 'string', 'a vault name record holds a vault id');
    return value as unknown as VaultNameRecord;
  },
};
