import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { MonotonicMs } from '../clock/monotonic-clock.ts';
import type { Plane } from '../http/plane.ts';
import { BeatingLease, endlessLease, underLease } from './node-lease.ts';

/** A clock that stands still, and a timer that is rung by hand. */
function clockAt(at: number) {
  const clock = { at, ring: async (): Promise<void> => Promise.resolve(), isRunning: false };
  return {
    clock,
    monotonic: {
      now: () => clock.at as MonotonicMs,
      every: (_: number, run: () => void | Promise<void>) => {
        clock.isRunning = true;
        clock.ring = async () => run();
        return () => {
          clock.isRunning = false;
        };
      },
    },
  };
}

describe('BeatingLease', () => {
  it('counts from before its heartbeat was sent, and stands still with the heart', async () => {
    const { clock, monotonic } = clockAt(100);
    const failures: unknown[] = [];
    let beat: () => Promise<void> = () => Promise.resolve();
    const lease = new BeatingLease(
      () => beat(),
      monotonic,
      (error) => failures.push(error),
    );
    expect(lease.remainingMs()).toBe(0);
    await lease.start();
    expect(lease.remainingMs()).toBe(5_000);
    beat = () => {
      clock.at += 3_000; // so long it took
      return Promise.resolve();
    };
    clock.at = 1_100;
    await clock.ring();
    expect(lease.remainingMs()).toBe(2_000);
    beat = () => Promise.reject(new Error('no'));
    await clock.ring();
    clock.at += 2_000;
    expect(lease.remainingMs()).toBe(0);
    expect(failures).toHaveLength(1);
    beat = () => Promise.resolve();
    await clock.ring();
    expect(lease.remainingMs()).toBe(5_000);
    lease.end();
    expect({ left: lease.remainingMs(), isRunning: clock.isRunning }).toEqual({ left: 0, isRunning: false });
  });

  it('does not come back when it was ended while its heart beat', async () => {
    const { clock, monotonic } = clockAt(0);
    let answer: () => void = () => undefined;
    let beat = (): Promise<void> => Promise.resolve();
    const lease = new BeatingLease(
      () => beat(),
      monotonic,
      () => undefined,
    );
    await lease.start();
    beat = () => new Promise((resolve) => (answer = resolve));
    const beating = clock.ring();
    lease.end();
    answer();
    await beating;
    expect(lease.remainingMs()).toBe(0);
  });

  it('never begins with a heart that does not beat', async () => {
    const { clock, monotonic } = clockAt(0);
    const lease = new BeatingLease(
      () => Promise.reject(new Error('no')),
      monotonic,
      () => undefined,
    );
    await expect(lease.start()).rejects.toThrow('no');
    expect({ left: lease.remainingMs(), isRunning: clock.isRunning }).toEqual({ left: 0, isRunning: false });
  });
});

describe('a plane under a lease', () => {
  const answered = (leftMs: number) => {
    const said = { plane: 0, status: 0, headers: {}, body: '' };
    const plane: Plane = {
      name: 'vault',
      claim: () => 'serve',
      handle: () => {
        said.plane += 1;
      },
    };
    const response = {
      writeHead: (status: number, headers: object) => Object.assign(said, { status, headers }),
      end: (body: string) => Object.assign(said, { body }),
    };
    const lease = leftMs === Infinity ? endlessLease : { remainingMs: () => leftMs };
    underLease(plane, lease).handle(undefined as unknown as IncomingMessage, response as unknown as ServerResponse);
    return said;
  };

  it('answers while it holds, and says by name why not when it has run out', () => {
    for (const leftMs of [Infinity, 1]) expect(answered(leftMs)).toMatchObject({ plane: 1, status: 0 });
    for (const leftMs of [0, -1]) {
      const { plane, status, headers, body } = answered(leftMs);
      expect({ plane, status }).toEqual({ plane: 0, status: 503 });
      expect(headers).toMatchObject({ 'retry-after': '1', 'content-length': Buffer.byteLength(body) });
      expect(JSON.parse(body)).toMatchObject({ error: { code: 'NodeLeaseExpired' } });
    }
  });
});
