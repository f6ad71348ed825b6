import type { ClusterData } from '../../../database/cluster-data.ts';
import { parseTimespan, ticksPerMillisecond } from '../../../kql/values/ticks.ts';
import type {
  ConcurrencyLimit,
  RateLimit,
  UtilizationLimit,
  WorkloadGroup,
} from '../../../database/catalog/workload-group.ts';
import { defaultGroup } from '../../../database/catalog/workload-group.ts';
import {
  commandTypeOf,
  isExportCommand,
  isIngestionCommand,
  isWorkloadGroupCommand,
} from '../../../database/commands/command-type.ts';
import type { CapacityView, RequestView } from '../../../database/commands/command-context.ts';
import type { KustoError } from '../errors/kusto-error.ts';
import { kustoError } from '../errors/kusto-error.ts';
import type { Machines } from '../../messages/data-plane-calls.ts';

/** What requests take while they run. Queries and management commands are counted apart. */
export type Resource = 'queries' | 'management-commands' | 'ingestions' | 'data-export' | 'streaming-ingestions';

/** What says how many can be under way. */
export interface Limits {
  readonly machines: Machines;
  /** The policies that were set for a workload group; absent: for none. */
  readonly groupOf?: ((name: string) => WorkloadGroup | undefined) | undefined;
  /** The capacity policy that was set for ingestion. */
  readonly ingestion?: IngestionCapacity | undefined;
}

interface IngestionCapacity {
  readonly ClusterMaximumConcurrentOperations: number;
  readonly CoreUtilizationCoefficient: number;
}

interface ResourceRow {
  /** How many at the same time. */
  readonly capacity: (limits: Limits, group: string) => number;
  /** The limit is that of the workload group. */
  readonly ofGroup?: true;
  /** The policy that says so. */
  readonly origin: (group: string) => string;
  readonly refusal: (capacity: number, origin: string, text: string) => KustoError;
}

/** What commands have set. */
export function setLimits(
  data: Pick<ClusterData, 'workloadGroup' | 'clusterSettings'>,
): Pick<Limits, 'groupOf' | 'ingestion'> {
  const policy = data.clusterSettings().policies['capacity'] as
    { readonly IngestionCapacity: IngestionCapacity } | undefined;
  return { groupOf: (name) => data.workloadGroup(name), ingestion: policy?.IngestionCapacity };
}

const unsetIngestion: IngestionCapacity = {
  ClusterMaximumConcurrentOperations: 512,
  CoreUtilizationCoefficient: 0.75,
};

const backoff = 'Retrying after some backoff might succeed.';

const refusedCommand: ResourceRow['refusal'] = (capacity, origin, text) =>
  kustoError(
    'throttledCommand',
    `The management command was aborted due to throttling. ${backoff} CommandType: '${commandTypeOf(text).slice(0, 100)}', Capacity: ${capacity}, Origin: '${origin}'.`,
  );

const rateLimit = (group: string): string => `RequestRateLimitPolicy/WorkloadGroup/${group}`;
/** What the group `default` has without a policy. */
export const defaultRateLimit = ({ coresPerNode }: Machines): number => coresPerNode * 10;
/** What every other group has. */
const unsetRateLimit = 10_000;

/** Whether queries of a group are counted over all processes of the cluster: somebody has set a limit for it, which is no other than what the group has
 * without one, and has not said that each query head counts for itself. @see Kusto "Request rate limits enforcement policy" */
export function isCountedTogether(set: WorkloadGroup | undefined, group: string, machines: Machines): boolean {
  if (set === undefined || set.RequestRateLimitsEnforcementPolicy?.['QueriesEnforcementLevel'] === 'QueryHead')
    return false;
  const isUnset = (limit: RateLimit): boolean =>
    group === defaultGroup &&
    limit.Scope === 'WorkloadGroup' &&
    limit.LimitKind === 'ConcurrentRequests' &&
    limit.Properties.MaxConcurrentRequests === defaultRateLimit(machines);
  const limits = set.RequestRateLimitPolicies.filter((limit) => limit.IsEnabled && !isUnset(limit));
  return limits.length > 0 || set.RequestQueuingPolicy?.IsEnabled === true;
}

const concurrencyOf = (limits: Limits, group: string, scope: RateLimit['Scope']): number | undefined =>
  limits
    .groupOf?.(group)
    ?.RequestRateLimitPolicies.find(
      (limit): limit is ConcurrencyLimit =>
        limit.IsEnabled && limit.Scope === scope && limit.LimitKind === 'ConcurrentRequests',
    )?.Properties.MaxConcurrentRequests;

const perGroup = (limits: Limits, group: string): number =>
  concurrencyOf(limits, group, 'WorkloadGroup') ??
  (group === defaultGroup ? defaultRateLimit(limits.machines) : unsetRateLimit);

/** What of a resource one principal, or a whole group, has used up within a period, and may. */
export interface Quota {
  readonly resource: UtilizationLimit['Properties']['ResourceKind'];
  /** Whose it is. */
  readonly origin: string;
  readonly most: number;
  readonly windowMs: number;
  readonly error: KustoError;
}

/** @returns what a request must not find used up, and is counted in */
export function quotasOf(
  view: Pick<RequestView, 'kind' | 'text' | 'principal' | 'workloadGroup'>,
  limits: Limits,
): readonly Quota[] {
  if (view.kind === 'ingestion' || isOutsideGroup(view)) return [];
  const group = view.workloadGroup ?? defaultGroup;
  const policies = limits.groupOf?.(group)?.RequestRateLimitPolicies ?? [];
  return policies.flatMap((policy) => {
    if (!policy.IsEnabled || policy.LimitKind !== 'ResourceUtilization') return [];
    const { ResourceKind, MaxUtilization, TimeWindow } = policy.Properties;
    const origin = policy.Scope === 'Principal' ? `${rateLimit(group)}/Principal/${view.principal}` : rateLimit(group);
    const text = `The request was denied due to exceeding quota limitations. Resource: '${ResourceKind}', Quota: '${MaxUtilization}', TimeWindow: '${TimeWindow}', Origin: '${origin}'.`;
    return [
      {
        ...{ resource: ResourceKind, origin, most: MaxUtilization, error: kustoError('quotaExceeded', text) },
        windowMs: Number((parseTimespan(TimeWindow) ?? 0n) / ticksPerMillisecond),
      },
    ];
  });
}

/** @see Kusto "Request rate limit policy" (the default workload group), "Capacity policy" (ingestion and export, with the default coefficients),
 * "Configure streaming ingestion" (six requests per core, which are in no workload group) */
const rows: Readonly<Record<Resource, ResourceRow>> = {
  queries: {
    ofGroup: true,
    capacity: perGroup,
    origin: rateLimit,
    refusal: (capacity, origin) =>
      kustoError(
        'throttledQuery',
        `The query was aborted due to throttling. ${backoff} Capacity: ${capacity}, Origin: '${origin}'.`,
      ),
  },
  'management-commands': { ofGroup: true, capacity: perGroup, origin: rateLimit, refusal: refusedCommand },
  ingestions: {
    // Of four machines and more, one is for administration.
    capacity: ({ machines: { coresPerNode, nodes }, ingestion = unsetIngestion }) =>
      Math.min(
        ingestion.ClusterMaximumConcurrentOperations,
        Math.floor((nodes >= 4 ? nodes - 1 : nodes) * Math.max(1, coresPerNode * ingestion.CoreUtilizationCoefficient)),
      ),
    origin: () => 'CapacityPolicy/Ingestion',
    refusal: refusedCommand,
  },
  'data-export': {
    capacity: ({ machines: { coresPerNode, nodes } }) =>
      Math.min(100, nodes * Math.max(1, Math.floor(coresPerNode * 0.25))),
    origin: () => 'CapacityPolicy/Export',
    refusal: refusedCommand,
  },
  'streaming-ingestions': {
    capacity: ({ machines }) => machines.coresPerNode * 6,
    origin: () => 'StreamingIngestion',
    refusal: (capacity) =>
      kustoError('throttled', `The limit of ${capacity} streaming ingestions at the same time was reached. ${backoff}`),
  },
};

const ofKind: Readonly<Record<RequestView['kind'], Resource>> = {
  query: 'queries',
  command: 'management-commands',
  ingestion: 'streaming-ingestions',
};

export const resourcesOf = ({ kind, text }: Pick<RequestView, 'kind' | 'text'>): readonly Resource[] =>
  kind !== 'command'
    ? [ofKind[kind]]
    : [
        ofKind[kind],
        ...(isIngestionCommand(text) ? (['ingestions'] as const) : []),
        ...(isExportCommand(text) ? (['data-export'] as const) : []),
      ];

/** Its limits do not hold what changes them. */
export const isOutsideGroup = ({ text }: Pick<RequestView, 'text'>): boolean => isWorkloadGroupCommand(text);

export interface Refusal {
  readonly error: KustoError;
  /** A request queuing policy lets the request wait for what the group has too little of. */
  readonly waits: boolean;
}

/** What a resource is counted under: of each workload group by itself where its limit is the group's. */
export const countedAs = (resource: Resource, group: string): string =>
  rows[resource].ofGroup ? `${resource}/${group}` : resource;

/** @param inUse requests that take of the resource now, of all (of its group) and of the principal alone
 * @returns why one more cannot begin; undefined: it can */
export function refusalOf(
  resource: Resource,
  inUse: { readonly all: number; readonly principal: () => number },
  limits: Limits,
  { text, principal, workloadGroup: group = defaultGroup }: Pick<RequestView, 'text' | 'principal' | 'workloadGroup'>,
): Refusal | undefined {
  const { capacity, origin: originOf, refusal, ofGroup } = rows[resource];
  if (ofGroup && isOutsideGroup({ text })) return undefined;
  const total = capacity(limits, group);
  const origin = originOf(group);
  if (inUse.all >= total)
    return {
      error: refusal(total, origin, text),
      waits: ofGroup === true && limits.groupOf?.(group)?.RequestQueuingPolicy?.IsEnabled === true,
    };
  const each = ofGroup ? concurrencyOf(limits, group, 'Principal') : undefined;
  if (each === undefined || inUse.principal() < each) return undefined;
  return { error: refusal(each, `${origin}/Principal/${principal}`, text), waits: false };
}

/** For `.show capacity`, of the workload group that asks. */
export const capacityViews = (
  inUse: (resource: Resource) => number,
  limits: Limits,
  group: string,
): readonly CapacityView[] =>
  Object.entries(rows).map(([resource, { capacity, origin }]) => ({
    resource,
    total: capacity(limits, group),
    consumed: inUse(resource as Resource),
    origin: origin(group),
  }));
