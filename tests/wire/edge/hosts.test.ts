import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEdge, EdgeAddressError } from '../../../src/http/edge.ts';
import { silentLog } from '../../../src/http/logging.ts';
import type { EdgeFixture } from './edge-fixture.ts';
import {
  askDirectly,
  askOver,
  askThroughTunnel,
  exchange,
  openTunnel,
  readAnswer,
  startEdge,
  startTls,
  testAuthority,
} from './edge-fixture.ts';

let edge: EdgeFixture;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge.close());

/** Absolute form on the proxy's own port. */
async function askInAbsoluteForm(target: string, headers: Record<string, string> = {}, body?: string) {
  const request = httpRequest({
    host: '127.0.0.1',
    port: edge.proxyPort,
    path: target,
    method: body === undefined ? 'GET' : 'POST',
    headers: { host: new URL(target).host, ...headers },
    agent: false,
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return readAnswer(response);
}

describe('edge, by tunnel', () => {
  it.each([
    ['management.azure.com', 'arm'],
    ['v1.vault.azure.net', 'vault'],
    ['c1.eastus.kusto.windows.net', 'kusto'],
    ['ingest-c1.eastus.kusto.windows.net', 'kusto'],
  ])('%s reaches the plane %s', async (host, plane) => {
    const answer = await askThroughTunnel(edge, host, { path: '/a?b=1', method: 'POST', body: 'xyz' });
    expect(answer).toMatchObject({ status: 200, json: { plane, host, url: '/a?b=1', length: 3 } });
    expect(answer.headers['x-ms-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('takes names without regard to case', async () => {
    expect(await askThroughTunnel(edge, 'V1.Vault.Azure.NET')).toMatchObject({ status: 200, json: { plane: 'vault' } });
  });

  it('keeps a connection for further requests', async () => {
    const { socket } = await openTunnel(edge, 'v1.vault.azure.net:443');
    const tls = await startTls(edge, { socket, servername: 'v1.vault.azure.net' });
    const text = exchange(
      tls,
      'GET /1 HTTP/1.1\r\nhost: v1.vault.azure.net\r\n\r\n',
      'GET /2 HTTP/1.1\r\nhost: v1.vault.azure.net\r\nconnection: close\r\n\r\n',
    );
    expect((await text).match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  });

  it('takes a TLS hello that arrives together with the CONNECT', async () => {
    const host = 'v1.vault.azure.net';
    const socket = connect(edge.proxyPort, '127.0.0.1');
    let head = `CONNECT ${host}:443 HTTP/1.1\r\nhost: ${host}:443\r\n\r\n`;
    let answered = '';
    const eager = new Duplex({
      write: (piece: Buffer, _encoding, done) => {
        socket.write(Buffer.concat([Buffer.from(head), piece]), done);
        head = '';
      },
      read: () => undefined,
    });
    socket.on('data', (piece: Buffer) => {
      if (answered !== '') return void eager.push(piece);
      answered = piece.toString('latin1');
      eager.push(piece.subarray(piece.indexOf('\r\n\r\n') + 4));
    });
    const tls = await startTls(edge, { socket: eager, servername: host });
    expect(answered).toMatch(/^HTTP\/1\.1 200 Connection Established\r\n\r\n/);
    expect(await askOver(tls, host)).toMatchObject({ status: 200, json: { plane: 'vault' } });
    socket.destroy();
  });

  it('serves 200 tunnels at the same time', async () => {
    const asked = Array.from({ length: 200 }, (_, index) =>
      askThroughTunnel(edge, index % 2 ? 'v1.vault.azure.net' : 'management.azure.com', { path: `/${index}` }),
    );
    const answers = await Promise.all(asked);
    expect(answers.map(({ json }) => json['url'])).toEqual(answers.map((_, index) => `/${index}`));
  });

  it('leads to localhost only on its own port', async () => {
    const own = await openTunnel(edge, `localhost:${edge.port}`);
    expect(own.status).toBe(200);
    const tls = await startTls(edge, { socket: own.socket, servername: 'localhost' });
    expect(await askOver(tls, `localhost:${edge.port}`, { path: '/healthz' })).toMatchObject({ status: 200 });
    expect(await openTunnel(edge, 'localhost:22')).toMatchObject({ status: 502 });
  });

  it.each([
    'v1.vault.azure.net',
    'v1.vault.azure.net:',
    'a:b@v1.vault.azure.net:443',
    'v1.vault.azure.net:99999',
    ':443',
    '/',
  ])('refuses the malformed CONNECT target %j', async (target) => {
    expect(await openTunnel(edge, target)).toMatchObject({ status: 400 });
  });

  it('refuses another port of a served host', async () => {
    expect(await openTunnel(edge, 'v1.vault.azure.net:80')).toMatchObject({ status: 502 });
  });
});

describe('edge, directly', () => {
  it('serves a claimed name on its TLS port', async () => {
    const answer = await askDirectly(edge, 'v1.vault.azure.net', {
      headers: { host: `v1.vault.azure.net:${edge.port}` },
    });
    expect(answer).toMatchObject({ status: 200, json: { plane: 'vault' } });
  });

  it.each(['localhost', '127.0.0.1'])('serves the control plane as %s', async (name) => {
    const tls = await startTls(edge, {
      host: name === 'localhost' ? '127.0.0.1' : name,
      ...(name === 'localhost' ? { servername: name } : {}),
    });
    expect(await askOver(tls, `${name}:${edge.port}`, { path: '/healthz' })).toMatchObject({ json: { status: 'ok' } });
  });

  it('asks for authentication everywhere but at /healthz', async () => {
    expect(await askDirectly(edge, 'localhost', { path: '/clock' })).toMatchObject({ status: 401 });
    expect(await askDirectly(edge, 'localhost', { path: '/healthz', method: 'POST' })).toMatchObject({ status: 401 });
  });

  it.each(['v2.vault.azure.net', 'www.example.com', '169.254.169.254.nip.io'])(
    'ends the handshake for %s, which no plane serves',
    async (servername) => {
      await expect(startTls(edge, { servername })).rejects.toThrow();
    },
  );

  it('ends a kept connection when its host is gone', async () => {
    edge.vaults.add('v3');
    const tls = await startTls(edge, { servername: 'v3.vault.azure.net' });
    edge.vaults.delete('v3');
    expect(await exchange(tls, 'GET / HTTP/1.1\r\nhost: v3.vault.azure.net\r\n\r\n')).toBe('');
  });
});

describe('edge, absolute form', () => {
  it('serves the managed identity address over http', async () => {
    const answer = await askInAbsoluteForm(
      'http://169.254.169.254/metadata/identity/oauth2/token?resource=https://vault.azure.net',
    );
    expect(answer).toMatchObject({
      status: 200,
      json: { plane: 'imds', url: '/metadata/identity/oauth2/token?resource=https://vault.azure.net' },
    });
  });

  it('serves an https target in the clear, without the proxy headers', async () => {
    const headers = { 'proxy-connection': 'keep-alive', 'proxy-authorization': 'Basic x' };
    const answer = await askInAbsoluteForm(
      'https://management.azure.com/subscriptions?api-version=1',
      headers,
      'secret=1',
    );
    expect(answer).toMatchObject({
      status: 200,
      json: { plane: 'arm', url: '/subscriptions?api-version=1', length: 8, proxyHeaders: [] },
    });
  });

  it('does not serve a service over http, nor managed identity over TLS', async () => {
    expect(await askInAbsoluteForm('http://management.azure.com/')).toMatchObject({ status: 502 });
    expect(await askInAbsoluteForm('https://169.254.169.254/')).toMatchObject({ status: 502 });
    expect(await openTunnel(edge, '169.254.169.254:443')).toMatchObject({ status: 502 });
  });

  it('refuses a Host header that differs from the target', async () => {
    const answer = await askInAbsoluteForm('https://management.azure.com/', { host: 'v1.vault.azure.net' });
    expect(answer.status).toBe(400);
  });

  it('says what it is to whoever opens it in a browser', async () => {
    const socket = connect(edge.proxyPort, '127.0.0.1');
    const answer = await exchange(socket, `GET / HTTP/1.1\r\nhost: 127.0.0.1:${edge.proxyPort}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*HTTPS_PROXY/);
  });
});

describe('edge, foreign and absent hosts', () => {
  it.each([
    ['by CONNECT', async () => openTunnel(edge, 'raw.githubusercontent.com:443')],
    ['in absolute form', async () => askInAbsoluteForm('http://raw.githubusercontent.com/')],
  ])('refuses a foreign host %s with its name and the way to allow it', async (_form, ask) => {
    const { status, text } = await ask();
    expect({ status, text }).toEqual({
      status: 502,
      text: "Host 'raw.githubusercontent.com' is not one of Kustody's and is not let through. To let it through, start Kustody with: --allow raw.githubusercontent.com\n",
    });
  });

  it('answers for an absent host as a proxy that cannot resolve the name', async () => {
    const { status, text } = await openTunnel(edge, 'gone.vault.azure.net:443');
    expect(status).toBe(502);
    expect(text).toContain("Host 'gone.vault.azure.net' could not be resolved");
    expect((await askInAbsoluteForm('https://gone.vault.azure.net/')).status).toBe(502);
  });

  it('passes an allowed host through untouched, by CONNECT only', async () => {
    const foreign = createServer((socket) => socket.end('foreign protocol'));
    foreign.listen(0, '127.0.0.1');
    await once(foreign, 'listening');
    const { port } = foreign.address() as AddressInfo;
    expect((await openTunnel(edge, `localhost:${port}`)).status).toBe(502);
    const open = await startEdge({ allow: [`127.0.0.1:${port}`] }); // one name with localhost: nothing outside is reached
    const { status, socket } = await openTunnel(open, `localhost:${port}`);
    expect(status).toBe(200);
    expect(await exchange(socket)).toBe('foreign protocol');
    foreign.close();
    await once(foreign, 'close');
    expect(await openTunnel(open, `localhost:${port}`)).toMatchObject({
      status: 502,
      text: "Host 'localhost' could not be reached.\n",
    });
    await open.close();
  });
});

describe('edge, where allowed hosts lead', () => {
  it('goes to port 443 of public addresses, and to others only when port and range are named', async () => {
    const foreign = createServer((socket) => socket.end('foreign protocol'));
    foreign.listen(0, '127.0.0.1');
    await once(foreign, 'listening');
    const { port } = foreign.address() as AddressInfo;
    const addresses = { 'inside.example': '127.0.0.1' };
    const text = async (allow: string[], target: string): Promise<string> => {
      const open = await startEdge({ allow, addresses });
      const answer = await openTunnel(open, target);
      const found = answer.status === 200 ? await exchange(answer.socket) : answer.text;
      await open.close();
      return found;
    };
    const target = `inside.example:${port}`;
    expect(await text(['inside.example'], target)).toBe(
      `Host 'inside.example' is not let through on port ${port}. To let it through, start Kustody with: --allow ${target}\n`,
    );
    const notPublic = expect.stringMatching(/leads to an address that is not public and is not let through/) as string;
    expect(await text([target], target)).toEqual(notPublic);
    expect(await text(['inside.example'], 'inside.example:443')).toEqual(notPublic);
    expect(await text(['127.0.0.0/8'], target)).toContain("is not one of Kustody's");
    expect(await text([target, '10.0.0.0/8'], target)).toEqual(notPublic);
    expect(await text([target, '127.0.0.0/8'], target)).toBe('foreign protocol');
    expect(await text(['absent.example'], 'absent.example:443')).toBe("Host 'absent.example' could not be reached.\n");
    foreign.close();
  });
});

describe('edge, smuggled names', () => {
  const ask = async (servername: string, ...lines: string[]) => {
    const tls = await startTls(edge, { servername });
    return exchange(tls, `${lines.join('\r\n')}\r\nconnection: close\r\n\r\n`);
  };

  it('refuses a Host header that is not the server name', async () => {
    expect(await ask('v1.vault.azure.net', 'GET / HTTP/1.1', 'host: management.azure.com')).toMatch(/^HTTP\/1\.1 421 /);
  });

  it('refuses a server name that is not the tunnel name', async () => {
    const answer = await askThroughTunnel(edge, 'management.azure.com', {
      servername: 'v1.vault.azure.net',
      headers: { host: 'v1.vault.azure.net' },
    });
    expect(answer.status).toBe(421);
  });

  it('refuses a tunnelled request without server name', async () => {
    const { socket } = await openTunnel(edge, 'management.azure.com:443');
    const tls = await startTls(edge, { socket, servername: '', checkServerIdentity: () => undefined });
    expect(await askOver(tls, 'management.azure.com')).toMatchObject({ status: 421 });
  });

  it.each([
    ['two Host headers', ['GET / HTTP/1.1', 'host: v1.vault.azure.net', 'Host: v1.vault.azure.net']],
    ['no Host header', ['GET / HTTP/1.0']],
    ['a list of hosts', ['GET / HTTP/1.1', 'host: v1.vault.azure.net, management.azure.com']],
    ['a user name', ['GET / HTTP/1.1', 'host: management.azure.com@v1.vault.azure.net']],
    ['an absolute target elsewhere', ['GET https://management.azure.com/ HTTP/1.1', 'host: v1.vault.azure.net']],
    ['an asterisk target', ['OPTIONS * HTTP/1.1', 'host: v1.vault.azure.net']],
  ])('refuses %s', async (_name, lines) => {
    expect(await ask('v1.vault.azure.net', ...lines)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('takes an absolute target that agrees', async () => {
    const answer = await ask(
      'v1.vault.azure.net',
      'GET https://v1.vault.azure.net?a=1 HTTP/1.1',
      'host: v1.vault.azure.net',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*"url":"\/\?a=1"/);
  });

  it('refuses both Content-Length and Transfer-Encoding', async () => {
    const lines = ['POST / HTTP/1.1', 'host: v1.vault.azure.net', 'content-length: 3', 'transfer-encoding: chunked'];
    expect(await ask('v1.vault.azure.net', ...lines)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it.each([
    ['//keys///k1', '/keys/k1'],
    ['/keys/a%2fb', '/keys/a/b'],
    ['//management.azure.com/x', '/management.azure.com/x'],
  ])('hands the path %s over as sent, matched as %s', async (path, matched) => {
    const answer = await askDirectly(edge, 'v1.vault.azure.net', { path });
    expect(answer.json).toMatchObject({ plane: 'vault', url: path, wildcard: matched.slice(1) });
  });
});

describe('edge, log', () => {
  it('holds no secret, whichever way it was sent', async () => {
    const secret = 'planted-secret';
    const headers = {
      authorization: `Bearer ${secret}`,
      'proxy-authorization': `Basic ${secret}`,
      'x-ms-client-request-id': secret,
      'x-ms-correlation-request-id': secret,
      cookie: secret,
    };
    const ask = { path: `/keys/${secret}?sig=${secret}`, method: 'POST', headers, body: `client_secret=${secret}` };
    await askThroughTunnel(edge, 'v1.vault.azure.net', ask);
    await askDirectly(edge, 'localhost', ask);
    await askInAbsoluteForm(`https://management.azure.com/?sig=${secret}`, headers, secret);
    await askInAbsoluteForm(`http://elsewhere.example/?sig=${secret}`, headers, secret);
    await openTunnel(edge, `user:${secret}@v1.vault.azure.net:443`);
    for (const lines of [
      [`GET /${secret} HTTP/9.9`, `x: ${secret}`],
      ['GET / HTTP/1.1', `host: ${secret}:x`],
      [`GET /%?${secret} HTTP/1.1`, 'host: v1.vault.azure.net', `authorization: ${secret}`],
    ]) {
      const tls = await startTls(edge, { servername: 'v1.vault.azure.net' });
      await exchange(tls, `${lines.join('\r\n')}\r\nconnection: close\r\n\r\n`);
    }
    await edge.untilLogged('unreadable request');
    expect(edge.lines.join('')).not.toContain(secret);
  });
});

describe('edge, addresses', () => {
  it.each(['0.0.0.0', '::', '192.0.2.1', 'localhost'])('refuses to listen on %s unless asked', async (host) => {
    const create = (listen: string, proxy: string) =>
      createEdge({
        planes: [],
        allowedHosts: [],
        authority: testAuthorityNow,
        listen: { host: listen, port: 0 },
        proxy: { host: proxy, port: 0 },
        log: silentLog,
      });
    const testAuthorityNow = await testAuthority();
    await expect(create(host, '127.0.0.1').listen()).rejects.toThrow(EdgeAddressError);
    await expect(create('127.0.0.1', host).listen()).rejects.toThrow(EdgeAddressError);
  });

  it('says which port is taken and leaves nothing open', async () => {
    const second = createEdge({
      planes: [],
      allowedHosts: [],
      authority: await testAuthority(),
      listen: { host: '127.0.0.1', port: 0 },
      proxy: { host: '127.0.0.1', port: edge.proxyPort },
      log: silentLog,
    });
    await expect(second.listen()).rejects.toMatchObject({ code: 'EADDRINUSE', port: edge.proxyPort });
    await second.close();
  });
});
