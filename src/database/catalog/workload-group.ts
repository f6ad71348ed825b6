/** At most so many requests at the same time, of the group or of each principal; queries and management commands are counted apart. */
export interface ConcurrencyLimit {
  readonly IsEnabled: boolean;
  readonly Scope: 'WorkloadGroup' | 'Principal';
  readonly LimitKind: 'ConcurrentRequests';
  readonly Properties: { readonly MaxConcurrentRequests: number };
}

/** At most so many requests, or so many seconds of processors, within any period of that length. */
export interface UtilizationLimit {
  readonly IsEnabled: boolean;
  readonly Scope: 'WorkloadGroup' | 'Principal';
  readonly LimitKind: 'ResourceUtilization';
  readonly Properties: {
    readonly ResourceKind: 'RequestCount' | 'TotalCpuSeconds';
    readonly MaxUtilization: number;
    /** `01:00:00` */
    readonly TimeWindow: string;
  };
}

export type RateLimit = ConcurrencyLimit | UtilizationLimit;

/** A limit of one request. `IsRelaxable`: what the client asks for counts instead, be it more. */
export interface RequestLimit<Value extends string | number = string | number> {
  readonly IsRelaxable: boolean;
  readonly Value: Value;
}

/** Absent ones are those of the group `default`. There is one node: any share of nodes is that. */
export interface RequestLimits {
  /** Periods such as `00:04:00`. */
  readonly MaxExecutionTime?: RequestLimit<string>;
  readonly MaxResultRecords?: RequestLimit<number>;
  readonly MaxResultBytes?: RequestLimit<number>;
  readonly DataScope?: RequestLimit<string>;
  readonly MaxMemoryPerQueryPerNode?: RequestLimit<number>;
  readonly MaxMemoryPerIterator?: RequestLimit<number>;
  readonly MaxFanoutThreadsPercentage?: RequestLimit<number>;
  readonly MaxFanoutNodesPercentage?: RequestLimit<number>;
  readonly QueryResultsCacheMaxAge?: RequestLimit<string>;
}

/** The policies of a workload group, as commands write them. */
export interface WorkloadGroup {
  readonly RequestLimitsPolicy?: RequestLimits;
  readonly RequestRateLimitPolicies: readonly RateLimit[];
  /** There is one node: every level is the same. */
  readonly RequestRateLimitsEnforcementPolicy?: Readonly<Record<string, string>>;
  /** Requests beyond the limit of the group wait for a moment instead of being refused at once. */
  readonly RequestQueuingPolicy?: { readonly IsEnabled: boolean };
  /** One node answers every query from the newest there is, which any consistency allows. */
  readonly QueryConsistencyPolicy?: Readonly<Record<string, RequestLimit>>;
}

/** Every request is in it that nothing else is said of. */
export const defaultGroup = 'default';
/** Of the service's own work; nothing can be set. */
export const internalGroup = 'internal';
/** Of what keeps materialized views. */
export const viewsGroup = '$materialized-views';
export const builtInGroups: readonly string[] = [defaultGroup, internalGroup, viewsGroup];
