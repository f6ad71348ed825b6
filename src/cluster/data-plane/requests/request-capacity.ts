import type { ClusterData } from '../../../database/cluster-data.ts';
import type { RateLimit, WorkloadGroup } from '../../../database/catalog/workload-group.ts';
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
  /** The policies that were set for the workload group `default`. */
  readonly group?: WorkloadGroup | undefined;
  /** The capacity policy that was set for ingestion. */
  readonly ingestion?: IngestionCapacity | undefined;
}

interface IngestionCapacity {
  readonly ClusterMaximumConcurrentOperations: number;
  readonly CoreUtilizationCoefficient: number;
}

interface ResourceRow {
  /** How many at the same time. */
  readonly capacity: (limits: Limits) => number;
  /** The limit is that of the workload group. */
  readonly ofGroup?: true;
  /** The policy that says so. */
  readonly origin: string;
  readonly refusal: (capacity: number, origin: string, text: string) => KustoError;
}

/** What commands have set. */
export function setLimits(
  data: Pick<ClusterData, 'workloadGroup' | 'clusterSettings'>,
): Pick<Limits, 'group' | 'ingestion'> {
  const policy = data.clusterSettings().policies['capacity'] as
    { readonly IngestionCapacity: IngestionCapacity } | undefined;
  return { group: data.workloadGroup(), ingestion: policy?.IngestionCapacity };
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

/** Workload group `default`, which every request is in: custom groups are not built. */
const rateLimit = 'RequestRateLimitPolicy/WorkloadGroup/default';
/** What a workload group has without a policy. */
export const defaultRateLimit = ({ coresPerNode }: Machines): number => coresPerNode * 10;

const rateLimitOf = (group: WorkloadGroup | undefined, scope: RateLimit['Scope']): number | undefined =>
  group?.RequestRateLimitPolicies.find(({ IsEnabled, Scope }) => IsEnabled && Scope === scope)?.Properties
    .MaxConcurrentRequests;

const perGroup = ({ machines, group }: Limits): number =>
  rateLimitOf(group, 'WorkloadGroup') ?? defaultRateLimit(machines);

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
    origin: 'CapacityPolicy/Ingestion',
    refusal: refusedCommand,
  },
  'data-export': {
    capacity: ({ machines: { coresPerNode, nodes } }) =>
      Math.min(100, nodes * Math.max(1, Math.floor(coresPerNode * 0.25))),
    origin: 'CapacityPolicy/Export',
    refusal: refusedCommand,
  },
  'streaming-ingestions': {
    capacity: ({ machines }) => machines.coresPerNode * 6,
    origin: 'StreamingIngestion',
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

/** @param inUse requests that take of the resource now, of all and of the principal alone
 * @returns why one more cannot begin; undefined: it can */
export function refusalOf(
  resource: Resource,
  inUse: { readonly all: number; readonly principal: () => number },
  limits: Limits,
  { text, principal }: Pick<RequestView, 'text' | 'principal'>,
): Refusal | undefined {
  const { capacity, origin, refusal, ofGroup } = rows[resource];
  if (ofGroup && isOutsideGroup({ text })) return undefined;
  const total = capacity(limits);
  if (inUse.all >= total)
    return {
      error: refusal(total, origin, text),
      waits: ofGroup === true && limits.group?.RequestQueuingPolicy?.IsEnabled === true,
    };
  const each = ofGroup ? rateLimitOf(limits.group, 'Principal') : undefined;
  if (each === undefined || inUse.principal() < each) return undefined;
  return { error: refusal(each, `${origin}/Principal/${principal}`, text), waits: false };
}

/** For `.show capacity`. */
export const capacityViews = (inUse: (resource: Resource) => number, limits: Limits): readonly CapacityView[] =>
  Object.entries(rows).map(([resource, { capacity, origin }]) => ({
    resource,
    total: capacity(limits),
    consumed: inUse(resource as Resource),
    origin,
  }));
