import { request } from 'node:https';
import { ClientSecretCredential } from '@azure/identity';
import type { Kustody } from '../src/testing/public.ts';

/** The least that a client of a cluster's wire does: a kept connection and a token. */
export interface KustoClient {
  readonly query: (text: string) => Promise<string>;
  readonly command: (text: string) => Promise<string>;
  readonly ingest: (table: string, csv: string) => Promise<string>;
}

/** @param uri of another cluster than the first
 * @throws Error with status and answer when a request is refused */
export async function kustoClient(k: Kustody, uri = k.cluster?.uri): Promise<KustoClient> {
  const { cluster } = k;
  if (cluster === undefined || uri === undefined) throw new Error('A cluster was asked for.');
  const credential = new ClientSecretCredential(k.tenantId, k.clientId, k.clientSecret, k.azureOptions);
  const { token } = await credential.getToken('https://kusto.kusto.windows.net/.default');
  const post = (path: string, type: string, body: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': type,
        'content-length': Buffer.byteLength(body),
      };
      const host = new URL(uri).hostname;
      const sent = request({ agent: k.httpsAgent, host, servername: host, method: 'POST', path, headers }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          if (answer.statusCode === 200) resolve(text);
          else reject(new Error(`${answer.statusCode}: ${text.slice(0, 500)}`));
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const json = (path: string, csl: string): Promise<string> =>
    post(path, 'application/json', JSON.stringify({ db: cluster.database, csl }));
  return {
    query: (text) => json('/v2/rest/query', text),
    command: (text) => json('/v1/rest/mgmt', text),
    ingest: (table, csv) => post(`/v1/rest/ingest/${cluster.database}/${table}?streamFormat=csv`, 'text/csv', csv),
  };
}
