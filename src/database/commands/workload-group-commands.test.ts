import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import type { CommandContext } from './command-context.ts';

let cluster: CommandFixture;
const counted = { requests: { cancel: () => 0, defaultRateLimit: () => 80 } };
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
      expect((await other.data.crash()).workloadGroup()).toEqual({ RequestRateLimitPolicies: [limit(7)] });
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
    ['has a limit twice', { RequestRateLimitPolicies: [limit(5), limit(6)] }, 'two limits of the same scope'],
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

  it.each([
    ['RequestLimitsPolicy', merge({ RequestLimitsPolicy: {} })],
    ['QueryConsistencyPolicy', merge({ QueryConsistencyPolicy: {} })],
    ['RequestRateLimitsEnforcementPolicy', merge({ RequestRateLimitsEnforcementPolicy: {} })],
    ['ResourceUtilization', merge({ RequestRateLimitPolicies: [{ ...limit(1), LimitKind: 'ResourceUtilization' }] })],
    ['MyGroup', `.create-or-alter workload_group MyGroup ${text({ RequestRateLimitPolicies: [limit(1)] })}`],
    ['MyGroup', '.show workload_group MyGroup'],
    ['$materialized-views', ".show workload_group ['$materialized-views']"],
  ])('%s is refused by name', async (name, command) => {
    await expect(run(command)).rejects.toMatchObject({
      code: 'notSupported',
      message: expect.stringContaining(name) as string,
    });
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
