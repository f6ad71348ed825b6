import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { instant } from '../../clock/clock.ts';
import type { AdmittedRequest, DataPlanePorts } from './ports.ts';
import { withLimits } from './request-limits.ts';
import { classifiedRequests } from './requests/classify-request.ts';
import { historyLimits, RunningRequests } from './requests/running-requests.ts';

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
const classified = { policies: { request_classification: { IsEnabled: true, ClassificationFunction: '"default"' } } };

/** A request with a limit of 2 seconds in a process where only what a test names ends. */
function request(data: () => Promise<unknown>, run: (signal: AbortSignal) => Promise<unknown> = never) {
  const timers = new Map<() => void, number>();
  let nowMs = 0;
  const running = new RunningRequests(historyLimits);
  const ports = {
    host: { data, engine: { execute: never } },
    clock: { now: () => instant(0) },
    classified: classifiedRequests(),
    running,
    log: { failure: () => undefined },
    startTimer: (milliseconds: number, act: () => void) => {
      timers.set(act, milliseconds);
      return () => void timers.delete(act);
    },
    monotonicMs: () => nowMs,
  } as unknown as DataPlanePorts;
  const raw = new EventEmitter();
  const admitted = {
    access: {
      ...{ now: 0, machines: { coresPerNode: 2, nodes: 1 } },
      caller: { fqn: 'aadapp=a;t', displayName: 'a', memberOf: [] },
    },
    request: { headers: {}, correlation: { requestId: 'r', correlationId: 'c' } },
    reply: { raw },
  } as unknown as AdmittedRequest;
  const asked = { text: 'T', database: 'db', kind: 'query', options: { timeoutMs: 2_000 } } as const;
  const outcome = withLimits(ports, admitted, 240_000, asked as Parameters<typeof withLimits>[3], run).then(
    () => 'done',
    (error: unknown) => String(error),
  );
  return {
    outcome,
    running,
    timers: () => [...timers.values()].sort((one, other) => one - other),
    pass: (milliseconds: number) => (nowMs += milliseconds),
    /** The timer that was set for so long. */
    fire: (milliseconds: number) => {
      for (const [act, set] of timers) if (set === milliseconds) act();
    },
    leave: () => raw.emit('close'),
    settled: () => new Promise((done) => void setImmediate(done)),
  };
}

const data = (settings: unknown = { policies: {} }) => ({
  clusterSettings: () => settings,
  workloadGroup: () => undefined,
});
const stages: readonly (readonly [string, () => ReturnType<typeof request>])[] = [
  ['the data to be opened', () => request(never)],
  ['its workload group', () => request(() => Promise.resolve(data(classified)))],
];

describe('a request that waits for', () => {
  it.each(stages)('%s ends when its time is over', async (_what, start) => {
    const waiting = start();
    await waiting.settled();
    waiting.fire(2_000);
    expect(await waiting.outcome).toContain('the limit of 2 seconds was exceeded');
    expect(waiting.timers()).not.toContain(2_000);
  });

  it.each(stages)('%s ends when its client goes', async (_what, start) => {
    const waiting = start();
    await waiting.settled();
    waiting.leave();
    expect(await waiting.outcome).toContain('The client closed the connection.');
  });
});

describe('the time of a request', () => {
  it('runs from its beginning, not from when its group is known', async () => {
    let open: (opened: unknown) => void = () => undefined;
    let heard: AbortSignal | undefined;
    const late = request(
      () => new Promise((resolve) => (open = resolve)),
      async (signal) => {
        heard = signal;
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
      },
    );
    late.pass(700);
    open(data());
    await late.settled();
    expect(late.timers()).toEqual([1_300]);
    late.fire(1_300);
    expect(await late.outcome).toContain('the limit of 2 seconds was exceeded');
    expect(heard?.aborted).toBe(true);
  });
});
