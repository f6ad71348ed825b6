import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { dataError } from '../catalog/data-error.ts';
import { defaultGroup } from '../catalog/workload-groups.ts';
import type { RateLimit, WorkloadGroup } from '../catalog/workload-group.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';

const columns = 'WorkloadGroupName: string, WorkloadGroup: string';
const invalid = (text: string): Error => dataError('InvalidPolicy', text);

/** @see Kusto "Workload groups", "Request rate limit policy", "Request queuing policy" and the pages of these commands */
export const workloadGroupCommands: readonly CommandRow[] = [
  {
    kinds: {
      ShowWorkloadGroup: ['.show workload_group default', 'show workload_group {WorkloadGroupName}'],
      ShowWorkloadGroups: ['.show workload_groups', 'show workload_groups'],
    },
    parsed: true,
    permission: 'clusterAdmin',
    columns,
    run: (command, context) => {
      if (command.kind === 'ShowWorkloadGroup') requireDefault(command);
      return [rowOf(context.data.workloadGroup() ?? ofMachines(context))];
    },
  },
  {
    kinds: {
      CreateOrAleterWorkloadGroup: [
        `.create-or-alter workload_group default '{"RequestRateLimitPolicies":[…]}'`,
        'create-or-alter workload_group {WorkloadGroupName} {WorkloadGroup}',
      ],
      AlterMergeWorkloadGroup: [
        `.alter-merge workload_group default '{"RequestQueuingPolicy":{"IsEnabled":true}}'`,
        'alter-merge workload_group {WorkloadGroupName} {WorkloadGroup}',
      ],
    },
    parsed: true,
    permission: 'clusterAdmin',
    columns,
    run: async (command, context) => {
      requireDefault(command);
      const sent = readGroup(command.required('WorkloadGroup'));
      const merges = command.kind === 'AlterMergeWorkloadGroup';
      const group = await context.data.setWorkloadGroup((held) => {
        const next = { ...(merges ? (held ?? ofMachines(context)) : {}), ...sent };
        requireGroupLimit(next.RequestRateLimitPolicies ?? []);
        return { ...next, RequestRateLimitPolicies: next.RequestRateLimitPolicies ?? [] };
      });
      return [rowOf(group)];
    },
  },
  {
    kinds: { DropWorkloadGroup: ['.drop workload_group MyGroup', 'drop workload_group {WorkloadGroupName}'] },
    parsed: true,
    permission: 'clusterAdmin',
    columns,
    run: (command) => {
      requireDefault(command);
      throw invalid(`The workload group '${defaultGroup}' is built in and cannot be dropped.`);
    },
  },
];

const rowOf = (group: WorkloadGroup): Row => [defaultGroup, JSON.stringify(group)];

/** What the group has before anybody sets something: ten requests for each core of a machine. */
const ofMachines = ({ requests }: CommandContext): WorkloadGroup => ({
  RequestRateLimitPolicies: [
    {
      ...{ IsEnabled: true, Scope: 'WorkloadGroup', LimitKind: 'ConcurrentRequests' },
      Properties: { MaxConcurrentRequests: requests.defaultRateLimit?.() ?? maxConcurrentRequests },
    },
  ],
});

/** @throws KqlError | DataError for any other group */
function requireDefault(command: Command): void {
  // The official parser calls it otherwise where it is shown.
  const name = command.optional('WorkloadGroupName') ?? command.required('WorkloadGroup');
  if (name === defaultGroup) return;
  if (name === 'internal') throw invalid("The policies of the workload group 'internal' cannot be changed.");
  throw new KqlError(
    'notSupported',
    `The workload group '${name.slice(0, 100)}' is not supported: requests are not classified, so every one is in '${defaultGroup}'.`,
  );
}

const others = ['RequestLimitsPolicy', 'RequestRateLimitsEnforcementPolicy', 'QueryConsistencyPolicy'];

/** @throws KqlError for a policy that is not built, DataError for one that does not exist or has another form */
function readGroup(text: string): Partial<WorkloadGroup> {
  const group = objectOf(parsed(text), 'The workload group');
  const notBuilt = others.find((name) => group[name] !== undefined && group[name] !== null);
  if (notBuilt !== undefined)
    throw new KqlError('notSupported', `The ${notBuilt} of a workload group is not supported. Nothing was changed.`);
  const { RequestRateLimitPolicies: limits, RequestQueuingPolicy: queuing } = members(
    group,
    ['RequestRateLimitPolicies', 'RequestQueuingPolicy', ...others],
    'The workload group',
  );
  return {
    ...(isUnset(limits) ? {} : { RequestRateLimitPolicies: readLimits(limits) }),
    ...(isUnset(queuing) ? {} : { RequestQueuingPolicy: { IsEnabled: readQueuing(queuing) } }),
  };
}

const isUnset = (value: Json | undefined): value is null | undefined => value === undefined || value === null;

function readQueuing(value: Json): boolean {
  const policy = members(objectOf(value, 'RequestQueuingPolicy'), ['IsEnabled'], 'RequestQueuingPolicy');
  return booleanOf(policy['IsEnabled'] ?? false, 'IsEnabled');
}

/** One for the group, one for each principal: a second of a kind would say nothing that the smaller does not. */
const limitsMax = 2;
const maxConcurrentRequests = 10_000;

function readLimits(value: Json): readonly RateLimit[] {
  if (!Array.isArray(value)) throw invalid('RequestRateLimitPolicies is not a JSON array.');
  const limits = value.map((each) => readLimit(each as Json));
  const scopes = new Set(limits.map(({ Scope }) => Scope));
  if (limits.length > limitsMax || scopes.size !== limits.length)
    throw invalid('RequestRateLimitPolicies has two limits of the same scope.');
  return limits;
}

function readLimit(value: Json): RateLimit {
  const name = 'A request rate limit policy';
  const sent = members(objectOf(value, name), ['IsEnabled', 'Scope', 'LimitKind', 'Properties'], name);
  const { Scope, LimitKind } = sent;
  if (LimitKind === 'ResourceUtilization')
    throw new KqlError('notSupported', "Rate limits of LimitKind 'ResourceUtilization' are not supported.");
  if (LimitKind !== 'ConcurrentRequests')
    throw invalid("LimitKind must be 'ConcurrentRequests' or 'ResourceUtilization'.");
  if (Scope !== 'WorkloadGroup' && Scope !== 'Principal')
    throw invalid("Scope must be 'WorkloadGroup' or 'Principal'.");
  const properties = members(objectOf(sent['Properties'], 'Properties'), ['MaxConcurrentRequests'], 'Properties');
  const most = properties['MaxConcurrentRequests'];
  if (typeof most !== 'number' || !Number.isInteger(most) || most < 0 || most > maxConcurrentRequests)
    throw invalid(`MaxConcurrentRequests must be a whole number from 0 to ${maxConcurrentRequests}.`);
  const IsEnabled = booleanOf(sent['IsEnabled'], 'IsEnabled');
  return { IsEnabled, Scope, LimitKind, Properties: { MaxConcurrentRequests: most } };
}

/** Documented of this group: its limit can be changed, and not be without. Queuing asks for the same. */
function requireGroupLimit(limits: readonly RateLimit[]): void {
  if (limits.some(({ IsEnabled, Scope }) => IsEnabled && Scope === 'WorkloadGroup')) return;
  throw invalid(
    `The workload group '${defaultGroup}' needs a limit of its concurrent requests: an enabled policy of scope 'WorkloadGroup' and kind 'ConcurrentRequests'.`,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown, what: string): JsonObject {
  if (!isJsonObject(value)) throw invalid(`${what} is not a JSON object.`);
  return value;
}

function members(value: JsonObject, known: readonly string[], what: string): JsonObject {
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid(`${what} has no property '${unknown.slice(0, 100)}'.`);
  return value;
}

function booleanOf(value: Json | undefined, name: string): boolean {
  if (typeof value !== 'boolean') throw invalid(`${name} must be true or false.`);
  return value;
}
