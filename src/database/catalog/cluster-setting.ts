import type { Json } from '../../base/json.ts';
import type { BlockedPrincipal } from './blocked-principal.ts';
import type { WorkloadGroup } from './workload-group.ts';

/** What commands set for the whole cluster. */
export interface ClusterSettings {
  /** By the name that commands have: `caching`. Absent: the service's default. */
  readonly policies: Readonly<Record<string, Json>>;
  readonly disabledPlugins: readonly string[];
  /** By name, but `default`. Absent: there are no others. */
  readonly workloadGroups?: Readonly<Record<string, WorkloadGroup>>;
  /** Absent: nobody is. */
  readonly blockedPrincipals?: readonly BlockedPrincipal[];
}

/** Of the record of it. */
export const clusterSettingsId = 'p/cluster';
