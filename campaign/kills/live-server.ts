import { setTimeout as pause } from 'node:timers/promises';
import type { Json } from '../../src/base/json.ts';
import { requireInstance } from '../../src/cli/control-client.ts';
import type { LocalResult } from '../../src/server/local-client.ts';
import { callLocal, localToken } from '../../src/server/local-client.ts';
import { sendLocal } from '../../src/server/local-request.ts';
import type { Seeded } from '../../src/server/seed.ts';
import { defaultSeed, seed } from '../../src/server/seed.ts';

/** It was answered, and the answer is no. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  constructor(
    readonly status: number,
    text: string,
  ) {
    super(`${status}: ${text.slice(0, 300)}`);
  }
}

/** Of the table that rows go to. */
const armVersions = {
  resources: '2024-11-01',
  kusto: '2024-04-13',
  identity: '2023-01-31',
} as const;

/** A busy cluster, or one whose process starts, says so; whoever only wants to look asks again. */
const patienceMs = 60_000;
const againMs = 50;

/** A server in another process with one cluster, spoken to over the wire by its owner.
 * @param known what was seeded before */
export async function openLiveServer(dataDirectory: string, known?: Seeded) {
  const client = await requireInstance(dataDirectory);
  const environment = await client.environment();
  const seeded = known ?? (await seed(environment, defaultSeed));
  const { clusterUri, vaultUri = '', keyName = '' } = seeded;
  const clusterHost = new URL(clusterUri).hostname;
  const vaultHost = new URL(vaultUri).hostname;
  const [kustoToken, vaultToken, armToken] = await Promise.all(
    ['https://kusto.kusto.windows.net', 'https://vault.azure.net', 'https://management.azure.com'].map((resource) =>
      localToken(environment, resource),
    ),
  );
  const token = { [clusterHost]: kustoToken, [vaultHost]: vaultToken, 'management.azure.com': armToken };
  const send = (method: string, host: string, path: string, body?: Json): Promise<LocalResult> =>
    callLocal(environment, {
      ...{ host, method, path, token: token[host] ?? '', answerBytesMax: 64 * 1024 * 1024 },
      ...(body === undefined ? {} : { body }),
    });
  const kusto = async (kind: 'mgmt' | 'query', csl: string, database: string): Promise<readonly unknown[][]> => {
    const { value } = taken(await send('POST', clusterHost, `/v1/rest/${kind}`, { db: database, csl }));
    return (value as { Tables: { Rows: unknown[][] }[] }).Tables[0]?.Rows ?? [];
  };
  const group = `/subscriptions/${environment.subscriptionId}/resourceGroups/${defaultSeed.resourceGroup}`;
  return {
    seeded,
    subscription: `/subscriptions/${environment.subscriptionId}`,
    cluster: `${group}/providers/Microsoft.Kusto/clusters/${defaultSeed.cluster}`,
    identity: `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${defaultSeed.cluster}-identity`,
    key: { keyName, keyVaultUri: vaultUri },
    /** Rows of the first table of the answer. @throws RefusedError */
    command: (csl: string, database = defaultSeed.database) => kusto('mgmt', csl, database),
    /** The same, patiently. */
    query: (csl: string, database = defaultSeed.database) => patiently(() => kusto('query', csl, database)),
    show: (csl: string) => patiently(() => kusto('mgmt', csl, defaultSeed.database)),
    /** Streams csv. @throws RefusedError */
    ingest: async (table: string, rows: string): Promise<void> => {
      const { status, body } = await sendLocal(
        { address: '127.0.0.1', port: environment.port, ca: environment.caCertificate },
        {
          ...{ host: clusterHost, method: 'POST' },
          path: `/v1/rest/ingest/${defaultSeed.database}/${table}?streamFormat=csv`,
          headers: { authorization: `Bearer ${kustoToken ?? ''}`, accept: 'application/json' },
          ...{ body: Buffer.from(rows), timeoutMs: 60_000, answerBytesMax: 1024 * 1024 },
        },
      );
      if (status !== 200) throw new RefusedError(status, body.toString());
    },
    /** @throws RefusedError */
    arm: async (method: string, path: string, version: keyof typeof armVersions, body?: Json) => {
      const mark = path.includes('?') ? '&' : '?';
      return taken(
        await send(method, 'management.azure.com', `${path}${mark}api-version=${armVersions[version]}`, body),
      );
    },
    /** @param path may have a query. @throws RefusedError */
    vault: async (method: string, path: string, body?: Json) =>
      taken(await send(method, vaultHost, `${path}${path.includes('?') ? '&' : '?'}api-version=7.4`, body)),
    /** Of the control API. */
    control: (method: 'GET' | 'POST', path: string, body?: Json) => client.call(method, path, body),
  };
}

export type LiveServer = Awaited<ReturnType<typeof openLiveServer>>;

function taken(result: LocalResult): LocalResult {
  if (result.status >= 300) throw new RefusedError(result.status, result.text);
  return result;
}

async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (const started = performance.now(); ;) {
    try {
      return await ask();
    } catch (error) {
      const isOver = performance.now() - started > patienceMs;
      if (isOver || (error instanceof RefusedError && error.status !== 429 && error.status !== 503)) throw error;
      await pause(againMs);
    }
  }
}
