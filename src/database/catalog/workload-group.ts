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
