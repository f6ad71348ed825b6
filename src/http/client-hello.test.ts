import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { readServerName } from './client-hello.ts';

/** What Node's own TLS client sends first. */
async function helloOf(servername: string | undefined): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', ...(servername === undefined ? {} : { servername }) });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  server.close();
  return hello;
}

describe('readServerName', () => {
  it('reads the name in a real client hello', async () => {
    const hello = await helloOf('c1.eastus.kusto.windows.net');
    expect(readServerName(hello)).toEqual({ outcome: 'named', name: 'c1.eastus.kusto.windows.net' });
  });

  it('waits at every shorter length', async () => {
    const hello = await helloOf('c1.eastus.kusto.windows.net');
    for (let length = 0; length < hello.length; length += 1) {
      expect(readServerName(hello.subarray(0, length)), String(length)).toEqual({ outcome: 'more' });
    }
  });

  it('reads a hello that is split over records', async () => {
    const hello = await helloOf('c1.eastus.kusto.windows.net');
    const record = (content: Buffer): Buffer =>
      Buffer.concat([Buffer.from([22, 3, 1, content.length >> 8, content.length & 255]), content]);
    const body = hello.subarray(5);
    const split = Buffer.concat([record(body.subarray(0, 50)), record(body.subarray(50))]);
    expect(readServerName(split)).toEqual({ outcome: 'named', name: 'c1.eastus.kusto.windows.net' });
  });

  it('finds no name where there is none', async () => {
    expect(readServerName(await helloOf(undefined))).toEqual({ outcome: 'unnamed' });
  });

  it.each([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['an alert', Buffer.from([21, 3, 1, 0, 2, 2, 40])],
    ['another handshake message', Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
    ['a hello of a megabyte', Buffer.from([22, 3, 1, 0, 4, 1, 16, 0, 0])],
  ])('takes %s for no hello', (_what, bytes) => {
    expect(readServerName(bytes)).toEqual({ outcome: 'unnamed' });
  });

  it('survives damage anywhere', async () => {
    const hello = await helloOf('c1.eastus.kusto.windows.net');
    for (let at = 0; at < hello.length; at += 1) {
      for (const value of [0, 255]) {
        const damaged = Buffer.from(hello);
        damaged[at] = value;
        expect(['named', 'unnamed', 'more']).toContain(readServerName(damaged).outcome);
      }
    }
  });
});
