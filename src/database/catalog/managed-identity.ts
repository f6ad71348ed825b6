import type { Guid } from '../../base/guid.ts';
import { isJsonObject } from '../../base/json.ts';
import type { ClusterSettings } from './cluster-setting.ts';

/** What a managed identity of the cluster can be used for. @see Kusto "Managed identity policy", usages */
export const identityUsages = [
  'AutomatedFlows',
  'AzureAI',
  'DataConnection',
  'ExternalTable',
  'NativeIngestion',
  'SandboxArtifacts',
  'SqlRequest',
] as const;

export type IdentityUsage = (typeof identityUsages)[number];

/** Every usage that there is, and those to come. */
export const everyUsage = 'All';

/** An identity that the resource manager has assigned to the cluster. */
export interface ClusterIdentity {
  readonly objectId: Guid;
  readonly clientId: Guid;
  readonly tenantId: Guid;
  readonly displayName: string;
  /** The cluster's own; there is at most one. */
  readonly isSystem: boolean;
}

/** As commands show it. */
export interface ManagedIdentityPolicy {
  readonly ObjectId: string;
  readonly ClientId: string;
  readonly TenantId: string;
  readonly DisplayName: string;
  readonly IsSystem: boolean;
  /** Names with commas between them: `NativeIngestion, ExternalTable`. */
  readonly AllowedUsages: string;
}

export const usagesOf = ({ AllowedUsages }: Pick<ManagedIdentityPolicy, 'AllowedUsages'>): readonly string[] =>
  AllowedUsages.split(',').map((usage) => usage.trim());

/** Those of the cluster. */
export function identityPoliciesOf({ policies }: ClusterSettings): readonly ManagedIdentityPolicy[] {
  const held = policies['managed_identity'];
  return Array.isArray(held) ? held.filter(isJsonObject).map((one) => one as unknown as ManagedIdentityPolicy) : [];
}

/** Whether any of the policies lets an identity be used so: those of a cluster and of a database add up.
 * @see Kusto "Managed identity policy" */
export const allowsUsage = (
  policies: readonly ManagedIdentityPolicy[],
  objectId: Guid,
  usage: IdentityUsage,
): boolean =>
  policies.some((policy) => {
    const usages = usagesOf(policy);
    return policy.ObjectId === objectId && (usages.includes(usage) || usages.includes(everyUsage));
  });
