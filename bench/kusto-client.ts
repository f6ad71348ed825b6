import { request } from 'node:https';
import { ClientSecretCredential } from '@azure/identity';
import type { Kustody } from '../src/testing/public.ts';

/** The least that a client of a cluster's wire does: a kept connection and a token. */
export interface KustoClient {
  readonly query: (text: string) => Promise<string>;
  readonly command: (text: string) => Promise<string>;
  readonly ingest: (table: string, csv: string) => Promise<string>;
  /** @param options of the request @returns the answer, whatever its status, when the last of it has come */
  readonly ask: (of: 'query' | 'mgmt', csl: string, options: Asked) => Promise<Answered>;
}

interface Answered {
  readonly status: number;
  readonly text: string;
  /** On the clock of `performance.now()`: putting together what has come is not in it. */
  readonly endedMs: number;
}

export interface Asked {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly clientRequestId?: string;
}

/** @param uri of another cluster than the first
 * @throws Error with status and answer when a request is refused */
export async function kustoClient(k: Kustody, uri = k.cluster?.uri): Promise<KustoClient> {
  const { cluster } = k;
  if (cluster === undefined || uri === undefined) throw new Error('A cluster was asked for.');
  const credential = new ClientSecretCredential(k.tenantId, k.clientId, k.clientSecret, k.azureOptions);
  const { token } = await credential.getToken('https://kusto.kusto.windows.net/.default');
  const send = (path: string, type: string, body: string, clientRequestId?: string): Promise<Answered> =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': type,
        'content-length': Buffer.byteLength(body),
        ...(clientRequestId === undefined ? {} : { 'x-ms-client-request-id': clientRequestId }),
      };
      const host = new URL(uri).hostname;
      const sent = request({ agent: k.httpsAgent, host, servername: host, method: 'POST', path, headers }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () => {
          const endedMs = performance.now();
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8'), endedMs });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const post = async (path: string, type: string, body: string): Promise<string> => {
    const { status, text } = await send(path, type, body);
    if (status !== 200) throw new Error(`${status}: ${text.slice(0, 500)}`);
    return text;
  };
  const json = (path: string, csl: string): Promise<string> =>
    post(path, 'application/json', JSON.stringify({ db: cluster.database, csl }));
  return {
    query: (text) => json('/v2/rest/query', text),
    command: (text) => json('/v1/rest/mgmt', text),
    ask: (of, csl, { options = {}, clientRequestId }) => {
      const body = { db: cluster.database, csl, properties: { Options: options } };
      const path = of === 'query' ? '/v2/rest/query' : '/v1/rest/mgmt';
      return send(path, 'application/json', JSON.stringify(body), clientRequestId);
    },
    ingest: (table, csv) => post(`/v1/rest/ingest/${cluster.database}/${table}?streamFormat=csv`, 'text/csv', csv),
  };
}
