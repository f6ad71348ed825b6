import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as tlsConnect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KustoData } from './kusto-fixture.ts';
import { clusterHost, databaseName, startKustoData } from './kusto-fixture.ts';
import { commandOf, descendantsOf } from '../../support/process-tree.ts';
import { until } from '../../support/until.ts';

let kusto: KustoData;
beforeAll(async () => {
  kusto = await startKustoData();
});
afterAll(() => kusto[Symbol.asyncDispose]());

const print = () => kusto.post('/v2/rest/query', { db: databaseName, csl: 'print 1' });

const tried = () => print().catch(() => undefined);

/** Processes of the cluster: below this one, and run its script. */
const clusterPids = (): number[] => descendantsOf(process.pid).filter((pid) => /cluster-process/.test(commandOf(pid)));

describe('the way to a cluster', () => {
  it('ends TLS in the process of the cluster, with a certificate for its two names only', async () => {
    const ca = readFileSync(kusto.server.caFile, 'utf8');
    const socket = tlsConnect({ host: '127.0.0.1', port: kusto.server.port, servername: clusterHost, ca });
    await once(socket, 'secureConnect');
    expect(socket.getPeerCertificate().subjectaltname).toMatch(
      new RegExp(
        `^DNS:${clusterHost}, DNS:ingest-${clusterHost}(, DNS:kust[0-9a-f]{16}0[12]\\.(blob|queue|table)\\.core\\.windows\\.net){6}$`,
      ),
    );
    socket.destroy();
  });

  it('is the same through CONNECT, with TLS bytes that came along', async () => {
    const request = httpRequest({
      host: '127.0.0.1',
      port: kusto.server.proxyPort,
      method: 'CONNECT',
      path: `ingest-${clusterHost}:443`,
    });
    request.end();
    const [, raw] = (await once(request, 'connect')) as [unknown, Socket];
    const ca = readFileSync(kusto.server.caFile, 'utf8');
    const socket = tlsConnect({ socket: raw, servername: `ingest-${clusterHost}`, ca });
    await once(socket, 'secureConnect');
    socket.write(`GET /v1/rest/auth/metadata HTTP/1.1\r\nhost: ingest-${clusterHost}\r\nconnection: close\r\n\r\n`);
    const text = await readAll(socket);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).toContain('"LoginEndpoint":"https://login.microsoftonline.com"');
  });

  it('tells whoever asks where users sign in, and where they come back to', async () => {
    const { status, body } = await kusto.send({ host: clusterHost, method: 'GET', path: '/v1/rest/auth/metadata' });
    expect(status).toBe(200);
    expect(body).toEqual({
      AzureAD: {
        LoginEndpoint: 'https://login.microsoftonline.com',
        LoginMfaRequired: false,
        KustoClientAppId: 'db662dc1-0cfe-4e1c-a843-19a68e65be58',
        KustoClientRedirectUri: 'http://localhost',
        KustoServiceResourceId: 'https://kusto.kusto.windows.net',
        FirstPartyAuthorityUrl: 'https://login.microsoftonline.com/f8cdef31-a31e-4b4a-93e4-5f571e91255a',
      },
    });
  });

  it('refuses a Host other than the one the connection was made for', async () => {
    const answer = await kusto.send({
      ...{ host: clusterHost, method: 'GET', path: '/v1/rest/auth/metadata' },
      headers: { host: 'ingest-other.eastus.kusto.windows.net' },
    });
    expect(answer.status).toBe(421);
  });

  it('takes a client hello that comes in pieces', async () => {
    const ca = readFileSync(kusto.server.caFile, 'utf8');
    const socket = tlsConnect({
      host: '127.0.0.1',
      port: kusto.server.port,
      servername: clusterHost,
      ca,
      maxVersion: 'TLSv1.2',
    });
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    socket.destroy();
  });

  it('has nobody at the name of a cluster that does not exist', async () => {
    await expect(
      kusto.send({ host: 'nobody.eastus.kusto.windows.net', method: 'GET', path: '/v1/rest/auth/metadata' }),
    ).rejects.toThrow();
  });
});

describe('localhost', () => {
  const send = (path: string, body?: unknown, token = kusto.token) =>
    kusto.send({
      host: 'localhost',
      method: body === undefined ? 'GET' : 'POST',
      path,
      token,
      body,
      headers: { accept: 'application/json' },
      port: kusto.server.kustoPort,
    });

  it('serves the only cluster', async () => {
    const answer = await send('/v2/rest/query', { db: databaseName, csl: 'range x from 1 to 100000 step 1' });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain(',[100000]]');
    expect((await send('/v1/rest/auth/metadata')).body).toMatchObject({
      AzureAD: { KustoServiceResourceId: 'https://kusto.kusto.windows.net' },
    });
  });

  it('serves clients that are pointed at it', async () => {
    const { tables, failed } = await kusto.call({
      call: 'query',
      database: databaseName,
      text: 'print 3',
      uri: `https://localhost:${kusto.server.kustoPort}`,
    });
    expect(failed).toBeUndefined();
    expect(tables?.find(({ kind }) => kind === 'PrimaryResult')?.rows).toEqual([[3]]);
  });

  it('serves clients that come by address, and through the proxy', async () => {
    const { kustoPort, proxyPort, caFile } = kusto.server;
    for (const proxy of ['', `http://127.0.0.1:${proxyPort}`]) {
      for (const uri of [`https://127.0.0.1:${kustoPort}`, `https://localhost:${kustoPort}`]) {
        const args = ['-sS', '--cacert', caFile, '--noproxy', '', '--proxy', proxy, `${uri}/v1/rest/auth/metadata`];
        expect((await promisify(execFile)('curl', args)).stdout).toContain('KustoServiceResourceId');
      }
    }
  });

  it('has a key of its own: not the one that the control API and the vaults have', async () => {
    const ca = readFileSync(kusto.server.caFile, 'utf8');
    const keyAt = async (port: number, servername: string): Promise<Buffer | undefined> => {
      const socket = tlsConnect({ host: '127.0.0.1', port, servername, ca });
      await once(socket, 'secureConnect');
      const { pubkey } = socket.getPeerCertificate();
      socket.destroy();
      return pubkey;
    };
    const own = await keyAt(kusto.server.kustoPort, 'localhost');
    expect(own).toBeDefined();
    expect(own).not.toEqual(await keyAt(kusto.server.port, 'localhost'));
    expect(own).not.toEqual(await keyAt(kusto.server.port, clusterHost));
  });

  it('is refused with the right address on the port of the control API', async () => {
    const answer = await kusto.send({
      ...{ host: 'localhost', method: 'POST', path: '/v2/rest/query', token: kusto.token },
      body: { db: databaseName, csl: 'print 1' },
    });
    expect(answer).toMatchObject({ status: 400, body: { error: { '@type': expect.any(String) as string } } });
    expect(answer.text).toContain(`https://localhost:${kusto.server.kustoPort}`);
    expect((await kusto.send({ host: 'localhost', method: 'GET', path: '/healthz' })).body).toEqual({ status: 'ok' });
  });

  it('has no other name on its port, and no control API', async () => {
    const { kustoPort: port } = kusto.server;
    await expect(kusto.send({ host: 'management.azure.com', method: 'GET', path: '/', port })).rejects.toThrow();
    expect((await send('/status')).status).toBe(404);
  });

  it('names the clusters when there are several', async () => {
    const second = kusto.clusterPath.replace(/wiretest$/, 'wiretest2');
    await kusto.arm('PUT', second, {
      location: 'eastus',
      sku: { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 },
    });
    const answer = await send('/v2/rest/query', { db: databaseName, csl: 'print 1' });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('wiretest2.eastus.kusto.windows.net');
    await kusto.arm('DELETE', second);
  });
});

describe('a cluster that does not serve', () => {
  it(
    'comes back by itself after a crash; the client sees a broken connection or is told to try again',
    { timeout: 240_000 },
    async () => {
      expect((await print()).status).toBe(200);
      const text = 'range a from 1 to 100000000000 step 1 | summarize sum(a % 7)';
      const state = { ended: false };
      const start = () => {
        state.ended = false;
        return kusto.call({ call: 'query', database: databaseName, text }).finally(() => (state.ended = true));
      };
      let running = start();
      let queries: unknown[] = [];
      while (queries.length === 0) {
        if (state.ended) running = start(); // on a busy machine the parser may have run out of time
        const answer = await kusto.post('/v1/rest/mgmt', { db: databaseName, csl: '.show queries' });
        queries =
          (answer.body as { Tables: { Rows: unknown[] }[] }).Tables[0]?.Rows.filter((row) =>
            JSON.stringify(row).includes('range a'),
          ) ?? [];
      }
      for (const pid of clusterPids()) process.kill(pid, 'SIGKILL');
      const { failed } = await running;
      expect(failed).toBeDefined();
      // A connection that was given to the process just before it died is broken, too.
      for (let answer = await tried(); answer?.status !== 200; answer = await tried()) {
        if (answer === undefined) continue;
        expect({ status: answer.status, body: answer.body }).toMatchObject({
          status: 503,
          body: { error: { '@permanent': false } },
        });
      }
    },
  );

  it('says that it is stopped, also to those who wait for an answer, and serves again once started', async () => {
    const before = clusterPids();
    const computation = 'range a from 1 to 100000000000 step 1 | summarize sum(a % 7)';
    const running = kusto.post('/v2/rest/query', { db: databaseName, csl: computation });
    const longAnswer = await beginLongAnswer();
    await until(async () => {
      const { text } = await kusto.post('/v1/rest/mgmt', { db: databaseName, csl: '.show queries' });
      return text.includes(computation);
    });
    const end = longAnswer.end();
    await kusto.arm('POST', `${kusto.clusterPath}/stop`);
    const stopped = { status: 503, body: { error: { code: 'ClusterStopped', '@permanent': false } } };
    expect(await running).toMatchObject(stopped);
    expect(await end).toMatch(/"HasErrors":true.*"code":"ClusterStopped"/);
    const answer = await print();
    expect({ status: answer.status, body: answer.body }).toMatchObject({
      status: 503,
      body: {
        error: {
          code: 'ClusterStopped',
          '@permanent': false,
          '@message': expect.stringContaining("'wiretest' is stopped") as string,
        },
      },
    });
    const left = clusterPids();
    expect(before.filter((pid) => !left.includes(pid))).not.toEqual([]);
    const metadata = await kusto.send({ host: clusterHost, method: 'GET', path: '/v1/rest/auth/metadata' });
    expect(metadata.status).toBe(200);
    await kusto.arm('POST', `${kusto.clusterPath}/start`);
    expect((await print()).status).toBe(200);
  });
});

/** A query whose answer has begun to come. `end` reads on and gives the last of it. */
async function beginLongAnswer(): Promise<{ end(): Promise<string> }> {
  const body = JSON.stringify({ db: databaseName, csl: 'set notruncation; range b from 1 to 6000000 step 1' });
  const request = httpsRequest({
    ...{ host: '127.0.0.1', port: kusto.server.port, servername: clusterHost, ca: readFileSync(kusto.server.caFile) },
    ...{ agent: false, method: 'POST', path: '/v2/rest/query' },
    headers: { host: clusterHost, authorization: `Bearer ${kusto.token}`, 'content-type': 'application/json' },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return {
    end: async () => {
      let text = '';
      for await (const piece of response) text = (text + String(piece)).slice(-4_000);
      return text;
    },
  };
}

async function readAll(socket: TLSSocket): Promise<string> {
  let text = '';
  socket.on('data', (piece: Buffer) => (text += piece.toString()));
  await once(socket, 'close');
  return text;
}
