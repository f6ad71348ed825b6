import { dataError } from '../catalog/data-error.ts';
import { requireEntityName } from '../catalog/entity-name.ts';
import type { WorkloadGroup } from '../catalog/workload-group.ts';
import { builtInGroups, defaultGroup, internalGroup, viewsGroup } from '../catalog/workload-group.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import type { SentGroup } from './workload-group-values.ts';
import { readWorkloadGroup, withSent } from './workload-group-values.ts';

const columns = 'WorkloadGroupName: string, WorkloadGroup: string';
const invalid = (text: string): Error => dataError('InvalidPolicy', text);

/** @see Kusto "Workload groups" and the pages of these commands */
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
      const names =
        command.kind === 'ShowWorkloadGroup' ? [nameOf(command)] : [defaultGroup, ...context.data.workloadGroupNames()];
      return names.map((name) => rowOf(name, heldGroup(name, context)));
    },
  },
  {
    kinds: {
      CreateOrAleterWorkloadGroup: [
        `.create-or-alter workload_group MyGroup '{"RequestRateLimitPolicies":[…]}'`,
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
      const name = nameOf(command);
      const sent = readWorkloadGroup(command.required('WorkloadGroup'));
      const merges = command.kind === 'AlterMergeWorkloadGroup';
      requireSettable(name, sent);
      const group = await context.data.setWorkloadGroup(name, (held) => {
        if (merges && held === undefined && !builtInGroups.includes(name)) throw missing(name);
        const next = withSent(merges ? (held ?? unset(name, context)) : undefined, sent);
        if (name === defaultGroup) requireGroupLimit(next);
        return next;
      });
      return [rowOf(name, group)];
    },
  },
  {
    kinds: { DropWorkloadGroup: ['.drop workload_group MyGroup', 'drop workload_group {WorkloadGroupName}'] },
    parsed: true,
    permission: 'clusterAdmin',
    columns,
    run: async (command, context) => {
      const name = nameOf(command);
      if (builtInGroups.includes(name))
        throw invalid(`The workload group '${name}' is built in and cannot be dropped.`);
      await context.data.dropWorkloadGroup(name);
      return [defaultGroup, ...context.data.workloadGroupNames()].map((one) => rowOf(one, heldGroup(one, context)));
    },
  },
];

/** The official parser calls it otherwise where it is shown. */
const nameOf = (command: Command): string => command.optional('WorkloadGroupName') ?? command.required('WorkloadGroup');

const missing = (name: string): Error => dataError('WorkloadGroupNotFound', name.slice(0, 200));

/** @throws DataError `WorkloadGroupNotFound` */
function heldGroup(name: string, context: CommandContext): WorkloadGroup {
  const held = context.data.workloadGroup(name);
  if (held === undefined && !builtInGroups.includes(name)) throw missing(name);
  return held ?? unset(name, context);
}

const rowOf = (name: string, group: WorkloadGroup): Row => [name, JSON.stringify(group)];

/** Of a cluster whose machines nobody knows. */
const unknownMachines = 10_000;

/** What a group that is built in has before anybody sets something: `default` ten requests for each core of a machine. */
const unset = (name: string, { requests }: CommandContext): WorkloadGroup => ({
  RequestRateLimitPolicies:
    name === defaultGroup
      ? [
          {
            ...{ IsEnabled: true, Scope: 'WorkloadGroup', LimitKind: 'ConcurrentRequests' },
            Properties: { MaxConcurrentRequests: requests.defaultRateLimit?.() ?? unknownMachines },
          },
        ]
      : [],
});

/** What can be set of the group of materialized views. */
const limitsOfViews = [
  ...['MaxMemoryPerQueryPerNode', 'MaxMemoryPerIterator', 'MaxFanoutThreadsPercentage', 'MaxFanoutNodesPercentage'],
];

/** @throws DataError `InvalidPolicy` | `InvalidEntityName` */
function requireSettable(name: string, sent: SentGroup): void {
  if (name === internalGroup) throw invalid(`The policies of the workload group '${internalGroup}' cannot be changed.`);
  const limits = Object.entries(sent.RequestLimitsPolicy ?? {});
  if (name === viewsGroup) {
    const others = Object.keys(sent).filter((policy) => policy !== 'RequestLimitsPolicy');
    const unsettable = others[0] ?? limits.find(([limit]) => !limitsOfViews.includes(limit))?.[0];
    if (unsettable !== undefined)
      throw invalid(`'${unsettable}' of the workload group '${viewsGroup}' cannot be changed.`);
  } else if (name === defaultGroup) {
    // The other groups have theirs from here.
    const none = limits.find(([, limit]) => limit === null);
    if (none !== undefined)
      throw invalid(`The workload group '${defaultGroup}' needs a value of the limit '${none[0]}'.`);
  } else requireEntityName(name);
}

/** Documented of this group: its limit can be changed, and not be without. Queuing asks for the same. */
function requireGroupLimit({ RequestRateLimitPolicies: limits }: WorkloadGroup): void {
  const isLimit = limits.some(
    ({ IsEnabled, Scope, LimitKind }) => IsEnabled && Scope === 'WorkloadGroup' && LimitKind === 'ConcurrentRequests',
  );
  if (isLimit) return;
  throw invalid(
    `The workload group '${defaultGroup}' needs a limit of its concurrent requests: an enabled policy of scope 'WorkloadGroup' and kind 'ConcurrentRequests'.`,
  );
}
