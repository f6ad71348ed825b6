import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { HostAnswer } from '../../support/server-fixture.ts';
import { startServerFixture } from '../../support/server-fixture.ts';

/** What the official clients gave back: see clients.client.mjs. */
export interface ClientTable {
  readonly kind: string;
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly unknown[][];
}

export interface ClientOutcome {
  readonly tables?: readonly ClientTable[];
  readonly raw?: string;
  readonly warnings?: readonly string[];
  readonly value?: unknown;
  readonly failed?: {
    readonly name: string;
    readonly message: string;
    readonly status?: number;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  };
}

export interface ClientCall {
  readonly call:
    | ('query' | 'queryV1' | 'mgmt' | 'rawQuery' | 'rawQueryV1' | 'ingest')
    | ('queued' | 'queuedBlob' | 'managed' | 'status' | 'reports' | 'storage');
  readonly database: string;
  readonly text?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly clientRequestId?: string;
  /** Another address than the cluster's own name. */
  readonly uri?: string;
  /** Who asks instead of the fixture's own. */
  readonly identity?: { readonly clientId: string; readonly clientSecret: string };
  /** Of an account of storage, instead of a signature. */
  readonly accountKey?: string;
  /** For ingestion. */
  readonly table?: string;
  readonly data?: string;
  readonly format?: string;
  readonly mapping?: string;
  /** As the official client takes them. */
  readonly properties?: Readonly<Record<string, unknown>>;
}

export const clusterName = 'wiretest';
export const clusterHost = `${clusterName}.eastus.kusto.windows.net`;
export const databaseName = 'db1';

const groupPath = (subscription: string): string => `/subscriptions/${subscription}/resourceGroups/rg1`;

/** A server with one cluster and one database, and a process with the official clients once they are asked, led there by proxy variables. */
export async function startKustoData(settings: Parameters<typeof startServerFixture>[0] = {}) {
  const fixture = await startServerFixture(settings);
  const { environment, server } = fixture;
  const group = groupPath(environment.subscriptionId);
  const cluster = `${group}/providers/Microsoft.Kusto/clusters/${clusterName}`;
  const armToken = await fixture.tokenFor('https://management.azure.com');
  const arm = async (method: string, path: string, body?: unknown): Promise<HostAnswer> => {
    const answer = await fixture.send({
      ...{ host: 'management.azure.com', method, token: armToken, body },
      path: `${path}${path.includes('?') ? '&' : '?'}api-version=${path.includes('Microsoft.') ? '2024-04-13' : '2021-04-01'}`,
    });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer;
  };
  await arm('PUT', group, { location: 'eastus' });
  await arm('PUT', cluster, {
    location: 'eastus',
    sku: { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 },
    properties: { enableStreamingIngest: true, enablePurge: true },
  });
  await arm('PUT', `${cluster}/databases/${databaseName}`, { location: 'eastus', kind: 'ReadWrite' });
  const token = await fixture.tokenFor('https://kusto.kusto.windows.net');
  const proxy = `http://127.0.0.1:${server.proxyPort}`;
  const startClient = () =>
    fork(join(import.meta.dirname, 'clients.client.mjs'), [], {
      execArgv: [],
      env: {
        PATH: process.env['PATH'],
        HTTPS_PROXY: proxy,
        HTTP_PROXY: proxy,
        NO_PROXY: 'localhost,127.0.0.1',
        NODE_EXTRA_CA_CERTS: server.caFile,
        AZURE_TENANT_ID: environment.tenantId,
        AZURE_CLIENT_ID: environment.clientId,
        AZURE_CLIENT_SECRET: environment.clientSecret,
      },
    });
  let client: ChildProcess | undefined;
  let calls: ReturnType<typeof clientCalls> | undefined;
  // Starting the cluster's process, its engine and its parser takes long on a busy machine; no test waits for it.
  await fixture.send({
    ...{ host: clusterHost, method: 'POST', path: '/v2/rest/query', token },
    body: { db: databaseName, csl: 'print 1' },
  });
  return {
    ...fixture,
    arm,
    token,
    clusterPath: cluster,
    /** One call through an official client. */
    call: (call: ClientCall): Promise<ClientOutcome> => {
      calls ??= clientCalls((client = startClient())); // half of the tests never ask them
      return calls({ uri: `https://${clusterHost}`, ...call });
    },
    /** One raw request to the cluster, with a token. */
    post: (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<HostAnswer> =>
      fixture.send({
        host: clusterHost,
        method: 'POST',
        path,
        token,
        body,
        headers: { accept: 'application/json', ...headers },
      }),
    [Symbol.asyncDispose]: async () => {
      client?.kill();
      await fixture[Symbol.asyncDispose]();
    },
  };
}

export type KustoData = Awaited<ReturnType<typeof startKustoData>>;

function clientCalls(client: ChildProcess): (call: ClientCall) => Promise<ClientOutcome> {
  const waiting = new Map<number, (outcome: ClientOutcome) => void>();
  let next = 0;
  client.on('message', (message) => {
    const { id, outcome } = message as { id: number; outcome: ClientOutcome };
    waiting.get(id)?.(outcome);
    waiting.delete(id);
  });
  return (call) =>
    new Promise((resolve) => {
      next += 1;
      waiting.set(next, resolve);
      client.send({ id: next, call });
    });
}
