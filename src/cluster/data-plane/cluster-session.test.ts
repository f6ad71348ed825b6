import { describe, expect, it } from 'vitest';
import { parseGuid } from '../../base/guid.ts';
import { instant } from '../../clock/clock.ts';
import { insist } from './request-limits.ts';
import { admitRequest, LeaseWatch } from './cluster-session.ts';
import { kustoError } from './errors/kusto-error.ts';
import { RunningRequests } from './requests/running-requests.ts';
import type { CallMain, DataPlaneReplies } from '../messages/data-plane-calls.ts';

/** A main process that renews a lease by so many milliseconds, and counts how often it is asked. */
function mainProcess(leaseMs: number) {
  const asked = { renew: 0 };
  const call: CallMain = (operation) => {
    if (operation === 'renew') asked.renew += 1;
    return Promise.resolve({ leaseMs } as DataPlaneReplies[typeof operation]);
  };
  return { asked, call };
}

describe('LeaseWatch', () => {
  it('asks once the lease that it knows has ended, and not before', async () => {
    let now = 0;
    const { asked, call } = mainProcess(50);
    const lease = new LeaseWatch(call, () => now);
    lease.asking()(100);
    now = 99;
    await lease.require();
    expect(asked.renew).toBe(0);
    now = 100;
    await lease.require();
    await lease.require();
    expect(asked.renew).toBe(1);
  });

  it('counts from when it asked: this process, or the other, may have been paused since', async () => {
    let now = 0;
    const { asked, call } = mainProcess(100);
    const slow: CallMain = async (operation, body) => {
      const answer = await call(operation, body);
      now += 100;
      return answer;
    };
    const lease = new LeaseWatch(slow, () => now);
    await lease.require();
    await lease.require();
    expect(asked.renew).toBe(2);
    await admitRequest(slow, lease, undefined);
    await lease.require();
    expect(asked.renew).toBe(3);
  });

  it('lets nothing out when the lease is not renewed', async () => {
    const lease = new LeaseWatch(mainProcess(0).call, () => 0);
    await expect(lease.require()).rejects.toMatchObject({ kind: 'unavailable', status: 503, permanent: false });
  });

  it('is not extended by a request that is refused', async () => {
    const call: CallMain = (operation) =>
      Promise.resolve(
        (operation === 'renew'
          ? { leaseMs: 0 }
          : {
              outcome: 'refused',
              kind: 'unauthorized',
              message: 'no',
              challenge: 'Bearer x',
            }) as DataPlaneReplies[typeof operation],
      );
    const lease = new LeaseWatch(call, () => 0);
    await expect(admitRequest(call, lease, undefined)).rejects.toMatchObject({ status: 401, challenge: 'Bearer x' });
    await expect(lease.require()).rejects.toMatchObject({ status: 503 });
  });
});

describe('a request of a cluster that ends', () => {
  const suspended = kustoError('suspended', 'The cluster is suspended: vault v.');
  const ended = (reply: object): Promise<unknown> => {
    const call: CallMain = () => Promise.resolve(reply as never);
    const lease = new LeaseWatch(call, () => 0);
    lease.end(suspended);
    return admitRequest(call, lease, undefined);
  };

  it.each([
    { outcome: 'allowed', leaseMs: 100 },
    { outcome: 'refused', kind: 'unavailable', message: 'The cluster may not use its key now.' },
  ])('is told why, whatever else is known: %o', async (reply) => {
    await expect(ended(reply)).rejects.toBe(suspended);
  });

  it('is told nothing when nobody knows who sent it', async () => {
    const reply = { outcome: 'refused', kind: 'unauthorized', message: 'no', challenge: 'Bearer x' };
    await expect(ended(reply)).rejects.toMatchObject({ status: 401 });
  });

  it('is told why when the lease was asked for before', async () => {
    const call: CallMain = () => {
      lease.end(suspended);
      return Promise.resolve({ leaseMs: 0 } as never);
    };
    const lease = new LeaseWatch(call, () => 0);
    await expect(lease.require()).rejects.toBe(suspended);
  });
});

describe('RunningRequests', () => {
  const begin = (running: RunningRequests, clientRequestId: string, principal = 'p') => {
    const controller = new AbortController();
    const activityId = parseGuid('00000000-0000-4000-8000-000000000000');
    if (activityId === undefined) throw new Error('no guid');
    const view = {
      clientRequestId,
      principal,
      text: 'T',
      database: 'd',
      startedOn: instant(0),
      activityId,
      user: '',
      application: '',
      kind: 'query',
    } as const;
    const place = running.begin({ controller, view }, { machines: { coresPerNode: 2, nodes: 1 } });
    const done = { on: instant(5), milliseconds: 5, state: 'Completed', failure: '' } as const;
    return { controller, end: () => place.end(done) };
  };

  it('cancels by client request id what the caller may cancel', () => {
    const running = new RunningRequests();
    const [mine, others] = [begin(running, 'a', 'me'), begin(running, 'a', 'you')];
    expect(running.cancel('a', 'me')).toBe(1);
    expect(mine.controller.signal.reason).toEqual(
      kustoError('cancelled', 'The request was cancelled by a cancel command.'),
    );
    expect(others.controller.signal.aborted).toBe(false);
    mine.end();
    expect(running.list()).toMatchObject([{ principal: 'you' }, { principal: 'me', ended: { state: 'Completed' } }]);
  });

  it('remembers the last thousand that ended', () => {
    const running = new RunningRequests();
    for (let id = 0; id < 1_002; id += 1) begin(running, String(id)).end();
    expect(running.list()).toHaveLength(1_000);
    expect(running.list().map(({ clientRequestId }) => clientRequestId)).toEqual(
      Array.from({ length: 1_000 }, (_value, index) => String(1_001 - index)),
    );
  });
});

describe('insist', () => {
  it('tells of an abort again until the request is over', () => {
    const timers: (() => void)[] = [];
    const controller = new AbortController();
    const desist = insist((_ms, run) => {
      timers.push(run);
      return () => timers.splice(0);
    }, controller.signal);
    let heard = 0;
    controller.signal.addEventListener('abort', () => (heard += 1));
    expect(timers).toHaveLength(0);
    controller.abort();
    timers.shift()?.();
    timers.shift()?.();
    expect(heard).toBe(3);
    desist();
    expect(timers).toHaveLength(0);
  });
});
