import { request } from 'node:https';
import type { OutgoingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { startKustody } from '../../dist/testing.js';

type Instance = Pick<Awaited<ReturnType<typeof startKustody>>, 'httpsAgent' | 'credential'>;

const scopeOf = (host: string): string => {
  if (host.endsWith('.vault.azure.net')) return 'https://vault.azure.net/.default';
  return host === 'graph.microsoft.com'
    ? 'https://graph.microsoft.com/.default'
    : 'https://management.azure.com/.default';
};

/** What `fetch` is to the portal's modules: `/portal/planes/{host}{path}` goes to that host, as the portal's server passes it on. */
export const planesAsPortal =
  ({ httpsAgent, credential }: Instance) =>
  async (address: string, init: RequestInit = {}): Promise<Response> => {
    const [, host = '', path = ''] = /^\/portal\/planes\/([^/]+)(\/.*)$/.exec(address) ?? [];
    const token = await credential.getToken(scopeOf(host));
    const body = typeof init.body === 'string' ? init.body : undefined;
    const headers: OutgoingHttpHeaders = {
      authorization: `Bearer ${token?.token ?? ''}`,
      ...(body === undefined
        ? { 'content-length': 0 }
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    return new Promise((resolve, reject) => {
      request(
        { host, path, method: init.method ?? 'GET', agent: httpsAgent, headers },
        (answer) =>
          void buffer(answer).then((bytes) => {
            const status = answer.statusCode ?? 500;
            const told = Object.entries(answer.headers).flatMap(([name, value]) =>
              typeof value === 'string' ? [[name, value] as [string, string]] : [],
            );
            resolve(new Response(bytes.length === 0 ? null : bytes, { status, headers: told }));
          }, reject),
      )
        .on('error', reject)
        .end(body);
    });
  };
