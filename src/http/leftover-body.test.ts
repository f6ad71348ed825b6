import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { discardedBytesMax } from './leftover-body.ts';
import { silentLog } from './logging.ts';
import { createPlaneApp } from './plane-app.ts';

class StrangerError extends Error {
  override readonly name = 'StrangerError';
}

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

/** Timers that are running, and what they do when their time has come. */
let timers: Set<() => void>;
beforeEach(() => {
  timers = new Set();
});

/** Sends the head of a request to a plane that knows nobody. @returns once that has answered */
async function answeredEarly(bodies: 'json' | 'bytes' | 'stream', length: number) {
  const { app, toPlane } = createPlaneApp({
    ...{ name: 'sample', log: silentLog, bodies, authenticate: () => Promise.reject(new StrangerError()) },
    renderError: () => ({ status: 401 }),
    renderFailure: ({ status }) => ({ status }),
    startTimer: (_milliseconds, run) => {
      timers.add(run);
      return () => void timers.delete(run);
    },
  });
  app.post('/', () => ({}));
  const plane = toPlane(() => 'serve');
  const server = createServer((request, response) => plane.handle(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  closers.push(() => {
    socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  socket.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 /);
  return socket;
}

const closing = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));

it.each(['json', 'bytes', 'stream'] as const)(
  'whoever sends no end of a body loses the connection: %s',
  async (kind) => {
    const socket = await answeredEarly(kind, 2 ** 40);
    socket.write('x'.repeat(1_000));
    expect(timers.size).toBe(1);
    const closed = closing(socket);
    for (const run of timers) run();
    await closed;
  },
);

it.each(['json', 'stream'] as const)('whoever sends too much of a body loses the connection: %s', async (kind) => {
  const socket = await answeredEarly(kind, 2 ** 40);
  const closed = closing(socket);
  const piece = Buffer.alloc(4 * 1024 * 1024);
  let sent = 0;
  const send = (): void => {
    if (socket.destroyed || sent > 4 * discardedBytesMax) return;
    sent += piece.length;
    socket.write(piece, send);
  };
  send();
  await closed;
  // What the connection itself holds is sent, too.
  expect(sent).toBeLessThan(2 * discardedBytesMax);
});

it('the connection of a client that ends its body goes on', async () => {
  const socket = await answeredEarly('json', 5);
  const next = once(socket, 'data');
  socket.write('12345POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n');
  expect(String((await next)[0])).toMatch(/^HTTP\/1\.1 401 /);
  expect(timers.size).toBe(0);
});

it('what came over no connection is waited for by nobody', async () => {
  const { app } = createPlaneApp({
    ...{ name: 'sample', log: silentLog, bodies: 'stream', authenticate: () => Promise.reject(new StrangerError()) },
    renderError: () => ({ status: 401 }),
    renderFailure: ({ status }) => ({ status }),
    startTimer: (_milliseconds, run) => {
      timers.add(run);
      return () => void timers.delete(run);
    },
  });
  app.post('/', () => ({}));
  expect((await app.inject({ method: 'POST', url: '/', payload: 'x'.repeat(100_000) })).statusCode).toBe(401);
  expect(timers.size).toBe(0);
});
