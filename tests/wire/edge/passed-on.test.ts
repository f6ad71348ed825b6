import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../../../src/base/random.ts';
import { silentLog } from '../../../src/http/logging.ts';
import type { PassHeader } from '../../../src/http/pass-header.ts';
import { helloBytes, passHeaderBytes, writePassHeader } from '../../../src/http/pass-header.ts';
import { Passer } from '../../../src/http/passer.ts';
import { startSystemTimer } from '../../../src/http/timer.ts';
import type { EdgeFixture } from './edge-fixture.ts';
import { askDirectly, askOver, askThroughTunnel, exchange, readAnswer, startEdge, startTls } from './edge-fixture.ts';

const [key, keyBefore] = [systemRandomBytes(32), systemRandomBytes(32)];
const advertised = 'node-1:7490';
const loopback = { host: '127.0.0.1', port: 0 };

describe('connections that another node passes on', () => {
  let serving: EdgeFixture | undefined;
  let passer: Passer | undefined;
  /** The serving node as it is seen through the other one. */
  let passing: EdgeFixture | undefined;

  beforeAll(async () => {
    serving = await startEdge({
      nodes: {
        keys: () => [key, keyBefore],
        advertised: () => advertised,
        randomBytes: systemRandomBytes,
        listen: loopback,
      },
    });
    passer = new Passer({ startTimer: startSystemTimer, log: silentLog });
    passer.passTo({ id: 'a', host: '127.0.0.1', port: serving.nodePort ?? 0, advertised, key });
    const { tls, proxy } = await passer.listen({ tls: loopback, kusto: loopback, proxy: loopback });
    passing = { ...serving, port: tls, proxyPort: proxy };
  });
  afterAll(async () => {
    await passer?.close(0);
    await serving?.close();
  });

  const edge = (): EdgeFixture => passing ?? expect.unreachable('it has not started');
  const node = (): EdgeFixture => serving ?? expect.unreachable('it has not started');

  /** A connection to the port of nodes that has said nothing yet. */
  async function dial(): Promise<{ socket: Socket; hello: Buffer }> {
    const socket = connect({ host: '127.0.0.1', port: node().nodePort ?? 0 });
    const [hello] = (await once(socket, 'data')) as [Buffer];
    expect(hello).toHaveLength(helloBytes);
    return { socket, hello };
  }

  it('end in TLS of the node that serves, under its names', async () => {
    const through = await startTls(edge(), { servername: 'management.azure.com' });
    const direct = await startTls(node(), { servername: 'management.azure.com' });
    expect(through.getPeerCertificate().fingerprint256).toBe(direct.getPeerCertificate().fingerprint256);
    direct.destroy();
    const body = Buffer.alloc(3_000_000, 'a');
    const answer = await askOver(through, 'management.azure.com', { method: 'POST', path: '/x', body });
    expect(answer.json).toMatchObject({ plane: 'arm', length: body.length });
    through.destroy();
  });

  it('have the address of the client, direct or in a tunnel; that of a program on the other machine is no address here', async () => {
    const [direct, tunnelled] = [
      await askDirectly(edge(), 'v1.vault.azure.net'),
      await askThroughTunnel(edge(), 'v1.vault.azure.net'),
    ];
    expect([direct.json['client'], tunnelled.json['client']]).toEqual(['::1', '::1']);
    expect((await askDirectly(node(), 'v1.vault.azure.net')).json['client']).toBe('127.0.0.1');
    for (const [clientAddress, known] of [
      ['203.0.113.7', key],
      ['2001:db8::7', keyBefore],
    ] as const) {
      const { socket, hello } = await dial();
      socket.write(writePassHeader(known, hello, advertised, { to: 'tls', clientAddress }));
      const tls = await startTls(node(), { socket, servername: 'v1.vault.azure.net' });
      expect((await askOver(tls, 'v1.vault.azure.net')).json).toMatchObject({ plane: 'vault', client: clientAddress });
      tls.destroy();
    }
  });

  it('are refused to whoever cannot prove to be a node, or repeats what one has said', async () => {
    const header: PassHeader = { to: 'tls', clientAddress: '203.0.113.7' };
    const { socket: other, hello: heard } = await dial();
    other.destroy();
    const forgers: ((hello: Buffer) => Buffer)[] = [
      () => Buffer.alloc(passHeaderBytes),
      (hello) => writePassHeader(systemRandomBytes(32), hello, advertised, header),
      (hello) => writePassHeader(key, hello, 'elsewhere:7490', header),
      () => writePassHeader(key, heard, advertised, header),
      (hello) => Buffer.from(writePassHeader(key, hello, advertised, header)).fill('9', 3, 4),
      (hello) => writePassHeader(key, hello, advertised, header).fill(2, 1, 2),
      () => Buffer.from('PROXY TCP4 203.0.113.7 127.0.0.1 4711 443\r\n'.padEnd(passHeaderBytes, ' ')),
    ];
    for (const forge of forgers) {
      const { socket, hello } = await dial();
      socket.write(Buffer.concat([forge(hello), Buffer.from('GET / HTTP/1.1\r\n\r\n')]));
      expect(await exchange(socket)).toBe('');
    }
    await node().untilLogged('no node of this instance');
  });

  it('are cut off when they do not say in time whose they are', async () => {
    const nodes = { keys: () => [key], advertised: () => advertised, randomBytes: systemRandomBytes, listen: loopback };
    const hasty = await startEdge({ nodes, limits: { handshakeTimeoutMs: 50 } });
    try {
      const silent = connect({ host: '127.0.0.1', port: hasty.nodePort ?? 0 });
      expect(await exchange(silent, 'short')).toMatch(/^KUSTODY1/); // then random bytes, which are no text
    } finally {
      await hasty.close();
    }
  });

  it('are not taken in the clear: only TLS, and CONNECT', async () => {
    for (const [path, host] of [
      ['http://169.254.169.254/metadata/identity', '169.254.169.254'],
      ['https://management.azure.com/x', 'management.azure.com'],
      ['/msi/token', '127.0.0.1'],
    ] as const) {
      const asked = request({ host: '127.0.0.1', port: edge().proxyPort, path, headers: { host }, agent: false });
      asked.end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      const answer = await readAnswer(response);
      expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('in the clear')]);
    }
  });
});
