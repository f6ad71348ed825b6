import { KeyVaultManagementClient } from '@azure/arm-keyvault';
import { KustoManagementClient } from '@azure/arm-kusto';
import { ResourceManagementClient } from '@azure/arm-resources';
import type { TokenCredential } from '@azure/core-auth';
import type { PipelineOptions, PipelinePolicy } from '@azure/core-rest-pipeline';
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineFromOptions,
  createPipelineRequest,
} from '@azure/core-rest-pipeline';
import { DefaultAzureCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';
import { cachedCredential } from './cached-credential.ts';

/** The official clients under the SDKs' own host names. Vault and cluster may be in different subscriptions. */
export interface CmkClients {
  readonly kusto: (subscriptionId: string) => KustoManagementClient;
  readonly vaults: (subscriptionId: string) => KeyVaultManagementClient;
  readonly resources: (subscriptionId: string) => ResourceManagementClient;
  readonly keys: (vaultUri: string) => KeyClient;
  /** Resource manager requests that no SDK of ours has. */
  readonly arm: (request: ArmRequest) => Promise<ArmAnswer>;
  /** A query or a management command of a cluster, once: what is refused is an answer, too. @throws when there is none */
  readonly data: (clusterUri: string, request: DataRequest) => Promise<ArmAnswer>;
}

export interface DataRequest {
  readonly kind: 'query' | 'mgmt';
  readonly database: string;
  readonly csl: string;
}

export interface ArmRequest {
  readonly method: 'GET' | 'PUT';
  /** From the first slash, without the query; or the address of a next page. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface ArmAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface ConnectOptions extends Pick<PipelineOptions, 'agent'> {
  /** Ends whatever is under way. */
  readonly signal?: AbortSignal;
  /** Default: environment, workload identity, managed identity, Azure CLI and so on, as `DefaultAzureCredential` tries them. */
  readonly credential?: TokenCredential;
  /** Milliseconds of the clock that tokens go by. */
  readonly now: () => number;
}

/** A refusal of the resource manager, in the form of the SDKs' own errors. */
class ArmRefusal extends Error {
  override readonly name = 'ArmRefusal';
  constructor(
    readonly statusCode: number,
    readonly details: unknown,
  ) {
    super(`The resource manager answered ${statusCode}.`);
  }
}

export function connectClients({ agent, signal, credential: given, now }: ConnectOptions): CmkClients {
  const options = {
    ...(agent === undefined ? {} : { agent }),
    ...(signal === undefined
      ? {}
      : { additionalPolicies: [{ policy: endingWith(signal), position: 'perCall' as const }] }),
  };
  const credential = cachedCredential(given ?? new DefaultAzureCredential(options), now);
  const kusto = perName((id) => new KustoManagementClient(credential, id, options));
  const vaults = perName((id) => new KeyVaultManagementClient(credential, id, options));
  const resources = perName((id) => new ResourceManagementClient(credential, id, options));
  const data = perName((origin) =>
    dataOf(origin, credential, {
      ...(agent === undefined ? {} : { agent }),
      ...(signal === undefined ? {} : { signal }),
    }),
  );
  return {
    kusto,
    vaults,
    resources,
    keys: perName((uri) => new KeyClient(uri, credential, options)),
    arm: async ({ method, path, query = {}, body }) => {
      // Any subscription does: the path names its own.
      const client = resources('00000000-0000-0000-0000-000000000000');
      const url = new URL(path, client.$host);
      if (url.origin !== new URL(client.$host).origin)
        throw new Error(`An address outside the resource manager: ${url.host}`);
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      const request = createPipelineRequest({ url: url.href, method });
      request.headers.set('accept', 'application/json');
      if (body !== undefined) {
        request.headers.set('content-type', 'application/json');
        request.body = JSON.stringify(body);
      }
      const { status, bodyAsText } = await client.sendRequest(request);
      const answer = parseJson(bodyAsText ?? '');
      if (status >= 400) throw new ArmRefusal(status, answer);
      return { status, body: answer };
    },
    data: (clusterUri, request) => data(new URL(clusterUri).origin)(request),
  };
}

/** The data plane of one cluster, by the SDKs' own pipeline, without its repetitions. */
function dataOf(
  origin: string,
  credential: TokenCredential,
  { agent, signal }: Pick<ConnectOptions, 'agent' | 'signal'>,
): (request: DataRequest) => Promise<ArmAnswer> {
  const pipeline = createPipelineFromOptions({
    ...(agent === undefined ? {} : { agent }),
    retryOptions: { maxRetries: 0 },
  });
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes: `${origin}/.default` }));
  if (signal !== undefined) pipeline.addPolicy(endingWith(signal));
  const client = createDefaultHttpClient();
  return async ({ kind, database, csl }) => {
    const { status, bodyAsText } = await pipeline.sendRequest(
      client,
      createPipelineRequest({
        ...{ url: `${origin}/v1/rest/${kind}`, method: 'POST', body: JSON.stringify({ db: database, csl }) },
        headers: createHttpHeaders({ accept: 'application/json', 'content-type': 'application/json' }),
      }),
    );
    return { status, body: parseJson(bodyAsText ?? '') };
  };
}

const endingWith = (signal: AbortSignal): PipelinePolicy => ({
  name: 'deadline',
  sendRequest: (request, next) => {
    request.abortSignal ??= signal;
    return next(request);
  },
});

/** A client keeps what it learned of its host: one for each name. */
function perName<T>(make: (name: string) => T): (name: string) => T {
  const made = new Map<string, T>();
  return (name) => {
    const found = made.get(name) ?? make(name);
    made.set(name, found);
    return found;
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
