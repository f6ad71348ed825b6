import type { TokenCredential } from '@azure/core-auth';
import type { Pipeline, PipelinePolicy } from '@azure/core-rest-pipeline';
import type * as KustoData from 'azure-kusto-data';
import type { Agent } from 'node:https';
import { scopeOf } from './credential.ts';
import { installed } from './installed.ts';

export type KustoDataPackage = typeof KustoData;

/** What a client is pointed at. */
export interface Pointing {
  readonly agent: Agent;
  readonly credential: TokenCredential;
  readonly httpClient: object;
}

/** Points a client of an official SDK here, in place, and signs it in as the instance's application, whatever credential it was made with;
 * of options it makes ones with our HTTP client.
 * @throws TypeError for what is neither */
export async function useClient<T extends object>(client: T, pointing: Pointing): Promise<T> {
  if ('resourceManager' in client || 'queuedIngestClient' in client)
    throw new TypeError(`${client.constructor.name}: queued and managed ingestion are not built.`);
  const kusto = kustoClientIn(client);
  if (kusto !== undefined) {
    await pointKustoClient(kusto, pointing);
    return client;
  }
  const pipelines = pipelinesIn(client);
  for (const pipeline of pipelines) pointPipeline(pipeline, pointing);
  if (pipelines.size > 0) return client;
  const prototype: unknown = Object.getPrototypeOf(client);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (isPlain) return { ...client, httpClient: pointing.httpClient };
  throw new TypeError(
    `'${client.constructor.name}' is neither a client of an Azure SDK nor options of one. A credential is made with k.azureOptions, or taken from k.credential; anything on node:https takes k.httpsAgent.`,
  );
}

/** Of `azure-kusto-data`: the parts of its client that lead a request. */
interface KustoDataClient {
  readonly cluster: string;
  readonly axiosInstance: { readonly defaults: { httpsAgent?: unknown; proxy?: unknown } };
  readonly aadHelper: { getAuthHeader: () => Promise<string | null> };
}

/** The client itself, or the one inside a client for streaming ingestion. */
function kustoClientIn(client: object): KustoDataClient | undefined {
  const inner: unknown = 'kustoClient' in client ? client.kustoClient : client;
  const isClient = isObject(inner) && 'axiosInstance' in inner && 'aadHelper' in inner && 'cluster' in inner;
  return isClient ? (inner as unknown as KustoDataClient) : undefined;
}

async function pointKustoClient(client: KustoDataClient, { agent, credential }: Pointing): Promise<void> {
  const { Client, CloudSettings } = await installed<KustoDataPackage>('azure-kusto-data');
  if (!(client instanceof Client))
    throw new TypeError(
      "This client is of another copy of 'azure-kusto-data' than the one beside kustody, whose settings cannot be reached. Let kustody/vitest or kustody/jest lead it, or install one copy.",
    );
  // It asks the cluster for this with a client that has no options, and then trusts the cluster.
  CloudSettings.writeToCache(client.cluster);
  client.axiosInstance.defaults.httpsAgent = agent;
  client.axiosInstance.defaults.proxy = false;
  client.aadHelper.getAuthHeader = async () => {
    const token = await credential.getToken('https://kusto.kusto.windows.net/.default');
    return token === null ? null : `Bearer ${token.token}`;
  };
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const isPipeline = (value: object): value is Pipeline =>
  ['addPolicy', 'removePolicy', 'sendRequest', 'getOrderedPolicies'].every(
    (name) => name in value && typeof (value as Record<string, unknown>)[name] === 'function',
  );

const depthMax = 4;
const objectsMax = 10_000;

/** The clients of the SDKs hold their pipeline themselves, or in a client that they hold. */
function pipelinesIn(client: object): ReadonlySet<Pipeline> {
  const found = new Set<Pipeline>();
  let level: readonly object[] = [client];
  const seen = new Set<object>(level);
  for (let depth = 0; depth < depthMax && found.size === 0; depth += 1) {
    const next: object[] = [];
    for (const value of level.flatMap((one) => Object.values(one) as unknown[])) {
      if (!isObject(value) || seen.has(value) || seen.size >= objectsMax) continue;
      seen.add(value);
      if (isPipeline(value)) found.add(value);
      else next.push(value);
    }
    level = next;
  }
  return found;
}

const routeName = 'kustodyRoute';
const signInNames = ['bearerTokenAuthenticationPolicy', 'keyVaultAuthenticationPolicy'] as const;

function pointPipeline(pipeline: Pipeline, { agent, credential }: Pointing): void {
  for (const name of [routeName, ...signInNames]) pipeline.removePolicy({ name });
  const route: PipelinePolicy = {
    name: routeName,
    sendRequest: async (request, next) => {
      const scope = scopeOf(new URL(request.url).hostname);
      const token = scope === undefined ? null : await credential.getToken(scope);
      if (token !== null) request.headers.set('authorization', `Bearer ${token.token}`);
      request.agent = agent;
      delete request.proxySettings;
      return next(request);
    },
  };
  // After all others: the policy for proxies chooses an agent, too.
  pipeline.addPolicy(route, { afterPhase: 'Sign' });
}
