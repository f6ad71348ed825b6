import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { newGuid } from '../../../base/new-guid.ts';
import { systemRandomBytes } from '../../../base/random.ts';
import { instant } from '../../../clock/clock.ts';
import type { RequestView } from '../../../database/commands/command-context.ts';
import type { WorkloadGroup } from '../../../database/catalog/workload-group.ts';
import type { Limits } from './request-capacity.ts';
import type { RunningPlace } from './request-queue.ts';
import { historyLimits, RunningRequests } from './running-requests.ts';

const view = (text: string, more: Partial<RequestView> = {}): RequestView => ({
  ...{ clientRequestId: 'c', text, database: 'db', startedOn: instant(0), activityId: newGuid(systemRandomBytes) },
  ...{ principal: 'aadapp=a;t', user: 'u', application: 'app', kind: 'query', ...more },
});
/** `Dev(No SLA)_Standard_E2a_v4` */
const limits = { machines: { coresPerNode: 2, nodes: 1 } };
const completed = { on: instant(1), milliseconds: 1, state: 'Completed', failure: '' } as const;

function run(requests: RunningRequests, sent: RequestView, failure = ''): void {
  requests.begin({ view: sent, controller: new AbortController() }, limits).end({ ...completed, failure });
}

/** What a body decodes to: a string that shares nothing with others. */
const decoded = (length: number): string => Buffer.alloc(length, 'x').toString('latin1');

describe('requests that have ended', () => {
  it('are remembered by the beginning of their text', () => {
    const requests = new RunningRequests();
    run(requests, view(`print 1 // ${decoded(100_000)}`));
    const [kept] = requests.list();
    expect(kept?.text.startsWith('print 1 // x')).toBe(true);
    expect(kept?.text).toHaveLength(historyLimits.textUnitsMax);
    expect(kept?.ended?.state).toBe('Completed');
  });

  it('take a fixed room together, whatever of them a client makes long', () => {
    const limits = { requestsMax: 1_000, textUnitsMax: 4_096, unitsMax: 100_000 };
    const requests = new RunningRequests(limits);
    const long = decoded(1_000_000);
    for (let count = 0; count < 300; count += 1)
      run(requests, view(long, { database: long, clientRequestId: long, user: long, application: long }), long);
    const kept = requests.list();
    const units = kept.reduce((sum, one) => sum + JSON.stringify(one).length, 0);
    expect(kept.length).toBeGreaterThan(5);
    expect(units).toBeLessThan(1.5 * limits.unitsMax); // with the names of the members
  });

  it('are remembered up to their number, the newest of them', () => {
    const requests = new RunningRequests({ requestsMax: 3, textUnitsMax: 10, unitsMax: 1_000 });
    for (const text of ['a', 'b', 'c', 'd']) run(requests, view(text));
    expect(requests.list().map(({ text }) => text)).toEqual(['d', 'c', 'b']);
  });

  it('do not hold on to the bodies that they came in', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const requests = new RunningRequests();
    const held = (): number => {
      collect();
      const { heapUsed, external } = process.memoryUsage(); // V8 keeps long strings outside of its heap
      return heapUsed + external;
    };
    const before = held();
    const running: RunningPlace[] = [];
    for (let count = 0; count < 60; count += 1) run(requests, view(decoded(4 * 1024 * 1024)));
    for (let count = 0; count < 4; count += 1)
      running.push(
        requests.begin({ view: view(decoded(16 * 1024 * 1024)), controller: new AbortController() }, limits),
      );
    expect(held() - before).toBeLessThan(64 * 1024 * 1024); // 304 MiB were sent
    expect(requests.list()).toHaveLength(64);
    for (const place of running) place.end(completed);
  });
});

describe('requests at the same time', () => {
  const begin = (
    requests: RunningRequests,
    text: string,
    kind: RequestView['kind'],
    has: Limits = limits,
  ): RunningPlace => requests.begin({ view: view(text, { kind }), controller: new AbortController() }, has);
  const group = "Origin: 'RequestRateLimitPolicy/WorkloadGroup/default'.";

  it('are ten per core, queries and management commands apart, and the next is refused at once', () => {
    const requests = new RunningRequests();
    const queries = Array.from({ length: 20 }, () => begin(requests, 'T', 'query'));
    const commands = Array.from({ length: 20 }, () => begin(requests, '.show tables', 'command'));
    expect(() => begin(requests, 'T', 'query')).toThrow(
      expect.objectContaining({
        ...{ status: 429, code: 'TooManyRequests', permanent: false },
        type: 'Kusto.DataNode.Exceptions.QueryThrottledException',
        message: `The query was aborted due to throttling. Retrying after some backoff might succeed. Capacity: 20, ${group}`,
      }),
    );
    expect(() => begin(requests, '.create-merge table T (a: long)', 'command')).toThrow(
      expect.objectContaining({
        ...{ status: 429, code: 'TooManyRequests', permanent: false },
        type: 'Kusto.DataNode.Exceptions.ControlCommandThrottledException',
        message: `The management command was aborted due to throttling. Retrying after some backoff might succeed. CommandType: 'TableCreate', Capacity: 20, ${group}`,
      }),
    );
    expect(requests.list().filter(({ ended }) => ended?.state === 'Throttled')).toHaveLength(2);
    for (const place of [...queries.slice(0, 1), ...commands.slice(0, 1)]) place.end(completed);
    begin(requests, 'T', 'query');
    begin(requests, '.show tables', 'command');
  });

  it('that bring rows in count against the capacity of ingestions, too', () => {
    const requests = new RunningRequests();
    const first = begin(requests, '.ingest inline into table T <| 1', 'command');
    expect(() => begin(requests, '.set-or-append T <| print 1', 'command')).toThrow(
      "CommandType: 'TableSetOrAppend', Capacity: 1, Origin: 'CapacityPolicy/Ingestion'.",
    );
    expect(() => begin(requests, '.show tables', 'command')).not.toThrow();
    first.end(completed);
    const behind = begin(requests, '.append async T <| print 1', 'command');
    const giveBack = behind.handOn();
    behind.end(completed);
    expect(() => begin(requests, '.append T <| print 1', 'command')).toThrow('CapacityPolicy/Ingestion');
    giveBack();
    expect(() => begin(requests, '.append T <| print 1', 'command')).not.toThrow();
  });

  it.each([
    [
      { coresPerNode: 8, nodes: 2 },
      { queries: 80, ingestions: 12, 'streaming-ingestions': 48 },
    ],
    [
      { coresPerNode: 16, nodes: 4 },
      { queries: 160, ingestions: 36, 'streaming-ingestions': 96 },
    ],
    [
      { coresPerNode: 64, nodes: 1_000 },
      { queries: 640, ingestions: 512, 'streaming-ingestions': 384 },
    ],
  ])('are as many as the machines say: %j', (has, expected) => {
    const shown = new RunningRequests().capacity({ machines: has });
    expect(Object.fromEntries(shown.map(({ resource, total }) => [resource, total]))).toMatchObject(expected);
  });

  it('of ingestion are as many as the capacity policy says', () => {
    const machines = { coresPerNode: 16, nodes: 4 };
    const total = (ingestion: NonNullable<Limits['ingestion']>) =>
      new RunningRequests().capacity({ machines, ingestion }).find(({ resource }) => resource === 'ingestions')?.total;
    expect(total({ ClusterMaximumConcurrentOperations: 5, CoreUtilizationCoefficient: 0.75 })).toBe(5);
    expect(total({ ClusterMaximumConcurrentOperations: 512, CoreUtilizationCoefficient: 0.5 })).toBe(24);
    const ingestion = { ClusterMaximumConcurrentOperations: 1, CoreUtilizationCoefficient: 0.75 };
    const requests = new RunningRequests();
    begin(requests, '.append T <| print 1', 'command', { machines, ingestion });
    expect(() => begin(requests, '.append T <| print 1', 'command', { machines, ingestion })).toThrow('Capacity: 1,');
  });

  it('follow the machines when the cluster gets others', () => {
    const requests = new RunningRequests();
    for (let count = 0; count < 20; count += 1) begin(requests, 'T', 'query');
    expect(() => begin(requests, 'T', 'query')).toThrow('Capacity: 20');
    expect(() => begin(requests, 'T', 'query', { machines: { coresPerNode: 4, nodes: 2 } })).not.toThrow();
  });
});

describe('requests of workload groups', () => {
  const groups: Readonly<Record<string, WorkloadGroup>> = {
    Small: {
      RequestRateLimitPolicies: [
        {
          ...{ IsEnabled: true, Scope: 'WorkloadGroup', LimitKind: 'ConcurrentRequests' },
          Properties: { MaxConcurrentRequests: 1 },
        },
      ],
    },
    Counted: {
      RequestRateLimitPolicies: [
        {
          ...{ IsEnabled: true, Scope: 'Principal', LimitKind: 'ResourceUtilization' },
          Properties: { ResourceKind: 'RequestCount', MaxUtilization: 2, TimeWindow: '01:00:00' },
        },
        {
          ...{ IsEnabled: true, Scope: 'WorkloadGroup', LimitKind: 'ResourceUtilization' },
          Properties: { ResourceKind: 'TotalCpuSeconds', MaxUtilization: 3, TimeWindow: '00:01:00' },
        },
      ],
    },
  };
  const inGroups: Limits = { ...limits, groupOf: (name) => groups[name] };
  const begin = (requests: RunningRequests, more: Partial<RequestView>): RunningPlace =>
    requests.begin({ view: view('T', more), controller: new AbortController() }, inGroups);
  const minutes = (count: number) => instant(count * 60_000);
  const endedAt = (on: ReturnType<typeof instant>) => ({ ...completed, on });

  it('are counted by their group, and the refusal names it', () => {
    const requests = new RunningRequests();
    const first = begin(requests, { workloadGroup: 'Small' });
    expect(() => begin(requests, { workloadGroup: 'Small' })).toThrow(
      "Capacity: 1, Origin: 'RequestRateLimitPolicy/WorkloadGroup/Small'.",
    );
    // A group that nothing is set for has no limit, and default its own.
    for (let count = 0; count < 20; count += 1) begin(requests, {});
    expect(() => begin(requests, {})).toThrow("Capacity: 20, Origin: 'RequestRateLimitPolicy/WorkloadGroup/default'.");
    for (let count = 0; count < 30; count += 1) begin(requests, { workloadGroup: 'Other' });
    first.end(completed);
    begin(requests, { workloadGroup: 'Small' });
  });

  it('have a number within any hour, each principal', () => {
    const requests = new RunningRequests();
    const at = (minute: number, more: Partial<RequestView> = {}): void =>
      begin(requests, { workloadGroup: 'Counted', startedOn: minutes(minute), ...more }).end(endedAt(minutes(minute)));
    at(0);
    at(30);
    expect(() => at(59)).toThrow(
      expect.objectContaining({
        ...{ status: 429, code: 'TooManyRequests', permanent: false },
        type: 'Kusto.DataNode.Exceptions.QuotaExceededException',
        message:
          "The request was denied due to exceeding quota limitations. Resource: 'RequestCount', Quota: '2', TimeWindow: '01:00:00', Origin: 'RequestRateLimitPolicy/WorkloadGroup/Counted/Principal/aadapp=a;t'.",
      }),
    );
    expect(requests.list()[0]?.ended?.state).toBe('Throttled');
    at(59, { principal: 'you' });
    at(59, { text: '.show workload_groups', kind: 'command' });
    at(61); // what was refused does not count
    expect(() => at(62)).toThrow('exceeding quota limitations');
    at(92);
  });

  it('have seconds of processors within any minute, as those that are over have used', () => {
    let used = 0;
    const requests = new RunningRequests(historyLimits, undefined, undefined, () => used);
    const counted = (second: number, principal: string): RunningPlace =>
      begin(requests, { workloadGroup: 'Counted', startedOn: instant(second * 1000), principal });
    const [one, two] = [counted(0, 'a'), counted(0, 'b')];
    used += 4_000; // two seconds each
    one.end(endedAt(instant(1_000)));
    counted(2, 'c').end(endedAt(instant(2_000)));
    two.end(endedAt(instant(3_000)));
    expect(requests.list().map(({ ended }) => ended?.cpuMs)).toEqual([2_000, 0, 2_000]);
    expect(() => counted(4, 'd')).toThrow("Resource: 'TotalCpuSeconds', Quota: '3', TimeWindow: '00:01:00'");
    expect(() => counted(60, 'd')).toThrow("Counted'.");
    counted(65, 'd').end(endedAt(instant(65_000)));
  });
});
