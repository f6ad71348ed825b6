import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Log } from './logging.ts';
import { createLog, silentLog } from './logging.ts';
import { createPlaneApp } from './plane-app.ts';
import type { PlaneAppOptions } from './plane-app.ts';

class TeapotError extends Error {
  override readonly name = 'TeapotError';
}

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

/** A plane with an error shape of its own, on a plain listener. */
async function startPlane(options: Partial<PlaneAppOptions> = {}) {
  const lines: string[] = [];
  const logged = new EventEmitter();
  const { app, toPlane } = createPlaneApp({
    name: 'sample',
    log: createLog({
      level: 'debug',
      destination: { write: (line) => void logged.emit('line', lines.push(line)) },
      wallClock: () => 0,
    }),
    bodyBytesMax: 1000,
    renderError: (error) => (error instanceof TeapotError ? { status: 418, body: { sample: 'teapot' } } : undefined),
    renderFailure: (failure) => ({ status: failure.status, body: { sample: failure.kind } }),
    ...options,
  });
  app.get('/keys/:name', (request) => ({ params: request.params, query: request.query }));
  app.post('/echo', (request) => ({
    body: request.body instanceof URLSearchParams ? [...request.body] : (request.body ?? 'none'),
  }));
  app.post('/length', (request) => ({ length: Buffer.isBuffer(request.body) ? request.body.length : 'none' }));
  app.get('/teapot', () => Promise.reject(new TeapotError('secret-in-message')));
  app.get('/bug', () => Promise.reject(new Error('secret-in-message')));
  const plane = toPlane(() => 'serve');
  const server = createServer((request, response) => plane.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  /** Log lines are written when an answer is out, which the client may see first. */
  const untilLogged = async (count: number) => {
    while (lines.length < count) await once(logged, 'line');
  };
  return { ask, lines, untilLogged, port, plane };
}

describe('plane app', () => {
  it.each([
    ['path', 'keys', '/keys/in-the-path?x=…'],
    ['route', 'keys', '/keys/:name'],
    ['route', 'nowhere', 'none'],
    ['nothing', 'keys', undefined],
  ] as const)('tells what is seen of a request: %s of /%s', async (seenAs, at, path) => {
    const seen: unknown[] = [];
    const told = new EventEmitter();
    const log: Log = { ...silentLog, request: (_, one) => void told.emit('told', seen.push(one)) };
    const { ask } = await startPlane({ seenAs, log });
    await ask(`/${at}/in-the-path?x=in-the-query`);
    while (seen.length < 1) await once(told, 'told');
    expect(seen).toEqual([path === undefined ? undefined : { host: '127.0.0.1', path }]);
  });

  it('matches a path whatever its case, doubled and trailing slashes', async () => {
    const { ask } = await startPlane();
    for (const path of ['/keys/K1', '/KEYS//K1/', '//keys/K1']) {
      expect(await ask(path)).toMatchObject({ status: 200, body: { params: { name: 'K1' } } });
    }
  });

  it('decodes a percent-encoded slash into the parameter, once', async () => {
    const { ask } = await startPlane();
    expect(await ask('/keys/a%2fb')).toMatchObject({ body: { params: { name: 'a/b' } } });
    expect(await ask('/keys/a%252fb')).toMatchObject({ body: { params: { name: 'a%2fb' } } });
  });

  it('decodes names in the query', async () => {
    const { ask } = await startPlane();
    expect(await ask('/keys/k?api%2Dversion=7.4')).toMatchObject({ body: { query: { 'api-version': '7.4' } } });
  });

  it.each([
    ['no route', '/nowhere', undefined, 404, 'notFound'],
    ['a method without a route', '/keys/k', { method: 'DELETE' }, 404, 'notFound'],
    ['a path that is no percent-encoding', '/keys/k%', undefined, 400, 'badUrl'],
    ['a segment beyond the limit', `/keys/${'k'.repeat(4097)}`, undefined, 400, 'badUrl'],
    ['bad JSON', '/echo', json('{"a":'), 400, 'badJson'],
    ['JSON nested too deep', '/echo', json('['.repeat(101) + ']'.repeat(101)), 400, 'badJson'],
    ['JSON that is not UTF-8', '/echo', json(Buffer.from([0x22, 0xff, 0x22])), 400, 'badJson'],
    ['a __proto__ member', '/echo', json('{"a":[{"\\u005f_proto__":{}}]}'), 400, 'badJson'],
    ['a body over the limit', '/echo', json(JSON.stringify('x'.repeat(1000))), 413, 'bodyTooLarge'],
    ['another content type', '/echo', { method: 'POST', body: 'a' }, 415, 'unsupportedMediaType'],
    ['a compressed body', '/echo', json('{}', { 'content-encoding': 'gzip' }), 415, 'unsupportedMediaType'],
    ['its own error', '/teapot', undefined, 418, 'teapot'],
    ['a bug', '/bug', undefined, 500, 'internal'],
  ])('answers %s in its own shape', async (_name, path, init, status, code) => {
    const { ask } = await startPlane();
    const answer = await ask(path, init);
    expect(answer).toMatchObject({ status, body: { sample: code } });
    expect(answer.headers.get('x-ms-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['empty JSON', json(''), 'none'],
    ['blank JSON', json(' \n'), 'none'],
    ['JSON with a byte order mark', json(Buffer.from('\ufeff{"a":1}')), { a: 1 }],
    ['brackets inside a string', json(JSON.stringify('['.repeat(500) + '"\\')), '['.repeat(500) + '"\\'],
    ['__proto__ as a value', json('["__proto__"]'), ['__proto__']],
    ['no body and no type', { method: 'POST' }, 'none'],
    [
      'a form',
      { method: 'POST', body: new URLSearchParams('a=1&a=%20') },
      [
        ['a', '1'],
        ['a', ' '],
      ],
    ],
  ])('takes %s', async (_name, init, body) => {
    const { ask } = await startPlane();
    expect(await ask('/echo', init)).toMatchObject({ status: 200, body: { body } });
  });

  it('takes any type as bytes when asked to, within the limit', async () => {
    const { ask } = await startPlane({ bodies: 'bytes' });
    const post = (body: string) =>
      ask('/length', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    expect(await post('x'.repeat(1000))).toMatchObject({ status: 200, body: { length: 1000 } });
    expect(await post('')).toMatchObject({ status: 200, body: { length: 'none' } });
    expect(await post('x'.repeat(1001))).toMatchObject({ status: 413, body: { sample: 'bodyTooLarge' } });
  });

  it('holds bodies up to a number of bytes, for all requests together, until they are answered', async () => {
    const { ask, port } = await startPlane({ bodies: 'bytes', bodyRoomBytes: 1500 });
    const slow = connect(port, '127.0.0.1');
    await once(slow, 'connect');
    slow.write(`POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n${'x'.repeat(899)}`);
    const send = () => ask('/length', { method: 'POST', body: new Uint8Array(800) });
    let answer = await send();
    while (answer.status === 200) answer = await send(); // the slow one has not arrived yet
    expect([answer.status, answer.body, answer.headers.get('retry-after')]).toEqual([429, { sample: 'busy' }, '1']);
    expect((await ask('/length', { method: 'POST', body: new Uint8Array(500) })).status).toBe(200);
    slow.write('x');
    await once(slow, 'data');
    slow.destroy();
    for (let count = 0; count < 5; count += 1) expect((await send()).status).toBe(200);
  });

  it('authenticates before it reads the body, matches a route or judges the path', async () => {
    const { ask } = await startPlane({ authenticate: () => Promise.reject(new TeapotError('stranger')) });
    for (const path of ['/echo', '/nowhere', '/keys/%']) {
      expect(await ask(path, json('{"a":'))).toMatchObject({ status: 418, body: { sample: 'teapot' } });
    }
  });

  it('answers a stranger although the body never comes', async () => {
    const { port } = await startPlane({ authenticate: () => Promise.reject(new TeapotError('stranger')) });
    const socket = connect(port, '127.0.0.1');
    closers.push(() => socket.destroy());
    socket.write('POST /echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n');
    const first = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    expect(first.toString()).toMatch(/^HTTP\/1\.1 418 /);
  });

  it('echoes correlation ids only as far as they are safe and asked for', async () => {
    const { ask } = await startPlane();
    const id = '0e2f2f4a-3a5d-4c43-9d4f-5a9b8e3f0001';
    const headers = { 'x-ms-client-request-id': 'KNC.execute;1', 'x-ms-correlation-request-id': id.toUpperCase() };
    const silent = (await ask('/keys/k', { headers })).headers;
    expect(silent.get('x-ms-correlation-request-id')).toBe(id);
    expect(silent.get('x-ms-client-request-id')).toBeNull();
    const asked = (await ask('/keys/k', { headers: { ...headers, 'x-ms-return-client-request-id': 'true' } })).headers;
    expect(asked.get('x-ms-client-request-id')).toBe('KNC.execute;1');
    const odd = (await ask('/keys/k', { headers: { 'x-ms-correlation-request-id': 'secret-id' } })).headers;
    expect(odd.get('x-ms-correlation-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('logs the trace that the caller says a request is part of, also where it fails', async () => {
    const { ask, lines, untilLogged } = await startPlane();
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    await ask('/bug', { headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } });
    await untilLogged(2);
    await ask('/bug', { headers: { traceparent: `00-${traceId}-secret-01` } });
    await untilLogged(4);
    expect(lines.map((line) => (JSON.parse(line) as { traceId?: string }).traceId)).toEqual([
      ...[traceId, traceId],
      ...[undefined, undefined],
    ]);
    expect(lines.join('')).not.toContain('secret');
  });

  it('logs one line per request, with the route and nothing that the client sent', async () => {
    const { ask, lines, untilLogged } = await startPlane();
    const planted = { authorization: 'Bearer secret-token', 'x-ms-client-request-id': 'secret-id' };
    await ask('/keys/secret-name?sig=secret-query', { headers: planted });
    await ask('/keys/secret%?sig=secret-query', { headers: planted });
    await ask('/secret-path?sig=secret-query', { headers: planted });
    await ask('/echo', json('{"client_secret":"secret-body"', planted));
    await ask('/echo', {
      method: 'POST',
      headers: planted,
      body: new URLSearchParams({ client_secret: 'secret-form' }),
    });
    await ask('/teapot', { headers: planted });
    await ask('/bug', { headers: planted });
    await untilLogged(8);
    const parsed = lines.map((line) => JSON.parse(line) as { msg: string; route?: string; status?: number });
    const requests = parsed.filter((line) => line.msg === 'request').map(({ route, status }) => [route, status]);
    expect(requests).toEqual([
      ['/keys/:name', 200],
      ['none', 400],
      ['none', 404],
      ['/echo', 400],
      ['/echo', 200],
      ['/teapot', 418],
      ['/bug', 500],
    ]);
    expect(parsed.filter((line) => line.msg === 'request failed')).toHaveLength(1);
    expect(lines.join('')).not.toMatch(/secret/);
  });
});

function json(body: string | Buffer, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } };
}
