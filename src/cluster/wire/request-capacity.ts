import { commandTypeOf, isIngestionCommand } from '../../engine/commands/command-type.ts';
import type { CapacityView, RequestView } from '../../engine/commands/command-context.ts';
import type { KustoError } from './kusto-error.ts';
import { kustoError } from './kusto-error.ts';
import type { Machines } from './wire-protocol.ts';

/** What requests take while they run. Queries and management commands are counted apart. */
export type Resource = 'queries' | 'management-commands' | 'ingestions' | 'streaming-ingestions';

interface ResourceRow {
  /** How many at the same time. */
  readonly capacity: (machines: Machines) => number;
  /** The policy that says so. */
  readonly origin: string;
  readonly refusal: (capacity: number, origin: string, text: string) => KustoError;
}

const backoff = 'Retrying after some backoff might succeed.';

const refusedCommand: ResourceRow['refusal'] = (capacity, origin, text) =>
  kustoError(
    'throttledCommand',
    `The management command was aborted due to throttling. ${backoff} CommandType: '${commandTypeOf(text).slice(0, 100)}', Capacity: ${capacity}, Origin: '${origin}'.`,
  );

/** Workload group `default`, which every request is in: custom groups are not built. */
const rateLimit = 'RequestRateLimitPolicy/WorkloadGroup/default';
const perGroup = ({ coresPerNode }: Machines): number => coresPerNode * 10;

/** @see Kusto "Request rate limit policy" (the default workload group), "Capacity policy" (ingestion, with the default coefficients),
 * "Configure streaming ingestion" (six requests per core, which are in no workload group) */
const rows: Readonly<Record<Resource, ResourceRow>> = {
  queries: {
    capacity: perGroup,
    origin: rateLimit,
    refusal: (capacity, origin) =>
      kustoError(
        'throttledQuery',
        `The query was aborted due to throttling. ${backoff} Capacity: ${capacity}, Origin: '${origin}'.`,
      ),
  },
  'management-commands': { capacity: perGroup, origin: rateLimit, refusal: refusedCommand },
  ingestions: {
    // Of four machines and more, one is for administration.
    capacity: ({ coresPerNode, nodes }) =>
      Math.min(512, Math.floor((nodes >= 4 ? nodes - 1 : nodes) * Math.max(1, coresPerNode * 0.75))),
    origin: 'CapacityPolicy/Ingestion',
    refusal: refusedCommand,
  },
  'streaming-ingestions': {
    capacity: ({ coresPerNode }) => coresPerNode * 6,
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
  kind === 'command' && isIngestionCommand(text) ? [ofKind[kind], 'ingestions'] : [ofKind[kind]];

/** @returns why one more cannot begin; undefined: it can */
export function refusalOf(resource: Resource, inUse: number, machines: Machines, text: string): KustoError | undefined {
  const { capacity, origin, refusal } = rows[resource];
  const total = capacity(machines);
  return inUse < total ? undefined : refusal(total, origin, text);
}

/** For `.show capacity`. */
export const capacityViews = (inUse: (resource: Resource) => number, machines: Machines): readonly CapacityView[] =>
  Object.entries(rows).map(([resource, { capacity, origin }]) => ({
    resource,
    total: capacity(machines),
    consumed: inUse(resource as Resource),
    origin,
  }));
