import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { CatalogPair } from '../../../tests/support/catalog-pair.ts';
import { openCatalogPair } from '../../../tests/support/catalog-pair.ts';
import { readRows } from '../../../tests/support/read-rows.ts';
import { until } from '../../../tests/support/until.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { createLog } from '../../http/logging.ts';
import { startSystemTimer } from '../../http/timer.ts';
import type { QueryExecution } from '../../kql/query-engine.ts';
import type { AllowedRequest, RefusedRequest } from '../messages/data-plane-calls.ts';
import { createReaderServices } from '../supervisor/reader-services.ts';
import { LeaseWatch } from './cluster-session.ts';
import { FollowedClock } from './followed-clock.ts';
import { ResultsCache } from './answers/results-cache.ts';
import type { DataPlanePorts } from './ports.ts';
import { classifiedRequests } from './requests/classify-request.ts';
import { RunningRequests } from './requests/running-requests.ts';
import { createDataPlaneApp } from './routes.ts';

const now = Date.UTC(2026, 0, 1);
const opened: { readonly server: Server; readonly pair: CatalogPair }[] = [];
afterEach(async () => {
  for (const { server, pair } of opened.splice(0)) {
    server.closeAllConnections();
    server.close();
    await pair.close();
  }
});

/** The data plane of a process that only reads, whose engine counts the rows of `T`, and what the node that serves answers to it. */
async function open() {
  const pair = await openCatalogPair();
  const { clusterId, feeds, reader, writer } = pair;
  await writer.table('T', { n: 'long' });
  const says: { refused?: RefusedRequest; leaseMs: number } = { leaseMs: 60_000 };
  const allowed: AllowedRequest = {
    ...{ outcome: 'allowed', clusterRoles: [], principals: [], streamingIngestEnabled: true, purgeEnabled: false },
    caller: {
      ...{ objectId: newGuid(systemRandomBytes), tenantId: newGuid(systemRandomBytes) },
      ...{ displayName: 'viewer', fqn: 'aadapp=viewer;tenant', memberOf: [] },
    },
    databases: [{ ...writer.database, roles: ['Viewer'] }],
    ...{ machines: { coresPerNode: 2, nodes: 1 }, now, leaseMs: 60_000 },
  };
  const serve = createReaderServices({
    ports: { state: writer.state, clock: undefined as never, log: { ...silent, warning: () => undefined } },
    ...{ clusterId, feeds, needed: () => Promise.resolve(), lent: () => undefined, ended: () => Promise.resolve(null) },
    leaseMs: () => Promise.resolve(says.leaseMs),
    serve: () => Promise.resolve(says.refused ?? allowed),
  });
  const asked: string[] = [];
  const call = async (operation: string, body: unknown): Promise<never> => {
    if (operation === 'log') return null as never;
    asked.push(operation);
    return (await serve(operation, body, [])) as never;
  };
  const execution = async (): Promise<QueryExecution> => {
    const rows = await readRows(await reader.data(), writer.engine, 'T');
    const chunks = (async function* () {
      yield await Promise.resolve([[BigInt(rows.length)]]);
    })();
    return {
      ...{ options: {}, scanned: { extents: 0, extentsScanned: 0, rows: 0, rowsScanned: 0 }, warnings: [] },
      ...{ close: () => undefined, results: [{ name: 'T', columns: [{ name: 'Count', type: 'long' }], chunks }] },
    };
  };
  const monotonicMs = (): number => pair.answers.nowMs ?? 0;
  const ports = {
    ...{ call, log: silent, randomBytes: systemRandomBytes, startTimer: startSystemTimer, monotonicMs },
    host: {
      ...{ clusterName: 'contoso', engine: { execute: execution }, tell: () => undefined },
      ...{ data: () => reader.data(), asking: () => reader.asking() },
    },
    settings: {
      clusterId,
      clusterName: 'contoso',
      hosts: ['contoso'],
      writer: { address: '127.0.0.1', port: 1, ca: '' },
    },
    ...{ clock: new FollowedClock(startSystemTimer), lease: new LeaseWatch(call, monotonicMs) },
    ...{ running: new RunningRequests(), results: new ResultsCache(), classified: classifiedRequests() },
  } as unknown as DataPlanePorts;
  const app = createDataPlaneApp(ports, 'engine');
  const server = createServer((request, response) => app.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push({ server, pair });
  const { port } = server.address() as AddressInfo;
  const query = async (consistency = 'strongconsistency') => {
    const answer = await fetch(`http://127.0.0.1:${port}/v2/rest/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', authorization: 'Bearer x' },
      body: JSON.stringify({ db: 'db', csl: 'T | count', properties: { Options: { queryconsistency: consistency } } }),
    });
    const body = (await answer.json()) as { TableKind?: string; Rows?: unknown[][] }[];
    const rows = answer.status === 200 ? body.find((frame) => frame.TableKind === 'PrimaryResult')?.Rows : undefined;
    return { status: answer.status, count: Number(rows?.[0]?.[0]) };
  };
  return { ...pair, says, asked, query };
}

const silent = createLog({ level: 'silent', destination: process.stderr, wallClock: () => now });

describe('a query at a process that only reads', () => {
  it('asks once, and sees what was committed, and what was taken away, before it began', async () => {
    const { writer, says, asked, query } = await open();
    expect(await query()).toEqual({ status: 200, count: 0 }); // opens the catalog
    for (let rows = 1; rows <= 10; rows += 1) {
      await writer.ingest('T', 'csv', String(rows));
      asked.splice(0);
      expect(await query()).toEqual({ status: 200, count: rows });
      expect(asked).toEqual(['authorize']);
    }
    asked.splice(0);
    says.refused = { outcome: 'refused', kind: 'forbidden', message: 'No role is left.' };
    expect(await query()).toMatchObject({ status: 403 });
    delete says.refused;
    says.leaseMs = 0;
    expect(await query()).toMatchObject({ status: 503 });
    expect(asked).toEqual(['authorize', 'authorize']);
  });

  it('asks once each, however many there are at once', async () => {
    const { writer, asked, query } = await open();
    await query();
    await writer.ingest('T', 'csv', '1\n2');
    asked.splice(0);
    expect(new Set((await Promise.all(Array.from({ length: 20 }, () => query()))).map(({ count }) => count))).toEqual(
      new Set([2]),
    );
    expect(asked).toEqual(Array.from({ length: 20 }, () => 'authorize'));
  });

  it.each(['weakconsistency', 'affinitizedweakconsistency', 'DatabaseAffinitizedWeakConsistency'])(
    'of %s does not wait for rows that come, for five seconds, and is refused as all others',
    async (weak) => {
      const { writer, says, asked, query, answers } = await open();
      answers.nowMs = 0;
      await writer.ingest('T', 'csv', '1');
      expect(await query()).toEqual({ status: 200, count: 1 });
      let release = (): void => undefined;
      answers.held = new Promise((resolve) => (release = resolve));
      await writer.ingest('T', 'csv', '2');
      answers.nowMs = 4_999;
      asked.splice(0);
      expect(await query(weak)).toEqual({ status: 200, count: 1 });
      expect(asked).toEqual(['authorize']);
      says.refused = { outcome: 'refused', kind: 'forbidden', message: 'No role is left.' };
      expect(await query(weak)).toMatchObject({ status: 403 });
      delete says.refused;
      says.leaseMs = 0;
      expect(await query(weak)).toMatchObject({ status: 503 });
      says.leaseMs = 60_000;
      let isAnswered = false;
      const strong = query().finally(() => (isAnswered = true));
      expect(await query(weak)).toEqual({ status: 200, count: 1 });
      expect(isAnswered).toBe(false);
      answers.nowMs = 5_000;
      const before = asked.length;
      let isLateAnswered = false;
      const late = query(weak).finally(() => (isLateAnswered = true));
      await until(() => asked.length > before);
      says.leaseMs = 0;
      expect(await query(weak)).toMatchObject({ status: 503 });
      expect(isLateAnswered).toBe(false);
      says.leaseMs = 60_000;
      release();
      expect([await strong, await late]).toEqual(Array.from({ length: 2 }, () => ({ status: 200, count: 2 })));
    },
  );
});
