import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { EdgeLimits } from '../../../src/http/edge-limits.ts';
import { until } from '../../support/until.ts';
import type { EdgeFixture } from './edge-fixture.ts';
import { askOver, askThroughTunnel, exchange, openTunnel, startEdge, startTls } from './edge-fixture.ts';

const host = 'v1.vault.azure.net';
const open: EdgeFixture[] = [];
afterEach(() => Promise.all(open.splice(0).map((edge) => edge.close())));

async function start(limits: Partial<EdgeLimits> = {}): Promise<EdgeFixture> {
  const edge = await startEdge({ limits });
  open.push(edge);
  return edge;
}

/** The same limits must hold however the connection was made. */
const ways: [string, (edge: EdgeFixture) => Promise<Socket>][] = [
  ['directly', (edge) => startTls(edge, { servername: host })],
  [
    'in a tunnel',
    async (edge) => startTls(edge, { socket: (await openTunnel(edge, `${host}:443`)).socket, servername: host }),
  ],
];

describe.each(ways)('edge limits, %s', (_way, join) => {
  it('ends a connection that sends no request', async () => {
    const edge = await start({ headersTimeoutMs: 100, requestTimeoutMs: 200 });
    expect(await exchange(await join(edge))).toMatch(/^(HTTP\/1\.1 408 [\s\S]*)?$/);
  });

  it('ends a request whose headers come drop by drop', async () => {
    const edge = await start({ headersTimeoutMs: 100, requestTimeoutMs: 10_000 });
    const answer = await exchange(await join(edge), `GET / HTTP/1.1\r\nhost: ${host}\r\nx-slow: `);
    expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*"plane":"vault"/);
    expect(await edge.untilLogged('unreadable request')).toMatchObject({ kind: 'requestTimeout', plane: 'vault' });
  });

  it('ends a request whose body comes drop by drop', async () => {
    const edge = await start({ headersTimeoutMs: 100, requestTimeoutMs: 200 });
    const answer = await exchange(
      await join(edge),
      `POST / HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 1000\r\n\r\nabc`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('ends an idle connection after its keep-alive time', async () => {
    const edge = await start({ keepAliveTimeoutMs: 100 });
    expect(await exchange(await join(edge), `GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('refuses headers beyond the limit, in the shape of the plane', async () => {
    const edge = await start({ headerBytesMax: 4_000 });
    const header = (bytes: number) =>
      `GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\nx-long: ${'x'.repeat(bytes)}\r\n\r\n`;
    expect(await exchange(await join(edge), header(3_800))).toMatch(/^HTTP\/1\.1 200 /);
    const answer = await exchange(await join(edge), header(100_000));
    expect(answer).toMatch(/^HTTP\/1\.1 431 [\s\S]*Connection: close\r\n\r\n\{"plane":"vault"/);
  });

  it('refuses what is not HTTP', async () => {
    const edge = await start();
    expect(await exchange(await join(edge), 'SSH-2.0-client\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 [\s\S]*"plane":"vault"/,
    );
  });

  it("refuses a body beyond the plane's limit", async () => {
    const edge = await start({ keepAliveTimeoutMs: 1_000 });
    const answer = await exchange(
      await join(edge),
      `POST / HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 4194305\r\n\r\n${'x'.repeat(4_194_305)}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*"kind":"bodyTooLarge"/);
  });
});

describe('edge limits before a request', () => {
  it('ends a tunnel in which no handshake begins', async () => {
    const edge = await start({ handshakeTimeoutMs: 100 });
    const { socket } = await openTunnel(edge, `${host}:443`);
    expect(await exchange(socket)).toBe('');
  });

  it('ends a handshake that stops half way', async () => {
    const edge = await start({ handshakeTimeoutMs: 100 });
    const { socket } = await openTunnel(edge, `${host}:443`);
    expect(await exchange(socket, '\x16\x03\x01')).toBe('');
  });

  it('ends a connection to the proxy that sends nothing', async () => {
    const edge = await start({ handshakeTimeoutMs: 100, headersTimeoutMs: 100, requestTimeoutMs: 200 });
    expect(await exchange(connect(edge.proxyPort, '127.0.0.1'))).toMatch(/^(HTTP\/1\.1 408 [\s\S]*)?$/);
  });

  it('drops connections beyond the limit and takes new ones afterwards', async () => {
    const edge = await start({ socketsMax: 2 });
    const first = await openTunnel(edge, `${host}:443`);
    const second = await openTunnel(edge, `${host}:443`);
    expect(await exchange(connect(edge.proxyPort, '127.0.0.1'))).toBe('');
    expect(await edge.untilLogged('too many connections')).toMatchObject({ listener: 'proxy' });
    first.socket.destroy();
    second.socket.destroy();
    await untilOpen(edge, ({ sockets }) => sockets === 0);
    expect(await askThroughTunnel(edge, host)).toMatchObject({ status: 200 });
  });
});

describe('edge, closing', () => {
  it('lets an answer under way finish and then ends its connection', async () => {
    const edge = await startEdge();
    const held = once(edge.events, 'request');
    const answer = askThroughTunnel(edge, host, { path: '/hold' });
    await held;
    const closing = edge.close();
    edge.events.emit('answer');
    expect(await answer).toMatchObject({ status: 200, headers: { connection: 'close' } });
    await closing;
    expect(edge.openConnections()).toEqual({ sockets: 0, tunnels: 0 });
    await expect(askThroughTunnel(edge, host)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('ends idle connections at once and held ones after the grace', async () => {
    const edge = await startEdge({ limits: { closeGraceMs: 100 } });
    const idle = await startTls(edge, { servername: host });
    await askOver(await startTls(edge, { servername: host }), host);
    const held = once(edge.events, 'request');
    const broken = expect(askThroughTunnel(edge, host, { path: '/hold' })).rejects.toThrow();
    await held;
    await edge.close();
    await broken;
    expect(idle.closed || (await once(idle, 'close'))).toBeTruthy();
    expect(edge.openConnections()).toEqual({ sockets: 0, tunnels: 0 });
  });

  it('may be closed twice', async () => {
    const edge = await startEdge();
    await Promise.all([edge.close(), edge.close()]);
  });

  it('forgets tunnels when their clients leave', async () => {
    const edge = await start();
    await Promise.all(
      Array.from({ length: 20 }, () => askThroughTunnel(edge, host, { headers: { connection: 'close' } })),
    );
    await untilOpen(edge, ({ sockets, tunnels }) => sockets === 0 && tunnels === 0);
  });
});

/** Closed sockets are forgotten in turns of the event loop. */
const untilOpen = (
  edge: EdgeFixture,
  holds: (counts: { sockets: number; tunnels: number }) => boolean,
): Promise<void> =>
  until(
    () => holds(edge.openConnections()),
    () => JSON.stringify(edge.openConnections()),
  );
