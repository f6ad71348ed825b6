import { describe, expect, it } from 'vitest';
import { newGuid } from '../../../base/new-guid.ts';
import { systemRandomBytes } from '../../../base/random.ts';
import { instant } from '../../../clock/clock.ts';
import type { RequestView } from '../../../database/commands/command-context.ts';
import type { RateLimit, WorkloadGroup } from '../../../database/catalog/workload-group.ts';
import { kustoError } from '../errors/kusto-error.ts';
import type { RunningPlace } from './request-queue.ts';
import { historyLimits, RunningRequests } from './running-requests.ts';

const machines = { coresPerNode: 2, nodes: 1 };
const completed = { on: instant(1), milliseconds: 1, state: 'Completed', failure: '' } as const;
const limit = (most: number, Scope: RateLimit['Scope'] = 'WorkloadGroup'): RateLimit => ({
  ...{ IsEnabled: true, Scope, LimitKind: 'ConcurrentRequests', Properties: { MaxConcurrentRequests: most } },
});
const group = (queues: boolean, ...limits: RateLimit[]): WorkloadGroup => ({
  RequestRateLimitPolicies: limits,
  RequestQueuingPolicy: { IsEnabled: queues },
});

/** Requests with timers that go off when the test says so. */
function cluster(waitingMax = 10) {
  const timers = new Set<() => void>();
  const startTimer = (_milliseconds: number, run: () => void) => {
    timers.add(run);
    return () => void timers.delete(run);
  };
  const requests = new RunningRequests(historyLimits, { startTimer, waitingMax });
  const enter = (has: WorkloadGroup, text = 'T', more: Partial<RequestView> = {}) => {
    const controller = new AbortController();
    const view: RequestView = {
      ...{ clientRequestId: text, text, database: 'db', startedOn: instant(0), user: 'u', application: 'app' },
      ...{ activityId: newGuid(systemRandomBytes), principal: 'aadapp=a;t', kind: 'query' },
      ...more,
    };
    let place: RunningPlace | undefined;
    const outcome = requests.enter({ view, controller }, { machines, groupOf: () => has }).then(
      (entered) => {
        place = entered;
        return 'entered';
      },
      (error: unknown) => String(error),
    );
    return { controller, outcome, isIn: () => place !== undefined, end: () => place?.end(completed) };
  };
  return { requests, timers, enter, settled: () => new Promise((done) => void setImmediate(done)) };
}

describe('a rate limit of the workload group', () => {
  it('holds instead of what the machines give, and names its own number', async () => {
    const { enter } = cluster();
    const one = group(false, limit(1));
    const first = enter(one);
    expect(await first.outcome).toBe('entered');
    expect(await enter(one).outcome).toContain("Capacity: 1, Origin: 'RequestRateLimitPolicy/WorkloadGroup/default'.");
    const command = { kind: 'command' } as const;
    expect(await enter(one, '.create table A (a: long)', command).outcome).toBe('entered');
    expect(await enter(one, '.create table B (a: long)', command).outcome).toContain(
      "CommandType: 'TableCreate', Capacity: 1, Origin: 'RequestRateLimitPolicy/WorkloadGroup/default'.",
    );
  });

  it('of each principal leaves others their own, and is told with the principal', async () => {
    const { enter } = cluster();
    const has = group(true, limit(9), limit(1, 'Principal'));
    const first = enter(has);
    expect(await first.outcome).toBe('entered');
    expect(await enter(has).outcome).toContain(
      "Capacity: 1, Origin: 'RequestRateLimitPolicy/WorkloadGroup/default/Principal/aadapp=a;t'.",
    );
    expect(await enter(has, 'T', { principal: 'aadapp=b;t' }).outcome).toBe('entered');
    first.end();
    expect(await enter(has).outcome).toBe('entered');
  });

  it('of none lets only those in who can take it back', async () => {
    const { enter } = cluster();
    for (const queues of [false, true]) {
      const none = group(queues, limit(0));
      const command = enter(none, ' // why\n .alter-merge workload_group default "{}"', { kind: 'command' });
      expect(await command.outcome).toBe('entered');
    }
    expect(await enter(group(false, limit(0))).outcome).toContain('Capacity: 0');
    expect(await enter(group(false, limit(0)), '.show tables', { kind: 'command' }).outcome).toContain('Capacity: 0');
  });
});

describe('requests that wait because a policy asks for it', () => {
  const one = group(true, limit(1));

  it('come in one after the other, nobody before them, and leave no timer behind', async () => {
    const { enter, timers, settled } = cluster();
    const [first, second, third] = [enter(one), enter(one, 'second'), enter(one, 'third')];
    await settled();
    expect([first.isIn(), second.isIn(), third.isIn()]).toEqual([true, false, false]);
    first.end();
    const late = enter(one, 'late');
    await settled();
    expect([second.isIn(), third.isIn(), late.isIn()]).toEqual([true, false, false]);
    second.end();
    third.end(); // not in yet: the next turn
    await settled();
    third.end();
    expect(await late.outcome).toBe('entered');
    expect(timers.size).toBe(0);
  });

  it('are refused in the documented words when their time is over', async () => {
    const { enter, timers, requests, settled } = cluster();
    enter(one);
    const waiting = enter(one, 'waiting');
    await settled();
    for (const over of timers) over();
    expect(await waiting.outcome).toContain("Capacity: 1, Origin: 'RequestRateLimitPolicy/WorkloadGroup/default'.");
    expect(requests.list().find(({ text }) => text === 'waiting')?.ended?.state).toBe('Throttled');
    expect(timers.size).toBe(0);
  });

  it('are so many; the next is refused at once', async () => {
    const { enter, timers, settled } = cluster(2);
    enter(one);
    const waiting = [enter(one), enter(one)];
    await settled();
    expect(await enter(one).outcome).toContain('Capacity: 1');
    expect(waiting.map(({ isIn }) => isIn())).toEqual([false, false]);
    expect(timers.size).toBe(2);
  });

  it('go when their client goes, are shown and cancelled like others, and end with the process', async () => {
    const { enter, requests, timers, settled } = cluster();
    const first = enter(one);
    const [gone, cancelled, ended] = [enter(one, 'gone'), enter(one, 'cancelled'), enter(one, 'ended')];
    await settled();
    expect(requests.list()).toHaveLength(4);
    gone.controller.abort(kustoError('cancelled', 'The client closed the connection.'));
    expect(await gone.outcome).toContain('The client closed the connection.');
    expect(requests.cancel('cancelled')).toBe(1);
    expect(await cancelled.outcome).toContain('cancelled by a cancel command');
    requests.endAll(kustoError('unavailable', 'The cluster is stopping.'));
    expect(await ended.outcome).toContain('The cluster is stopping.');
    expect(await enter(one).outcome).toContain('The cluster is stopping.');
    first.end();
    expect(timers.size).toBe(0);
  });

  it('profit from a higher limit, and are held to a lower one', async () => {
    const { enter, settled } = cluster();
    const first = enter(one);
    const [second, third] = [enter(one), enter(one)];
    const command = enter(group(true, limit(2)), '.show workload_groups', { kind: 'command' });
    expect(await command.outcome).toBe('entered');
    await settled();
    expect([second.isIn(), third.isIn()]).toEqual([true, false]);
    enter(group(true, limit(0)));
    first.end();
    second.end();
    await settled();
    expect(third.isIn()).toBe(false);
  });

  it('do not wait for what no group has: a refusal of ingestions comes at once', async () => {
    const { enter } = cluster();
    const has = group(true, limit(9));
    const command = { kind: 'command' } as const;
    expect(await enter(has, '.set-or-append T <| print 1', command).outcome).toBe('entered');
    expect(await enter(has, '.set-or-append T <| print 1', command).outcome).toContain('CapacityPolicy/Ingestion');
  });
});
