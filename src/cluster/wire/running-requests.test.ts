import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { newGuid } from '../../base/guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { instant } from '../../clock/clock.ts';
import type { RequestView } from '../../engine/commands/command-context.ts';
import { historyLimits, RunningRequests } from './running-requests.ts';

const view = (text: string, more: Partial<RequestView> = {}): RequestView => ({
  ...{ clientRequestId: 'c', text, database: 'db', startedOn: instant(0), activityId: newGuid(systemRandomBytes) },
  ...{ principal: 'aadapp=a;t', user: 'u', application: 'app', kind: 'query', ...more },
});
const completed = { on: instant(1), milliseconds: 1, state: 'Completed', failure: '' } as const;

function run(requests: RunningRequests, sent: RequestView, failure = ''): void {
  requests.begin({ view: sent, controller: new AbortController() })({ ...completed, failure });
}

/** What a body decodes to: a string that shares nothing with others. */
const decoded = (length: number): string => Buffer.alloc(length, 'x').toString('latin1');

describe('requests that have ended', () => {
  it('are remembered by the beginning of their text', () => {
    const requests = new RunningRequests(4);
    run(requests, view(`print 1 // ${decoded(100_000)}`));
    const [kept] = requests.list();
    expect(kept?.text.startsWith('print 1 // x')).toBe(true);
    expect(kept?.text).toHaveLength(historyLimits.textUnitsMax);
    expect(kept?.ended?.state).toBe('Completed');
  });

  it('take a fixed room together, whatever of them a client makes long', () => {
    const limits = { requestsMax: 1_000, textUnitsMax: 4_096, unitsMax: 100_000 };
    const requests = new RunningRequests(4, limits);
    const long = decoded(1_000_000);
    for (let count = 0; count < 300; count += 1)
      run(requests, view(long, { database: long, clientRequestId: long, user: long, application: long }), long);
    const kept = requests.list();
    const units = kept.reduce((sum, one) => sum + JSON.stringify(one).length, 0);
    expect(kept.length).toBeGreaterThan(5);
    expect(units).toBeLessThan(1.5 * limits.unitsMax); // with the names of the members
  });

  it('are remembered up to their number, the newest of them', () => {
    const requests = new RunningRequests(4, { requestsMax: 3, textUnitsMax: 10, unitsMax: 1_000 });
    for (const text of ['a', 'b', 'c', 'd']) run(requests, view(text));
    expect(requests.list().map(({ text }) => text)).toEqual(['d', 'c', 'b']);
  });

  it('do not hold on to the bodies that they came in', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const requests = new RunningRequests(4);
    const held = (): number => {
      collect();
      const { heapUsed, external } = process.memoryUsage(); // V8 keeps long strings outside of its heap
      return heapUsed + external;
    };
    const before = held();
    const running: ((ended: typeof completed) => void)[] = [];
    for (let count = 0; count < 60; count += 1) run(requests, view(decoded(4 * 1024 * 1024)));
    for (let count = 0; count < 4; count += 1)
      running.push(requests.begin({ view: view(decoded(16 * 1024 * 1024)), controller: new AbortController() }));
    expect(held() - before).toBeLessThan(64 * 1024 * 1024); // 304 MiB were sent
    expect(requests.list()).toHaveLength(64);
    for (const end of running) end(completed);
  });
});
