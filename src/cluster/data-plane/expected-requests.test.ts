import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { ExpectedRequests } from './expected-requests.ts';

let now = 0;
let timers: { readonly at: number; readonly run: () => void }[] = [];
beforeEach(() => {
  now = 0;
  timers = [];
});
const startTimer = (ms: number, run: () => void) => {
  const timer = { at: now + ms, run };
  timers.push(timer);
  return () => void (timers = timers.filter((one) => one !== timer));
};
async function elapse(ms: number): Promise<void> {
  now += ms;
  for (const { run } of timers.filter(({ at }) => at <= now)) run();
  await turn();
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const socketAt = (remotePort: number) => Object.assign(new EventEmitter(), { remotePort, bytesRead: 0 });
const socketOf = (socket: object): Socket => socket as unknown as Socket;

function requestOn(socket: object): { readonly response: ServerResponse; readonly end: () => void } {
  const response = Object.assign(new EventEmitter(), { req: { socket, complete: true } });
  return { response: response as unknown as ServerResponse, end: () => void response.emit('close') };
}

function settling(expected: ExpectedRequests): { readonly isSettled: () => Promise<boolean> } {
  let settled = false;
  void expected.settled().then(() => (settled = true));
  return {
    isSettled: async () => {
      await turn();
      return settled;
    },
  };
}

describe('ExpectedRequests', () => {
  it('has nothing to wait for where nobody is connected', async () => {
    expect(await settling(new ExpectedRequests({ monotonicMs: () => now, startTimer })).isSettled()).toBe(true);
  });

  it('waits for the first request of a connection, its answer, and a moment for the next one', async () => {
    const expected = new ExpectedRequests({ monotonicMs: () => now, startTimer });
    const [raw, tls] = [socketAt(1), socketAt(1)];
    expected.taken(socketOf(raw), false);
    const { isSettled } = settling(expected);
    await elapse(10_000);
    expect(await isSettled()).toBe(false);
    expected.secured(socketOf(tls));
    const first = requestOn(tls);
    expected.asked(first.response);
    await elapse(10_000);
    expect(await isSettled()).toBe(false);
    first.end();
    await elapse(249);
    expect(await isSettled()).toBe(false);
    const next = requestOn(tls);
    expected.asked(next.response);
    await elapse(10_000);
    expect(await isSettled()).toBe(false);
    next.end();
    await elapse(250);
    expect(await isSettled()).toBe(true);
  });

  it('does not wait for connections that nobody has asked anything on for a while, or that are closed', async () => {
    const expected = new ExpectedRequests({ monotonicMs: () => now, startTimer });
    const [idle, gone] = [socketAt(1), socketAt(2)];
    for (const socket of [idle, gone]) expected.taken(socketOf(socket), true);
    const request = requestOn(idle);
    expected.asked(request.response);
    request.end();
    now = 250;
    const { isSettled } = settling(expected);
    expect(await isSettled()).toBe(false);
    gone.emit('close');
    expect(await isSettled()).toBe(true);
  });

  it('knows who has said a part of a request', () => {
    const expected = new ExpectedRequests({ monotonicMs: () => now, startTimer });
    const [silent, shaking, heading] = [socketAt(1), socketAt(2), socketAt(3)];
    const [between, again] = [socketAt(4), socketAt(5)];
    const bytes = (socket: object, bytesRead: number) => Object.assign(socket, { bytesRead });
    for (const socket of [silent, heading, between, again]) expected.taken(socketOf(socket), true);
    expected.taken(socketOf(bytes(shaking, 100)), false);
    bytes(heading, 10);
    for (const socket of [between, again]) {
      const request = requestOn(bytes(socket, 50));
      expected.asked(request.response);
      expect(expected.halfAsked()).toEqual([heading]);
      request.end();
    }
    bytes(again, 60);
    expect(expected.halfAsked()).toEqual([heading, again]);
  });
});
