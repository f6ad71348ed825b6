import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import type { CommandContext } from './command-context.ts';

let cluster: CommandFixture;
const counted = { requests: { cancel: () => Promise.resolve(0), defaultRateLimit: () => 80 } };
beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());

const run = (text: string, change: Partial<CommandContext> = {}) => cluster.run(text, { ...counted, ...change });
const groupOf = async (text: string): Promise<unknown> => JSON.parse(String((await run(text))[0]?.['WorkloadGroup']));
const limit = (most: number, Scope = 'WorkloadGroup', IsEnabled = true) => ({
  ...{ IsEnabled, Scope, LimitKind: 'ConcurrentRequests', Properties: { MaxConcurrentRequests: most } },
});
const text = (group: unknown): string => `\`\`\`\n${JSON.stringify(group, undefined, 2)} \`\`\``;
const merge = (group: unknown): string => `.alter-merge workload_group default ${text(group)}`;

describe('the workload group default', () => {
  it('has what the machines give it until somebody sets another limit', async () => {
    const machines = { RequestRateLimitPolicies: [limit(80)] };
    expect(await run('.show workload_group default')).toEqual([
      { WorkloadGroupName: 'default', WorkloadGroup: JSON.stringify(machines) },
    ]);
    expect(await run('.show workload_groups | project WorkloadGroupName')).toEqual([{ WorkloadGroupName: 'default' }]);
    const queued = { ...machines, RequestQueuingPolicy: { IsEnabled: true } };
    expect(await groupOf(merge({ RequestQueuingPolicy: { IsEnabled: true } }))).toEqual(queued);
    const own = { RequestRateLimitPolicies: [limit(100), limit(5, 'Principal')] };
    expect(await groupOf(merge(own))).toEqual({ ...queued, ...own });
    expect(await groupOf(".show workload_group ['default'] | take 1")).toEqual({ ...queued, ...own });
    expect(await groupOf(`.create-or-alter workload_group default '${JSON.stringify(own)}'`)).toEqual(own);
    expect(await groupOf(`${merge(own)} | take 1`)).toEqual(own);
  });

  it('is there again after a crash and a change of custody', async () => {
    const other = await openCommandFixture();
    try {
      await other.run(merge({ RequestRateLimitPolicies: [limit(7)] }), counted);
      await other.data.changeCustody();
      expect((await other.data.crash()).workloadGroup('default')).toEqual({ RequestRateLimitPolicies: [limit(7)] });
    } finally {
      await other.close();
    }
  });

  it.each([
    ['has no limit of the group', { RequestRateLimitPolicies: [] }, 'needs a limit of its concurrent requests'],
    ['has one for principals alone', { RequestRateLimitPolicies: [limit(5, 'Principal')] }, 'needs a limit'],
    ['has one that is off', { RequestRateLimitPolicies: [limit(5, 'WorkloadGroup', false)] }, 'needs a limit'],
    ['allows too many', { RequestRateLimitPolicies: [limit(10_001)] }, 'a whole number from 0 to 10000'],
    ['allows half a one', { RequestRateLimitPolicies: [limit(0.5)] }, 'a whole number from 0 to 10000'],
    ['has a limit twice', { RequestRateLimitPolicies: [limit(5), limit(6)] }, 'two limits of the same scope and kind'],
    ['has another scope', { RequestRateLimitPolicies: [limit(5, 'Cluster')] }, "Scope must be 'WorkloadGroup'"],
    ['has a property that nobody knows', { RequestQueuing: {} }, "no property 'RequestQueuing'"],
    ['queues by another word', { RequestQueuingPolicy: { IsEnabled: 'yes' } }, 'IsEnabled must be true or false'],
  ])('is refused where it %s', async (_why, group, message) => {
    const before = await groupOf('.show workload_group default');
    await expect(run(merge(group))).rejects.toMatchObject({
      code: 'InvalidPolicy',
      message: expect.stringContaining(message) as string,
    });
    await expect(run(merge('x'))).rejects.toMatchObject({ code: 'InvalidPolicy' });
    expect(await groupOf('.show workload_group default')).toEqual(before);
  });

  it('cannot be dropped, and internal cannot be changed', async () => {
    await expect(run('.drop workload_group default')).rejects.toMatchObject({ code: 'InvalidPolicy' });
    const internal = merge({ RequestRateLimitPolicies: [limit(1)] }).replace('default', 'internal');
    await expect(run(internal)).rejects.toThrow("The policies of the workload group 'internal' cannot be changed.");
  });

  it('is the business of who administers all databases', async () => {
    const viewer = { clusterRoles: ['AllDatabasesViewer'] } as const;
    for (const command of ['.show workload_groups', merge({ RequestQueuingPolicy: { IsEnabled: false } })])
      await expect(run(command, viewer)).rejects.toThrow('is not authorized to perform operation');
  });
});

describe("workload groups of one's own", () => {
  const create = (name: string, group: unknown): string => `.create-or-alter workload_group ${name} ${text(group)}`;
  const quota = (ResourceKind: string, MaxUtilization: number, TimeWindow = '01:00:00') => ({
    ...{ IsEnabled: true, Scope: 'Principal', LimitKind: 'ResourceUtilization' },
    Properties: { ResourceKind, MaxUtilization, TimeWindow },
  });
  const seconds = (Value: string | null, IsRelaxable = false) => ({ MaxExecutionTime: { IsRelaxable, Value } });

  it('are made, merged limit by limit, shown, kept and dropped', async () => {
    const limits = { ...seconds('00:02:00'), MaxResultRecords: { IsRelaxable: true, Value: 1000 } };
    const policies = {
      RequestRateLimitPolicies: [limit(3), quota('RequestCount', 50, '00:00:01'), quota('TotalCpuSeconds', 10)],
    };
    expect(await groupOf(create("['My Group']", { RequestLimitsPolicy: limits, ...policies }))).toEqual({
      ...policies,
      RequestLimitsPolicy: limits,
    });
    // Names of members in any case, as a page of the documentation has one.
    const sent = { RequestLimitsPolicy: { MaxExecutiontime: { Value: '0:0:30' }, MaxResultRecords: null } };
    expect(await groupOf(`.alter-merge workload_group ['My Group'] ${text(sent)}`)).toEqual({
      ...policies,
      RequestLimitsPolicy: seconds('00:00:30', true),
    });
    const levels = { QueriesEnforcementLevel: 'QueryHead', CommandsEnforcementLevel: 'Cluster' };
    const consistency = { QueryConsistency: { IsRelaxable: false, Value: 'Weak' } };
    await run(create('Other', { RequestRateLimitsEnforcementpolicy: levels, QueryConsistencyPolicy: consistency }));
    expect(await groupOf('.show workload_group Other')).toEqual({
      RequestRateLimitPolicies: [],
      RequestRateLimitsEnforcementPolicy: levels,
      QueryConsistencyPolicy: consistency,
    });
    const names = '.show workload_groups | project WorkloadGroupName';
    const shown = ['default', 'My Group', 'Other'].map((WorkloadGroupName) => ({ WorkloadGroupName }));
    expect(await run(names)).toEqual(shown);
    await cluster.data.changeCustody();
    expect((await cluster.data.data()).workloadGroupNames()).toEqual(['My Group', 'Other']);
    await run(".drop workload_group ['My Group']");
    await run('.drop workload_group Other');
    expect(await run(names)).toEqual(shown.slice(0, 1));
  });

  it('of materialized views have four limits', async () => {
    const memory = { MaxMemoryPerIterator: { IsRelaxable: false, Value: 5_368_709_120 } };
    const views = "['$materialized-views']";
    expect(await groupOf(create(views, { RequestLimitsPolicy: memory }))).toEqual({
      RequestRateLimitPolicies: [],
      RequestLimitsPolicy: memory,
    });
    for (const group of [{ RequestLimitsPolicy: seconds('00:02:00') }, { RequestQueuingPolicy: { IsEnabled: true } }])
      await expect(run(create(views, group))).rejects.toThrow('cannot be changed');
    await expect(run(`.drop workload_group ${views}`)).rejects.toThrow('is built in and cannot be dropped');
  });

  it.each([
    [create('A', { RequestLimitsPolicy: seconds('01:00:01') }), "'MaxExecutionTime' has a value"],
    [create('A', { RequestLimitsPolicy: { MaxFanoutThreadsPercentage: { Value: 101 } } }), 'has a value'],
    [create('A', { RequestLimitsPolicy: { MaxCpu: { Value: 1 } } }), "no property 'MaxCpu'"],
    [create('A', { RequestLimitsPolicy: { DataScope: { Value: 'Cold' } } }), 'has a value'],
    [create('A', { RequestRateLimitPolicies: [quota('Memory', 1)] }), "ResourceKind must be 'RequestCount'"],
    [create('A', { RequestRateLimitPolicies: [quota('TotalCpuSeconds', 828_001)] }), 'MaxUtilization has a value'],
    [create('A', { RequestRateLimitPolicies: [quota('RequestCount', 1, '00:00:00.9')] }), 'TimeWindow must be'],
    [create('A', { RequestRateLimitPolicies: [quota('RequestCount', 1, '01:00:01')] }), 'TimeWindow must be'],
    [create('A', { RequestRateLimitPolicies: [quota('RequestCount', 16_777_216)] }), 'MaxUtilization has a value'],
    [create('A', { RequestLimitsPolicy: { MaxMemoryPerIterator: { Value: 32_212_254_721 } } }), 'has a value'],
    [create('A', { RequestRateLimitPolicies: [quota('RequestCount', 1), quota('RequestCount', 2)] }), 'same scope'],
    [create('A', { RequestRateLimitsEnforcementPolicy: { CommandsEnforcementLevel: 'QueryHead' } }), 'has a value'],
    [create('default', { RequestRateLimitPolicies: [limit(1)], RequestLimitsPolicy: seconds(null) }), 'needs a value'],
    [".alter-merge workload_group Absent '{}'", "Entity ID 'Absent' of kind 'WorkloadGroup' was not found."],
    ['.show workload_group Absent', "Entity ID 'Absent' of kind 'WorkloadGroup' was not found."],
    ['.drop workload_group Absent', "Entity ID 'Absent' of kind 'WorkloadGroup' was not found."],
  ])('%s is refused', async (command, message) => {
    await expect(run(command)).rejects.toThrow(message);
  });

  it('are ten at most', async () => {
    for (let number = 1; number <= 10; number += 1) await run(create(`Group${number}`, {}));
    await expect(run(create('Group11', {}))).rejects.toThrow('at most 10 workload groups');
    await run(create('Group10', { RequestQueuingPolicy: { IsEnabled: true } }));
    for (let number = 1; number <= 10; number += 1) await run(`.drop workload_group Group${number}`);
  });
});
