import type { AccessPolicy } from '../authz/access-policies.ts';
import type { Guid } from '../base/guid.ts';
import type { Region, VaultName } from '../base/names.ts';

/** What the data plane must know of a vault; read anew for every request. */
export interface VaultSettings {
  /** Made new with each created vault, so that a vault made again under the same name has none of the old keys. A recovered vault keeps it. */
  readonly vaultId: Guid;
  readonly name: VaultName;
  /** `https://{name}.vault.azure.net/` */
  readonly uri: string;
  readonly region: Region;
  readonly tenantId: Guid;
  /** In the casing that answers of the resource manager show. */
  readonly resourceId: string;
  readonly sku: 'standard' | 'premium';
  readonly accessPolicies: readonly AccessPolicy[];
  /** With `true` the access policies count for nothing and role assignments decide. */
  readonly enableRbacAuthorization: boolean;
  readonly softDelete: boolean;
  /** Days from 7 to 90 that deleted keys are kept for when soft delete is on. */
  readonly retentionDays: number;
  readonly purgeProtection: boolean;
  readonly networkAcls: VaultNetworkAcls;
  readonly publicNetworkAccess: 'Enabled' | 'Disabled';
}

export interface VaultNetworkAcls {
  readonly defaultAction: 'Allow' | 'Deny';
  /** Trusted services pass whatever the rules say. */
  readonly bypass: 'AzureServices' | 'None';
  /** IPv4 addresses or CIDR ranges. */
  readonly ipRules: readonly string[];
}

/** The vaults that exist now: not those deleted, nor those never made. */
export interface VaultDirectory {
  /** @returns at once what is known without a look at records */
  find(name: VaultName): VaultSettings | undefined | Promise<VaultSettings | undefined>;
}
