import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterHost, databaseName, startKustoData } from '../kusto-data/kusto-fixture.ts';

let kusto: Awaited<ReturnType<typeof startKustoData>>;
beforeAll(async () => {
  kusto = await startKustoData();
});
afterAll(() => kusto[Symbol.asyncDispose]());

describe('axios through the proxy, as azure-kusto-data and many programs use it', () => {
  it.each(['1.4.0', '1.8.4', '1.15.0', '1.21.1'])(
    '%s reaches every plane, a running cluster among them',
    async (version) => {
      const { server, environment } = kusto;
      const proxy = `http://127.0.0.1:${server.proxyPort}`;
      const script = join(import.meta.dirname, 'axios.client.mjs');
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [script, `axios-${version}`, clusterHost, databaseName],
        {
          env: {
            PATH: process.env['PATH'],
            ...{ HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NODE_EXTRA_CA_CERTS: server.caFile },
            AZURE_TENANT_ID: environment.tenantId,
            AZURE_CLIENT_ID: environment.clientId,
            AZURE_CLIENT_SECRET: environment.clientSecret,
          },
        },
      );
      expect(JSON.parse(stdout)).toEqual({
        ...{ version, rows: [0, 1, 2, 3, 4], big: 300_000, refused: 401, vault: 502 },
        subscriptions: expect.any(Number) as number,
      });
    },
  );
});

/** Sends pieces one after the other on one connection to the proxy, each once the one before has been taken. */
const exchange = (...pieces: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(kusto.server.proxyPort, '127.0.0.1');
    let answer = '';
    socket.setNoDelay(true);
    socket.on('data', (piece: Buffer) => (answer += piece.toString('latin1')));
    socket.once('error', reject);
    socket.once('close', () => {
      resolve(answer);
    });
    const send = (rest: readonly string[]): void => {
      const [first, ...others] = rest;
      if (first !== undefined) socket.write(first, () => setImmediate(send, others));
    };
    send(pieces);
  });

const request = (host: string): string =>
  `GET https://${host}/v1/rest/auth/metadata HTTP/1.1\r\nHost: ${host}\r\nAccept: */*\r\n\r\n`;

describe('requests in absolute form', () => {
  it('are one on a connection: the next may be for another host', async () => {
    const answer = await exchange(request(clusterHost) + request('management.azure.com'));
    expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n/i);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  it('may come in pieces', async () => {
    const text = request(clusterHost);
    for (const at of [1, 4, 9, 13, 30, text.length - 2])
      expect(await exchange(text.slice(0, at), text.slice(at))).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('must name one host', async () => {
    const wrong = request(clusterHost).replace(`Host: ${clusterHost}`, 'Host: management.azure.com');
    expect(await exchange(wrong)).toMatch(/^HTTP\/1\.1 (400|421) /);
  });
});
