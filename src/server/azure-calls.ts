import type { Json, JsonObject } from '../base/json.ts';
import type { InstanceEnvironment } from './instance-environment.ts';
import type { LocalResult } from './local-client.ts';
import { callLocal, localToken, succeeded } from './local-client.ts';

type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';

/** @param path with its query
 * @param missing statuses that mean that it is not there: then undefined
 * @throws Error with the service's own code and message */
type Call = (method: Method, path: string, body?: Json, missing?: readonly number[]) => Promise<JsonObject | undefined>;

/** Calls of the data directory's own application, over the wire as any client makes them; one token for each service. */
export interface AzureCalls {
  readonly arm: (
    method: Method,
    path: string,
    apiVersion: string,
    body?: Json,
    missing?: readonly number[],
  ) => Promise<JsonObject | undefined>;
  readonly graph: Call;
  /** @param vault its name */
  readonly vault: (vault: string) => Call;
  /** A management command. @param clusterUri of the cluster */
  readonly command: (clusterUri: string, database: string, csl: string) => Promise<JsonObject>;
}

export function azureCalls(environment: InstanceEnvironment): AzureCalls {
  const tokens = new Map<string, Promise<string>>();
  const tokenFor = (resource: string): Promise<string> => {
    const known = tokens.get(resource) ?? localToken(environment, resource);
    tokens.set(resource, known);
    return known;
  };
  const send = async (
    to: { readonly host: string; readonly resource: string; readonly method: Method; readonly path: string },
    body?: Json,
  ): Promise<LocalResult> => {
    const { host, resource, method, path } = to;
    const token = await tokenFor(resource);
    return callLocal(environment, { host, method, path, token, ...(body === undefined ? {} : { body }) });
  };
  const caller =
    (host: string, resource: string): Call =>
    async (method, path, body, missing = []) => {
      const answer = await send({ host, resource, method, path }, body);
      return missing.includes(answer.status) ? undefined : succeeded(answer);
    };
  const arm = caller('management.azure.com', 'https://management.azure.com');
  return {
    arm: (method, path, apiVersion, body, missing) => arm(method, `${path}?api-version=${apiVersion}`, body, missing),
    graph: caller('graph.microsoft.com', 'https://graph.microsoft.com'),
    vault: (name) => caller(`${name}.vault.azure.net`, 'https://vault.azure.net'),
    command: async (clusterUri, db, csl) => {
      const { hostname: host } = new URL(clusterUri);
      const to = { host, resource: 'https://kusto.kusto.windows.net', method: 'POST', path: '/v1/rest/mgmt' } as const;
      return succeeded(await send(to, { db, csl }));
    },
  };
}
