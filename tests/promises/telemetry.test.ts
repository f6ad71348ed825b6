import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findInstance } from '../../src/cli/control-client.ts';
import { callLocal, localToken } from '../../src/server/local-client.ts';
import type { InstanceEnvironment } from '../../src/server/instance-environment.ts';
import { sendLocal } from '../../src/server/local-request.ts';
import type { StartedCommand } from '../support/kustody-command.ts';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import type { ReceivedSpan } from '../support/otlp-receiver.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';

const canaries = {
  query: 'canary-of-a-query-5183',
  secretName: 'canary-of-a-secret-name-7720',
  secret: 'canary-of-a-secret-4426',
  header: 'canary-of-a-header-9034',
} as const;
const client = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' } as const;
const ports = ['--port', '0', '--kusto-port', '0', '--proxy-port', '0'];
const [internal, ofServer, ofClient] = [1, 2, 3];

describe('traces and metrics of a server that the environment gives an endpoint', () => {
  const directory = temporaryDirectory();
  const data = join(directory.path, 'data');
  let receiver: Awaited<ReturnType<typeof startOtlpReceiver>>;
  let server: StartedCommand | undefined;
  let environment: InstanceEnvironment;
  let metricsText = '';
  let log = '';

  const stop = async (): Promise<string> => {
    const stopping = server;
    server = undefined;
    stopping?.process.kill('SIGTERM');
    return (await stopping?.result)?.stderr ?? '';
  };
  const token = (resource: string): Promise<string> => localToken(environment, resource);
  const query = async (headers: Readonly<Record<string, string>>, text: string) => {
    const [cluster] = environment.clusters;
    return sendLocal(
      { address: '127.0.0.1', port: environment.port, ca: environment.caCertificate },
      {
        ...{ method: 'POST', path: `/v1/rest/query?x=${canaries.query}`, timeoutMs: 60_000, answerBytesMax: 100_000 },
        host: `${cluster?.name ?? ''}.${cluster?.region ?? ''}.kusto.windows.net`,
        headers: {
          ...{ authorization: `Bearer ${await token('https://kusto.kusto.windows.net')}`, ...headers },
          'content-type': 'application/json',
        },
        body: Buffer.from(JSON.stringify({ db: 'db', csl: text })),
      },
    );
  };

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    server = startKustody(['up', '--data', data, '--seed', ...ports]);
    await server.printed('Stop with');
    await stop(); // so that the first query has its cluster's key unwrapped
    server = startKustody(['up', '--data', data, ...ports], {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_HEADERS: `x-receiver-token=${canaries.header}`,
      OTEL_SERVICE_NAME: 'kustody-in-a-test',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      // All goes out when it stops: what is asked for below is there only if that is so.
      OTEL_BSP_SCHEDULE_DELAY: '3600000',
      OTEL_METRIC_EXPORT_INTERVAL: '3600000',
    });
    await server.printed('Stop with');
    const control = (await findInstance(data)) ?? expect.unreachable();
    environment = (await control.call('GET', '/environment')) as InstanceEnvironment;
    expect(await query({}, `print x = '${canaries.query}'`)).toMatchObject({ status: 200 });
    const traceparent = `00-${client.traceId}-${client.spanId}-01`;
    expect(await query({ traceparent }, `print x = '${canaries.query}'`)).toMatchObject({ status: 200 });
    expect(await query({ traceparent: 'nonsense' }, `nonsense ${canaries.query}`)).toMatchObject({ status: 400 });
    const [vault = ''] = environment.vaults;
    await callLocal(environment, {
      ...{ host: `${vault}.vault.azure.net`, method: 'PUT', path: `/secrets/${canaries.secretName}?api-version=7.4` },
      ...{ token: await token('https://vault.azure.net'), body: { value: canaries.secret } },
    });
    metricsText = (await control.download('/metrics')).body.toString('utf8');
    log = await stop();
  }, 240_000);
  afterAll(async () => {
    await stop();
    await receiver.close();
    directory[Symbol.dispose]();
  });

  const only = (spans: readonly ReceivedSpan[]): ReceivedSpan => {
    expect(spans).toHaveLength(1);
    return spans[0] ?? expect.unreachable();
  };
  const below = (parent: ReceivedSpan, name: string): readonly ReceivedSpan[] =>
    receiver.spans().filter((span) => span.parentSpanId === parent.spanId && span.name === name);
  const queries = (): readonly ReceivedSpan[] => receiver.spans().filter(({ name }) => name === 'POST /v1/rest/query');
  const connectionOf = (span: ReceivedSpan): ReceivedSpan =>
    only(receiver.spans().filter(({ spanId }) => spanId === span.parentSpanId));

  it('go from the edge to the engine, and from there to the vault, for a query that needs its key unwrapped', () => {
    const first = queries()[0] ?? expect.unreachable();
    const connection = connectionOf(first);
    expect(connection).toMatchObject({ name: 'edge connection', kind: internal, traceId: first.traceId });
    expect(connection.parentSpanId ?? '').toBe('');
    const opened = only(below(connection, 'engine open'));
    // The vault's challenge, then the call with a token.
    const calls = below(opened, 'POST /keys/{name}/{version}/unwrapkey');
    expect(calls.map(({ attributes }) => attributes['http.response.status_code'])).toEqual([401, 200]);
    for (const call of calls) {
      const host = String(call.attributes['server.address']);
      expect(host).toMatch(/\.vault\.azure\.net$/);
      expect(call).toMatchObject({
        ...{ kind: ofClient, traceId: first.traceId },
        attributes: {
          'http.request.method': 'POST',
          'url.full': `https://${host}/keys/REDACTED/REDACTED/unwrapkey`,
          'server.port': 443,
        },
      });
      const answered = only(below(call, 'POST /keys/:name/:version/unwrapkey'));
      expect(answered).toMatchObject({ kind: ofServer, traceId: first.traceId });
      expect(answered.attributes).toEqual({
        'http.request.method': 'POST',
        'http.route': '/keys/:name/:version/unwrapkey',
        'url.path': '/keys/REDACTED/REDACTED/unwrapkey',
        'url.scheme': 'https',
        'server.address': host,
        'http.response.status_code': call.attributes['http.response.status_code'],
        'kustody.plane': 'vault',
        'kustody.operation': 'UnwrapKey',
      });
    }
    expect(only(below(first, 'engine query')).kind).toBe(internal);
    expect(below(first, 'main authorize')).toHaveLength(1);
  });

  it('continue the trace that a client names, linked to the connection, and follow nobody who names none', () => {
    const [, named = expect.unreachable(), unnamed = expect.unreachable()] = queries();
    expect(named).toMatchObject({ traceId: client.traceId, parentSpanId: client.spanId });
    const [link] = named.links ?? [];
    const linked = receiver.spans().find(({ spanId }) => spanId === link?.spanId);
    expect(linked).toMatchObject({ name: 'edge connection', traceId: link?.traceId });
    expect(below(named, 'engine query')[0]?.traceId).toBe(client.traceId);
    expect(unnamed.traceId).not.toBe(client.traceId);
    expect(unnamed.attributes).toMatchObject({ 'http.response.status_code': 400, 'url.path': '/v1/rest/query' });
    expect(log).toContain(`"traceId":"${client.traceId}"`);
  });

  it('say what they are of, and have no query, token, secret or name of one in any byte', () => {
    expect(receiver.resources()[0]).toMatchObject({
      ...{ 'service.name': 'kustody-in-a-test', 'deployment.environment.name': 'test' },
      'telemetry.sdk.language': 'nodejs',
    });
    expect(receiver.spans().map(({ name }) => name)).toContain('PUT /secrets/:name');
    // Tokens begin with their headers.
    const secrets = [...Object.values(canaries), environment.clientSecret, 'eyJhbGci', 'eyJ0eXAi'];
    for (const { body } of receiver.exports)
      for (const secret of secrets) expect(body.includes(secret), secret).toBe(false);
    expect(receiver.exports[0]?.headers['x-receiver-token']).toBe(canaries.header);
    expect(log).not.toContain(canaries.header);
  });

  it('have all metrics that /metrics has, by their names', () => {
    const metrics = receiver.exports.filter(({ path }) => path === '/v1/metrics');
    expect(metrics.map(({ headers }) => headers['content-type'])).toEqual(['application/x-protobuf']);
    const names = [...metricsText.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) expect(metrics[0]?.body.includes(name), name).toBe(true);
  });
});

describe('a receiver that is away', () => {
  it('costs spans, and no request; a variable that makes no sense is refused without its value', async () => {
    const directory = temporaryDirectory();
    const silent = createServer(() => undefined); // takes connections and says nothing
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const sockets = new Set<{ destroy(): void }>();
    silent.on('connection', (socket) => sockets.add(socket));
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const data = join(directory.path, 'data');
    const server = startKustody(['up', '--data', data, '--log-level', 'silent', ...ports], {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
      OTEL_BSP_MAX_QUEUE_SIZE: '4',
      OTEL_BSP_SCHEDULE_DELAY: '1',
    });
    try {
      await server.printed('Stop with');
      const control = (await findInstance(data)) ?? expect.unreachable();
      for (let asked = 0; asked < 40; asked += 1) await control.call('GET', '/status');
      server.process.kill('SIGTERM');
      expect(await server.result).toMatchObject({ code: 0, stderr: '' });
      expect(sockets.size).toBeGreaterThan(0);
      const refused = await kustody(['up', '--data', data, ...ports], {
        OTEL_EXPORTER_OTLP_ENDPOINT: `ftp://user:${canaries.secret}@host`,
      });
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('OTEL_EXPORTER_OTLP_ENDPOINT is no http or https address.');
      expect(refused.stderr).not.toContain(canaries.secret);
    } finally {
      server.process.kill('SIGKILL');
      await server.result;
      for (const socket of sockets) socket.destroy();
      silent.close();
      directory[Symbol.dispose]();
    }
  });
});
