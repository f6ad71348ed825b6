import type { InstanceEnvironment } from '../server/instance-environment.ts';
import { callLocal, succeeded } from '../server/local-client.ts';
import type { Seeded } from '../server/seed.ts';
import { clusterOf, createClients } from './clients.ts';
import { ownCredential } from './credential.ts';
import { credentialOf, testPrincipals } from './principals.ts';
import { EdgeAgent } from '../http/edge-agent.ts';
import { edgeHttpClient } from './edge-http-client.ts';
import type { Kustody, Snapshot } from './public.ts';
import { queryRows } from './query-rows.ts';

/** What a test has of an instance wherever it runs: who and where it is, its clients, queries. */
export type Handle = Omit<
  Kustody,
  | 'environment'
  | 'clock'
  | 'faults'
  | 'checkKeys'
  | 'flushQueued'
  | 'snapshot'
  | 'restore'
  | 'close'
  | typeof Symbol.asyncDispose
>;

/** @returns also how to give its connections back */
export function createHandle(
  found: InstanceEnvironment,
  cluster: Kustody['cluster'],
): { readonly handle: Handle; readonly disconnect: () => void } {
  const agent = new EdgeAgent(found.port, found.caCertificate);
  const credential = ownCredential(found);
  const azureOptions = { httpClient: edgeHttpClient(agent) };
  const parts = { subscriptionId: found.subscriptionId, cluster, azureOptions, agent };
  const principals = testPrincipals(found);
  const handle: Handle = {
    ...createClients({ ...parts, credential }),
    principals,
    signedInAs: (name) => createClients({ ...parts, credential: credentialOf(principals, name) }),
    credential,
    tenantId: found.tenantId,
    subscriptionId: found.subscriptionId,
    ...(found.secondSubscriptionId === undefined ? {} : { secondSubscriptionId: found.secondSubscriptionId }),
    clientId: found.clientId,
    clientSecret: found.clientSecret,
    objectId: found.objectId,
    endpoints: {
      authority: 'https://login.microsoftonline.com',
      resourceManager: 'https://management.azure.com',
      control: `https://localhost:${found.port}`,
      localhostCluster: `https://localhost:${found.kustoPort}`,
      proxy: `http://127.0.0.1:${found.proxyPort}`,
    },
    ca: found.caCertificate,
    azureOptions,
    httpsAgent: agent,
    ...(cluster === undefined ? {} : { cluster }),
    query: async (text, asked = {}) => {
      const { uri, database } = clusterOf(cluster);
      return queryRows(found, { uri, database: asked.database ?? database, text });
    },
  };
  return { handle, disconnect: () => agent.destroy() };
}

export const testSnapshot = (id: string, release: () => Promise<void>): Snapshot => ({
  id,
  release,
  [Symbol.asyncDispose]: release,
});

/** Over the control API, wherever the instance runs. */
export async function flushQueued(found: InstanceEnvironment, controlToken: string): Promise<number> {
  const path = '/queued-ingestion/flush';
  const { settled } = succeeded(
    await callLocal(found, { host: 'localhost', method: 'POST', path, token: controlToken }),
  );
  return Number(settled);
}

export const testCluster = ({ clusterUri, database, vaultUri, keyName }: Seeded): NonNullable<Kustody['cluster']> => ({
  uri: clusterUri,
  database,
  ...(vaultUri === undefined ? {} : { vaultUri }),
  ...(keyName === undefined ? {} : { keyName }),
});
