import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeavyRequest } from '../../support/heavy-requests.ts';
import { flowingQueries, heavyRequests, heavyTables, hungryQueries } from '../../support/heavy-requests.ts';
import { descendantsOf } from '../../support/process-tree.ts';
import type { HostAnswer } from '../../support/server-fixture.ts';
import { until } from '../../support/until.ts';
import { OwnTime } from '../../support/waited-time.ts';
import type { KustoData } from './kusto-fixture.ts';
import { clusterHost, databaseName as db, startKustoData } from './kusto-fixture.ts';

/** Beside the wanted moment, however busy others keep the machine. */
const boundMs = 500;
const timeoutMs = 1_000;
/** So long a request has been under way when it is cancelled: in its stage. */
const underWay = '00:00:00.7';

let kusto: KustoData;
let slow: Server;
beforeAll(async () => {
  slow = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': '1000000', etag: '"e"' });
    response.write('1,one\n');
  }).listen(0, '127.0.0.1');
  await once(slow, 'listening');
  const endpoint = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
  kusto = await startKustoData({ storageAccounts: [{ name: 'slowbox', endpoint }] });
  const properties = { principalId: kusto.environment.clientId, principalType: 'App', role: 'AllDatabasesAdmin' };
  await kusto.arm('PUT', `${kusto.clusterPath}/principalAssignments/owner`, { properties });
  for (const csl of heavyTables) await mgmt(csl);
});
afterAll(async () => {
  await kusto[Symbol.asyncDispose]();
  slow.close();
});

async function mgmt(csl: string): Promise<HostAnswer> {
  const answer = await kusto.post('/v1/rest/mgmt', { db, csl });
  if (answer.status !== 200) throw new Error(answer.text);
  return answer;
}
const pathOf = ({ of }: HeavyRequest): string => (of === 'query' ? '/v2/rest/query' : '/v1/rest/mgmt');
const stages = heavyRequests.map((request) => [request.name, request] as const);

describe('a request whose time is over', () => {
  it.each(stages)('ends then, in every stage: %s', async (_name, request) => {
    const properties = { Options: { ...request.options, servertimeout: '00:00:01' } };
    const time = new OwnTime();
    const { text } = await kusto.post(pathOf(request), { db, csl: request.csl, properties });
    const took = time.until(performance.now());
    expect(text.slice(-1_500)).toMatch(/limit of 1 seconds? was exceeded/);
    expect(took).toBeLessThan(timeoutMs + boundMs);
  });
});

describe('a query that is cancelled', () => {
  const cancellable = stages.filter(([, { of }]) => of === 'query');
  it.each(cancellable)('ends at once, in every stage: %s', async (name, request) => {
    const id = `stage;${name.replaceAll(' ', '-')}`;
    const properties = request.options === undefined ? {} : { Options: request.options };
    const answer = kusto.post(pathOf(request), { db, csl: request.csl, properties }, { 'x-ms-client-request-id': id });
    const shown = `.show running queries | where ClientActivityId == "${id}" and Duration > time(${underWay})`;
    await until(async () => (await mgmt(shown)).text.includes(id));
    const time = new OwnTime();
    await mgmt(`.cancel query "${id}"`);
    const { text } = await answer;
    const took = time.until(performance.now());
    expect(text.slice(-1_500)).toContain('cancelled by a cancel command');
    expect(took).toBeLessThan(boundMs);
  });
});

/** Most that each process had since it was last asked: bytes together. @see proc_pid_clear_refs(5) */
function peakBytes(): number {
  let bytes = 0;
  for (const pid of descendantsOf(process.pid)) {
    bytes += 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  }
  return bytes;
}

describe('the memory of a query', () => {
  const limitBytes = 20_000_000;
  /** What threads and their heaps take besides, of which the limit does not speak. */
  const besidesBytes = 400_000_000;
  const words = new RegExp(
    `has exceeded the memory budget \\(${limitBytes}\\) during evaluation.*E_RUNAWAY_QUERY|E_LOW_MEMORY_CONDITION`,
  );
  it.each(Object.entries(hungryQueries))('is bounded in every stage, and the bound said: %s', async (_name, csl) => {
    const Options = { max_memory_consumption_per_query_per_node: limitBytes, servertimeout: '00:03:00' };
    peakBytes();
    const before = peakBytes();
    const { text } = await kusto.post('/v2/rest/query', { db, csl, properties: { Options } });
    expect(text.slice(-1_500)).toMatch(words);
    expect(peakBytes() - before).toBeLessThan(limitBytes + besidesBytes);
  });
});

/** What comes of a query until a text is in it; then its client goes. */
function firstOf(csl: string, path: string, awaited: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({
      ...{ host: '127.0.0.1', port: kusto.server.port, servername: clusterHost },
      ca: readFileSync(kusto.server.caFile, 'utf8'),
    });
    const headers = { host: clusterHost, authorization: `Bearer ${kusto.token}` };
    const request = httpRequest({ createConnection: () => socket, method: 'POST', path, headers }, (response) => {
      let text = '';
      response.on('data', (piece: Buffer) => {
        text += piece.toString('utf8');
        if (!text.includes(awaited)) return;
        resolve(text);
        socket.destroy();
      });
      response.on('end', () => reject(new Error(text.slice(0, 1_000))));
    });
    request.on('error', reject);
    request.end(JSON.stringify({ db, csl, properties: { Options: { notruncation: true } } }));
  });
}

describe('the first rows of a query', () => {
  const ways = Object.entries(flowingQueries).flatMap(([name, csl]) =>
    ['/v1/rest/query', '/v2/rest/query'].map((path) => [name, path, csl] as const),
  );
  it.each(ways)('come before its last row is known: %s, by %s', async (_name, path, csl) => {
    expect(await firstOf(csl, path, '"row 1"')).toMatch(/"Rows":\[/);
  });
});

describe('a query that waits for its turn', () => {
  const policy = {
    RequestRateLimitPolicies: [
      {
        ...{ IsEnabled: true, Scope: 'WorkloadGroup', LimitKind: 'ConcurrentRequests' },
        Properties: { MaxConcurrentRequests: 1 },
      },
    ],
    RequestQueuingPolicy: { IsEnabled: true },
  };
  const query = (csl: string, id: string, servertimeout: string): Promise<HostAnswer> => {
    const properties = { Options: { servertimeout } };
    return kusto.post('/v2/rest/query', { db, csl, properties }, { 'x-ms-client-request-id': id });
  };
  const isThere = async (id: string): Promise<boolean> => (await mgmt('.show queries')).text.includes(id);

  it('ends when its time is over, and when it is cancelled', async () => {
    await mgmt(`.create-or-alter workload_group default \`\`\`${JSON.stringify(policy)}\`\`\``);
    const running = query('range i from 1 to 1000000000000 step 1 | count', 'turn;first', '01:00:00');
    await until(() => isThere('turn;first'));
    let time = new OwnTime();
    expect((await query('print 1', 'turn;second', '00:00:01')).text).toMatch(/limit of 1 seconds? was exceeded/);
    expect(time.until(performance.now())).toBeLessThan(timeoutMs + boundMs);
    const waiting = query('print 1', 'turn;third', '01:00:00');
    await until(() => isThere('turn;third'));
    time = new OwnTime();
    await mgmt('.cancel query "turn;third"');
    expect((await waiting).text).toContain('cancelled by a cancel command');
    expect(time.until(performance.now())).toBeLessThan(boundMs);
    await mgmt('.cancel query "turn;first"');
    await running;
  });
});
