import type { Catalog } from './catalog.ts';
import type { ClusterData } from './cluster-data.ts';

/** At most so many requests at the same time, of the group or of each principal; queries and management commands are counted apart. */
export interface RateLimit {
  readonly IsEnabled: boolean;
  readonly Scope: 'WorkloadGroup' | 'Principal';
  readonly LimitKind: 'ConcurrentRequests';
  readonly Properties: { readonly MaxConcurrentRequests: number };
}

/** The policies of the workload group `default`, which every request is in, as commands write them. */
export interface WorkloadGroup {
  readonly RequestRateLimitPolicies: readonly RateLimit[];
  /** Requests beyond the limit of the group wait for a moment instead of being refused at once. */
  readonly RequestQueuingPolicy?: { readonly IsEnabled: boolean };
}

export const defaultGroup = 'default';
const recordId = `w/${defaultGroup}`;

/** One record of the catalog: durable, sealed and re-wrapped as all others. */
export const createWorkloadGroups = (catalog: Catalog): Pick<ClusterData, 'workloadGroup' | 'setWorkloadGroup'> => ({
  workloadGroup: () => {
    const found = catalog.image.get(recordId);
    return found?.kind === 'workloadGroup' ? found.group : undefined;
  },
  setWorkloadGroup: (change) =>
    catalog.change((draft) => {
      const found = draft.get(recordId);
      const group = change(found?.kind === 'workloadGroup' ? found.group : undefined);
      draft.put({ kind: 'workloadGroup', name: defaultGroup, group });
      return group;
    }),
});
