import { findInstance } from '../../src/cli/control-client.ts';
import { callLocal, localToken, succeeded } from '../../src/server/local-client.ts';
import { sendLocal } from '../../src/server/local-request.ts';
import type { Seeded } from '../../src/server/seed.ts';
import { defaultSeed, seed } from '../../src/server/seed.ts';

/** A seeded cluster of a server in another process, spoken to over the wire.
 * @param known what was seeded before
 * @param port of another node, which passes connections on to that server */
export async function openLiveCluster(dataDirectory: string, known?: Seeded, port?: number) {
  const client = await findInstance(dataDirectory);
  if (client === undefined) throw new Error('no server answers');
  const asked = await client.environment();
  const environment = { ...asked, port: port ?? asked.port };
  const seeded = known ?? (await seed(environment, defaultSeed));
  const { clusterUri, vaultUri = '', keyName = '' } = seeded;
  const host = new URL(clusterUri).hostname;
  const vaultHost = new URL(vaultUri).hostname;
  const token = await localToken(environment, 'https://kusto.kusto.windows.net');
  const vaultToken = await localToken(environment, 'https://vault.azure.net');
  const post = (path: string, csl: string) =>
    callLocal(environment, { host, method: 'POST', path, token, body: { db: defaultSeed.database, csl } });
  const vault = async (method: string, path: string, body: Record<string, unknown>) =>
    succeeded(
      await callLocal(environment, {
        host: vaultHost,
        method,
        path: `${path}?api-version=7.4`,
        token: vaultToken,
        body: body as never,
      }),
    );
  const checkKeys = async () => ((await client.call('POST', '/check-keys')) as { clusters: unknown }).clusters;
  const stream = (table: string, body: string) =>
    sendLocal(
      { address: '127.0.0.1', port: environment.port, ca: environment.caCertificate },
      {
        ...{ host, method: 'POST', path: `/v1/rest/ingest/${defaultSeed.database}/${table}?streamFormat=csv` },
        headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
        body: Buffer.from(body),
        timeoutMs: 60_000,
        answerBytesMax: 1024 * 1024,
      },
    );
  /** Of a blob among those that become rows. @returns the status */
  const stage = async (name: string, text: string): Promise<number> => {
    const body = { db: '', csl: '.get ingestion resources' };
    const asked = { host: `ingest-${host}`, method: 'POST', path: '/v1/rest/mgmt', token, body } as const;
    const [{ Rows: rows } = { Rows: [] }] = succeeded(await callLocal(environment, asked))['Tables'] as unknown as {
      Rows: string[][];
    }[];
    const container = new URL(rows.find(([kind]) => kind === 'TempStorage')?.[1] ?? '');
    const answer = await sendLocal(
      { address: '127.0.0.1', port: environment.port, ca: environment.caCertificate },
      {
        ...{ host: container.hostname, method: 'PUT', path: `${container.pathname}/${name}${container.search}` },
        headers: { 'x-ms-version': '2022-11-02', 'x-ms-blob-type': 'BlockBlob' },
        ...{ body: Buffer.from(text), timeoutMs: 60_000, answerBytesMax: 1024 * 1024 },
      },
    );
    return answer.status;
  };
  const command = async (csl: string) => succeeded(await post('/v1/rest/mgmt', csl));
  return {
    environment,
    seeded,
    token,
    checkKeys,
    stage,
    command,
    /** Makes one extent of all that the table has now. @returns of how many */
    merge: async (table: string): Promise<number> => {
      const shown = (await command(`.show table ${table} extents`))['Tables'] as unknown as { Rows: string[][] }[];
      const ids = (shown[0]?.Rows ?? []).map(([id = '']) => id);
      if (ids.length > 1) await command(`.merge ${table} (${ids.join()})`);
      return ids.length;
    },
    /** Rows of the first table. */
    query: async (csl: string): Promise<readonly unknown[][]> => {
      const tables = succeeded(await post('/v1/rest/query', csl))['Tables'] as unknown as { Rows: unknown[][] }[];
      return tables[0]?.Rows ?? [];
    },
    commandStatus: async (csl: string) => (await post('/v1/rest/mgmt', csl)).status,
    queryStatus: async (csl: string) => (await post('/v2/rest/query', csl)).status,
    /** Streams csv. @returns how many rows were taken, or undefined when they were refused */
    ingest: async (table: string, body: string): Promise<number | undefined> => {
      const answer = await stream(table, body);
      if (answer.status !== 200) return undefined;
      const { Tables: tables } = JSON.parse(answer.body.toString()) as { Tables: { Rows: unknown[][] }[] };
      return Number(tables[0]?.Rows[0]?.[0]);
    },
    /** How rows are refused. */
    ingestError: async (table: string, body: string) => {
      const answer = await stream(table, body);
      const { error } = JSON.parse(answer.body.toString()) as { error: { code: string } };
      return { status: answer.status, code: error.code };
    },
    setKeyEnabled: async (enabled: boolean) => {
      await vault('PATCH', `/keys/${keyName}`, { attributes: { enabled } });
      return checkKeys();
    },
    /** Key ids of all versions. */
    keyVersions: async (): Promise<ReadonlySet<string>> => {
      const found = new Set<string>();
      let next: string | undefined = `/keys/${keyName}/versions?api-version=7.4`;
      while (next !== undefined) {
        const page = succeeded(
          await callLocal(environment, { host: vaultHost, method: 'GET', path: next, token: vaultToken }),
        ) as unknown as { value: { kid: string }[]; nextLink?: string };
        for (const { kid } of page.value) found.add(kid);
        next = page.nextLink?.slice(page.nextLink.indexOf('/', 'https://'.length));
      }
      return found;
    },
    newKeyVersion: () => vault('POST', `/keys/${keyName}/create`, { kty: 'RSA', key_size: 2048 }),
  };
}

export type LiveCluster = Awaited<ReturnType<typeof openLiveCluster>>;
