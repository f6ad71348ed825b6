import { expect, it } from 'vitest';
import type { RateLimit, WorkloadGroup } from '../../../database/catalog/workload-group.ts';
import { isCountedTogether } from './request-capacity.ts';

const machines = { coresPerNode: 8, nodes: 1 };
const concurrent = (MaxConcurrentRequests: number, more: Partial<RateLimit> = {}): RateLimit =>
  ({
    ...{ IsEnabled: true, Scope: 'WorkloadGroup', LimitKind: 'ConcurrentRequests' },
    ...{ Properties: { MaxConcurrentRequests }, ...more },
  }) as RateLimit;
const groupWith = (limits: readonly RateLimit[], more: Partial<WorkloadGroup> = {}): WorkloadGroup => ({
  RequestRateLimitPolicies: limits,
  ...more,
});

it.each<[boolean, string, WorkloadGroup | undefined, string]>([
  [false, 'nothing is set', undefined, 'default'],
  [false, 'what is set is what there was', groupWith([concurrent(80)]), 'default'],
  [true, 'another limit is set', groupWith([concurrent(79)]), 'default'],
  [true, 'that is the limit of another group', groupWith([concurrent(80)]), 'G'],
  [true, 'it is of each principal', groupWith([concurrent(80, { Scope: 'Principal' })]), 'default'],
  [false, 'it is off', groupWith([concurrent(5, { IsEnabled: false })]), 'G'],
  [
    true,
    'requests wait in a queue',
    groupWith([concurrent(80)], { RequestQueuingPolicy: { IsEnabled: true } }),
    'default',
  ],
  [
    false,
    'each query head counts its own',
    groupWith([concurrent(5)], { RequestRateLimitsEnforcementPolicy: { QueriesEnforcementLevel: 'QueryHead' } }),
    'G',
  ],
])('requests of all processes are counted together: %s, where %s', (together, _why, set, group) => {
  expect(isCountedTogether(set, group, machines)).toBe(together);
});
