import { describe, expect, it } from 'vitest';
import type { Guid } from '../base/guid.ts';
import { instant } from '../clock/clock.ts';
import type { RequestLine } from './logging.ts';
import { silentLog } from './logging.ts';
import { RecentRequests, recentRequestsMax } from './recent-requests.ts';

const line = (status: number, more: Partial<RequestLine> = {}): RequestLine => ({
  ...{ plane: 'vault', method: 'GET', route: 'GetKey', status, ms: 1.5 },
  ...{ requestId: 'r' as Guid, correlationId: 'c' as Guid },
  ...more,
});

describe('the last requests', () => {
  const written: unknown[][] = [];
  let nowMs = 0;
  const open = () => {
    const recent = new RecentRequests({ now: () => instant(0) }, () => nowMs);
    const log = recent.beside({ ...silentLog, request: (...told) => void written.push(told) });
    return { recent, log };
  };

  it('are told with the time of the clock, and go to no log', () => {
    const { recent, log } = open();
    log.request(line(404), { host: 'v.vault.azure.net', path: '/keys/k', code: 'KeyNotFound' });
    log.request(line(200)); // one that is not listed
    expect(recent.list({ after: 0 })).toEqual({
      requests: [
        {
          ...{ sequence: 1, time: '1970-01-01T00:00:00.000Z', plane: 'vault', method: 'GET', operation: 'GetKey' },
          ...{ host: 'v.vault.azure.net', path: '/keys/k', status: 404, ms: 1.5, code: 'KeyNotFound' },
          ...{ requestId: 'r', correlationId: 'c' },
        },
      ],
      last: 1,
    });
    expect(written).toEqual([[line(404)], [line(200)]]);
  });

  it('are so many at most, and those after a number and of a kind when asked so', () => {
    const { recent, log } = open();
    const many = recentRequestsMax * 2 + 7;
    for (let at = 1; at <= many; at += 1)
      log.request(line(at % 10 === 0 ? 403 : 200, at === many ? { aborted: true } : {}), {
        host: at % 2 === 0 ? 'even' : 'odd',
        path: `/${at}`,
      });
    const sequences = (filter: Parameters<RecentRequests['list']>[0]): readonly number[] =>
      recent.list(filter).requests.map(({ sequence, path }) => {
        expect(path).toBe(`/${sequence}`);
        return sequence;
      });
    expect(sequences({ after: 0 })).toEqual(
      Array.from({ length: recentRequestsMax }, (_, at) => many - recentRequestsMax + 1 + at),
    );
    expect(sequences({ after: many - 2 })).toEqual([many - 1, many]);
    expect(sequences({ after: many })).toEqual([]);
    expect(sequences({ after: many + 5 })).toEqual([]);
    expect(sequences({ after: many - 4, host: 'even' })).toEqual([many - 3, many - 1]);
    expect(sequences({ after: many - 10, failedOnly: true })).toEqual([many - 7, many]);
  });

  it('have bodies only while somebody has asked for them: for so long, and so many; and none once they are forgotten', () => {
    const { recent, log } = open();
    const bodies = { request: { bytes: 2, text: '{}' } };
    const send = (): unknown => {
      log.request(line(200), { host: 'h', path: '/', bodies });
      return recent.list({ after: 0 }).requests.at(-1)?.bodies;
    };
    expect([log.wantsBodies?.(), send()]).toEqual([false, undefined]);
    recent.recording.begin({ seconds: 10, requests: 2 });
    expect([log.wantsBodies?.(), send(), send(), send()]).toEqual([true, bodies, bodies, undefined]);
    expect(recent.recording.state()).toEqual({ recording: false, secondsLeft: 0, requestsLeft: 0, bytesLeft: 0 });
    recent.recording.begin({ seconds: 10, requests: 2 });
    nowMs += 9_999;
    expect(recent.recording.state()).toMatchObject({ recording: true, secondsLeft: 1, requestsLeft: 2 });
    expect(send()).toEqual(bodies);
    nowMs += 1;
    expect([log.wantsBodies?.(), send()]).toEqual([false, undefined]);
    recent.recording.begin({ seconds: 10, requests: 200 });
    const long = { answer: { bytes: 30_000, text: 'x'.repeat(30_000) } };
    for (let at = 0; at < 200; at += 1) log.request(line(200), { host: 'h', path: '/', bodies: long });
    const kept = recent.list({ after: 0 }).requests.filter(({ bodies: some }) => some?.answer !== undefined);
    expect(kept.length).toBe(Math.floor((2 * 1024 * 1024) / 30_000));
    recent.recording.begin({ seconds: 10, requests: 200 });
    recent.forgetBodies();
    expect(JSON.stringify([recent.list({ after: 0 }), written])).not.toContain('bodies');
    expect(recent.recording.state().recording).toBe(false);
  });
});
