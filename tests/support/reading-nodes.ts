import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject, textMember } from '../../src/base/json.ts';
import type { InstanceEnvironment } from '../../src/server/instance-environment.ts';
import { callLocal, localToken, succeeded } from '../../src/server/local-client.ts';
import { sendLocal } from '../../src/server/local-request.ts';
import { defaultSeed } from '../../src/server/seed.ts';
import type { Azurite } from './azurite.ts';
import type { LiveCluster } from './live-cluster.ts';
import { openLiveCluster } from './live-cluster.ts';
import { openNodes } from './nodes.ts';
import type { Postgres } from './postgres.ts';
import { until } from './until.ts';

const options = [
  ...['--port', '0', '--kusto-port', '0', '--proxy-port', '0', '--advertise', '127.0.0.1:0'],
  ...['--readers', '--log-level', 'info'],
];

const portIn = (data: string): number => {
  const said: unknown = JSON.parse(readFileSync(join(data, 'standby.json'), 'utf8'));
  return isJsonObject(said) ? Number(said['port']) : 0;
};

/** Two nodes: `east` serves, `west` stands by and reads; the cluster by way of each.
 * @param schema of their state @param ofWest gives variables that `west` is given instead, for their container */
export async function openReadingNodes(
  server: Postgres | undefined,
  azurite: Azurite | undefined,
  schema: string,
  ofWest: (container: string) => Promise<Readonly<Record<string, string>>> = () => Promise.resolve({}),
) {
  if (server === undefined || azurite === undefined) throw new Error('They have not started.');
  const nodes = await openNodes(server, azurite, schema);
  const east = nodes.start('east', '--seed', ...options);
  await east.printed('Stop with');
  const west = nodes.startHaving(await ofWest(nodes.blobs[1] ?? ''), 'west', '--standby', ...options);
  await west.printed('are passed on');
  const writer = await openLiveCluster(nodes.dataOf('east'));
  const reader = await openLiveCluster(nodes.dataOf('east'), writer.seeded, portIn(nodes.dataOf('west')));
  const logs = (name: string): readonly string[] =>
    readFileSync(join(nodes.dataOf(name), 'kustody.log'), 'utf8').split('\n');
  return {
    ...{ nodes, east, west, writer, reader },
    /** Whether a line of a node's log says so. */
    says: (name: string, event: string) => logs(name).some((line) => line.includes(event)),
    /** Processes that read there, and those that the node that serves has let in: more than one where it is slow. */
    readHere: () => logs('west').filter((line) => line.includes('reader-process-started')).length,
    readersOf: () => logs('east').filter((line) => line.includes('cluster-read-elsewhere')).length,
    [Symbol.asyncDispose]: () => nodes[Symbol.asyncDispose](),
  };
}

export const countOf = async (cluster: LiveCluster, table = 'T'): Promise<number> =>
  Number((await cluster.query(`${table} | count`))[0]?.[0]);

export const answers = (cluster: LiveCluster): Promise<void> =>
  until(async () => (await cluster.queryStatus('T | count').catch(() => 0)) === 200);

/** A principal of its own, which may do nothing yet. @param environment of a node that it sends requests to */
export async function newPrincipal(environment: InstanceEnvironment) {
  const graph = await localToken(environment, 'https://graph.microsoft.com');
  const made = async (path: string, body: Record<string, string>) =>
    succeeded(await callLocal(environment, { host: 'graph.microsoft.com', method: 'POST', path, token: graph, body }));
  const application = await made('/v1.0/applications', { displayName: 'viewer' });
  const [id, appId] = ['id', 'appId'].map((name) => textMember(application, name)) as [string, string];
  const password = await made(`/v1.0/applications/${id}/addPassword`, {});
  await made('/v1.0/servicePrincipals', { appId });
  const theirs = { ...environment, clientId: appId, clientSecret: textMember(password, 'secretText') };
  const token = await localToken(theirs, 'https://kusto.kusto.windows.net');
  return { token, fqn: `aadapp=${appId};${environment.tenantId}` };
}

/** One request of a client, as it is. @param token the owner's by default */
export async function kustoRequest(
  { environment, seeded }: LiveCluster,
  csl: string,
  {
    path = '/v2/rest/query',
    id,
    token,
    database = defaultSeed.database,
    options: chosen = {},
  }: { path?: string; id?: string; token?: string; database?: string; options?: Record<string, unknown> } = {},
) {
  const { status, body } = await sendLocal(
    { address: '127.0.0.1', port: environment.port, ca: environment.caCertificate },
    {
      ...{ host: new URL(seeded.clusterUri).hostname, method: 'POST', path },
      headers: {
        authorization: `Bearer ${token ?? (await localToken(environment, 'https://kusto.kusto.windows.net'))}`,
        ...{ accept: 'application/json', 'content-type': 'application/json' },
        ...(id !== undefined && { 'x-ms-client-request-id': id }),
      },
      body: Buffer.from(JSON.stringify({ db: database, csl, properties: { Options: chosen } })),
      ...{ timeoutMs: 600_000, answerBytesMax: 1024 * 1024 },
    },
  );
  return { status, text: body.toString('utf8') };
}
