import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseAnyJson } from '../../base/relaxed-json.ts';
import { formatTimespan, parseTimespan } from '../../kql/values/ticks.ts';
import { dataError } from '../catalog/data-error.ts';
import type { RateLimit, RequestLimit, RequestLimits, WorkloadGroup } from '../catalog/workload-group.ts';

/** @see Kusto "Request limits policy", "Request rate limit policy", "Request rate limits enforcement policy", "Request queuing policy",
 * "Query consistency policy" */

const invalid = (text: string): Error => dataError('InvalidPolicy', text);

/** Names of members are read in any case, as the service does. */
type Members<Name extends string> = { readonly [Member in Name]?: Json };

/** @throws DataError `InvalidPolicy` */
function members<Name extends string>(value: Json | undefined, known: readonly Name[], what: string): Members<Name> {
  if (!isJsonObject(value)) throw invalid(`${what} is not a JSON object.`);
  const found: { [Member in Name]?: Json } = {};
  for (const [name, member] of Object.entries(value)) {
    const match = known.find((one) => one.toLowerCase() === name.toLowerCase());
    if (match === undefined) throw invalid(`${what} has no property '${name.slice(0, 100)}'.`);
    if (member !== null && member !== undefined) found[match] = member;
  }
  return found;
}

/** A check gives the value in its one spelling. */
type Check<Value extends string | number> = (value: Json | undefined) => Value | undefined;

const whole =
  (least: number, most: number): Check<number> =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most ? value : undefined;
/** 2^63 - 1, as far as numbers of JSON tell it. */
const longMax = 2 ** 63;
const long = whole(1, longMax);
const percentage = whole(1, 100);
const oneOf =
  (...names: readonly string[]): Check<string> =>
  (value) =>
    typeof value === 'string' ? names.find((name) => name.toLowerCase() === value.toLowerCase()) : undefined;

const second = 10_000_000n;
const hour = 3_600n * second;
/** In ticks. */
const period =
  (least: bigint, most: bigint): Check<string> =>
  (value) => {
    const ticks = typeof value === 'string' ? parseTimespan(value) : undefined;
    return ticks !== undefined && ticks >= least && ticks <= most ? formatTimespan(ticks) : undefined;
  };

const limitChecks = {
  MaxExecutionTime: period(1n, hour),
  MaxResultRecords: long,
  MaxResultBytes: long,
  DataScope: oneOf('All', 'HotCache'),
  MaxMemoryPerQueryPerNode: long,
  MaxMemoryPerIterator: whole(1, 32_212_254_720),
  MaxFanoutThreadsPercentage: percentage,
  MaxFanoutNodesPercentage: percentage,
  QueryResultsCacheMaxAge: period(0n, 365n * 24n * hour),
} as const satisfies { readonly [Name in keyof RequestLimits]-?: Check<string> | Check<number> };

const consistencyChecks = {
  QueryConsistency: oneOf('Strong', 'Weak', 'WeakAffinitizedByQuery', 'WeakAffinitizedByDatabase'),
  CachedResultsMaxAge: period(0n, 365n * 24n * hour),
} as const;

type Limits = Readonly<Record<string, RequestLimit | null>>;

/** @returns null for a limit that is taken back */
function readLimitsOf(
  value: Json,
  checks: Readonly<Record<string, Check<string> | Check<number>>>,
  what: string,
): Limits {
  const known = Object.keys(checks);
  members(value, known, what);
  const read = Object.entries(value as JsonObject).map(([sent, limit]): [string, RequestLimit | null] => {
    const name = known.find((one) => one.toLowerCase() === sent.toLowerCase()) ?? sent;
    return [name, limit === null || limit === undefined ? null : readLimit(limit, name, checks[name])];
  });
  return Object.fromEntries(read);
}

function readLimit(value: Json, name: string, check: Check<string> | Check<number> | undefined): RequestLimit | null {
  const { IsRelaxable = true, Value } = members(value, ['IsRelaxable', 'Value'], name);
  if (typeof IsRelaxable !== 'boolean') throw invalid(`IsRelaxable of '${name}' must be true or false.`);
  if (Value === undefined) return null;
  const checked = check?.(Value);
  if (checked === undefined) throw invalid(`The limit '${name}' has a value that it cannot have.`);
  return { IsRelaxable, Value: checked };
}

const flag = (value: Json | undefined, name: string): boolean => {
  if (typeof value !== 'boolean') throw invalid(`${name} must be true or false.`);
  return value;
};

const levels = oneOf('Cluster', 'Database');
const queryLevels = oneOf('Cluster', 'Database', 'QueryHead');

function readEnforcement(value: Json): Readonly<Record<string, string>> {
  const what = 'RequestRateLimitsEnforcementPolicy';
  const { QueriesEnforcementLevel: queries, CommandsEnforcementLevel: commands } = members(
    value,
    ['QueriesEnforcementLevel', 'CommandsEnforcementLevel'],
    what,
  );
  const read = {
    ...(queries === undefined ? {} : { QueriesEnforcementLevel: queryLevels(queries) }),
    ...(commands === undefined ? {} : { CommandsEnforcementLevel: levels(commands) }),
  };
  for (const [name, level] of Object.entries(read))
    if (level === undefined) throw invalid(`The level '${name}' has a value that it cannot have.`);
  return read as Readonly<Record<string, string>>;
}

const scopeOf = oneOf('WorkloadGroup', 'Principal');
const maxConcurrentRequests = 10_000;
const concurrency = whole(0, maxConcurrentRequests);
const utilizations = { RequestCount: whole(1, 16_777_215), TotalCpuSeconds: whole(1, 828_000) } as const;
const timeWindow = period(second, hour);

function readRateLimits(value: Json): readonly RateLimit[] {
  if (!Array.isArray(value)) throw invalid('RequestRateLimitPolicies is not a JSON array.');
  const limits = (value as readonly Json[]).map(readRateLimit);
  // A second of a kind would say nothing that the smaller does not.
  if (new Set(limits.map(kindOf)).size !== limits.length)
    throw invalid('RequestRateLimitPolicies has two limits of the same scope and kind.');
  return limits;
}

const kindOf = ({ Scope, LimitKind, Properties }: RateLimit): string =>
  [Scope, LimitKind, 'ResourceKind' in Properties ? Properties.ResourceKind : ''].join('/');

function readRateLimit(value: Json): RateLimit {
  const what = 'A request rate limit policy';
  const sent = members(value, ['IsEnabled', 'Scope', 'LimitKind', 'Properties'], what);
  const kind = oneOf('ConcurrentRequests', 'ResourceUtilization')(sent.LimitKind);
  if (kind === undefined) throw invalid("LimitKind must be 'ConcurrentRequests' or 'ResourceUtilization'.");
  const Scope = scopeOf(sent.Scope) as RateLimit['Scope'] | undefined;
  if (Scope === undefined) throw invalid("Scope must be 'WorkloadGroup' or 'Principal'.");
  const IsEnabled = flag(sent.IsEnabled, 'IsEnabled');
  return kind === 'ConcurrentRequests'
    ? { IsEnabled, Scope, LimitKind: 'ConcurrentRequests', Properties: readConcurrency(sent.Properties) }
    : { IsEnabled, Scope, LimitKind: 'ResourceUtilization', Properties: readUtilization(sent.Properties) };
}

function readConcurrency(value: Json | undefined): { readonly MaxConcurrentRequests: number } {
  const most = concurrency(members(value, ['MaxConcurrentRequests'], 'Properties').MaxConcurrentRequests);
  if (most === undefined)
    throw invalid(`MaxConcurrentRequests must be a whole number from 0 to ${maxConcurrentRequests}.`);
  return { MaxConcurrentRequests: most };
}

function readUtilization(
  value: Json | undefined,
): Extract<RateLimit, { LimitKind: 'ResourceUtilization' }>['Properties'] {
  const sent = members(value, ['ResourceKind', 'MaxUtilization', 'TimeWindow'], 'Properties');
  const ResourceKind = oneOf(...Object.keys(utilizations))(sent.ResourceKind) as keyof typeof utilizations | undefined;
  if (ResourceKind === undefined) throw invalid("ResourceKind must be 'RequestCount' or 'TotalCpuSeconds'.");
  const MaxUtilization = utilizations[ResourceKind](sent.MaxUtilization);
  if (MaxUtilization === undefined)
    throw invalid(`MaxUtilization has a value that it cannot have for ${ResourceKind}.`);
  const TimeWindow = timeWindow(sent.TimeWindow);
  if (TimeWindow === undefined) throw invalid('TimeWindow must be a period from 00:00:01 to 01:00:00.');
  return { ResourceKind, MaxUtilization, TimeWindow };
}

const policyNames = [
  'RequestLimitsPolicy',
  'RequestRateLimitPolicies',
  'RequestRateLimitsEnforcementPolicy',
  'RequestQueuingPolicy',
  'QueryConsistencyPolicy',
] as const;

/** What a command says of a group: absent is what it says nothing of. */
export interface SentGroup extends Omit<Partial<WorkloadGroup>, 'RequestLimitsPolicy' | 'QueryConsistencyPolicy'> {
  readonly RequestLimitsPolicy?: Limits;
  readonly QueryConsistencyPolicy?: Limits;
}

/** Nobody's group takes more. */
const textMax = 20_000;

/** @throws DataError `InvalidPolicy` */
export function readWorkloadGroup(text: string): SentGroup {
  if (text.length > textMax) throw invalid('The workload group is too long.');
  let value: Json;
  try {
    value = parseAnyJson(text);
  } catch {
    throw invalid('The workload group is not JSON.');
  }
  const sent = members(value, policyNames, 'The workload group');
  const queuing = sent.RequestQueuingPolicy;
  return {
    ...(sent.RequestLimitsPolicy === undefined
      ? {}
      : { RequestLimitsPolicy: readLimitsOf(sent.RequestLimitsPolicy, limitChecks, 'RequestLimitsPolicy') }),
    ...(sent.RequestRateLimitPolicies === undefined
      ? {}
      : { RequestRateLimitPolicies: readRateLimits(sent.RequestRateLimitPolicies) }),
    ...(sent.RequestRateLimitsEnforcementPolicy === undefined
      ? {}
      : { RequestRateLimitsEnforcementPolicy: readEnforcement(sent.RequestRateLimitsEnforcementPolicy) }),
    ...(queuing === undefined
      ? {}
      : {
          RequestQueuingPolicy: {
            IsEnabled: flag(members(queuing, ['IsEnabled'], 'RequestQueuingPolicy').IsEnabled ?? false, 'IsEnabled'),
          },
        }),
    ...(sent.QueryConsistencyPolicy === undefined
      ? {}
      : {
          QueryConsistencyPolicy: readLimitsOf(
            sent.QueryConsistencyPolicy,
            consistencyChecks,
            'QueryConsistencyPolicy',
          ),
        }),
  };
}

/** What is set when a command has said it of what was: single limits of a policy go in or out, other policies are replaced. */
export function withSent(held: WorkloadGroup | undefined, sent: SentGroup): WorkloadGroup {
  const { RequestLimitsPolicy: limits, QueryConsistencyPolicy: consistency, ...others } = sent;
  return {
    RequestRateLimitPolicies: [],
    ...held,
    ...others,
    ...(limits === undefined ? {} : { RequestLimitsPolicy: merged(held?.RequestLimitsPolicy, limits) }),
    ...(consistency === undefined ? {} : { QueryConsistencyPolicy: merged(held?.QueryConsistencyPolicy, consistency) }),
  };
}

function merged(
  held: RequestLimits | Readonly<Record<string, RequestLimit>> | undefined,
  sent: Limits,
): Readonly<Record<string, RequestLimit>> {
  const all: Readonly<Record<string, RequestLimit | null | undefined>> = { ...held, ...sent };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, limit]) => (limit === null || limit === undefined ? [] : [[name, limit]])),
  );
}
