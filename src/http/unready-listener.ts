import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseHostName } from '../base/names.ts';
import { invariant } from '../base/invariant.ts';
import type { RandomBytes } from '../base/random.ts';
import { createAuthorityMaterial, openAuthority } from './certificate-authority.ts';
import { noClientRoots } from './edge-limits.ts';

export interface UnreadyOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Of what is answered to all but probes. */
  readonly code: string;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  readonly randomBytes: RandomBytes;
}

/** Probes alone come here. */
const connectionsMax = 100;

/** Answers probes that it runs and is not ready, and everything else 503. The certificate is of this moment, under a root that nobody trusts:
 * the instance's own is in a state that is not read here. */
export async function listenUnready(
  options: UnreadyOptions,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const { listen, code, reason, ...clock } = options;
  const host = parseHostName('localhost');
  invariant(host !== undefined, 'localhost is a name');
  const leaf = await openAuthority(await createAuthorityMaterial(clock), clock).then((root) => root.leafFor(host));
  const server = createServer(
    { ...noClientRoots, cert: leaf.chainPem, key: leaf.privateKeyPem },
    (request, response) => {
      const path = request.url?.replace(/\?.*/s, '');
      const [status, body] =
        path === '/healthz'
          ? [200, { status: 'ok' }]
          : [503, path === '/readyz' ? { ready: false, reason } : { error: { code, message: reason } }];
      const text = JSON.stringify(body);
      response.writeHead(status, {
        ...{ 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) },
        connection: 'close',
      });
      response.end(text);
    },
  );
  server.maxConnections = connectionsMax;
  server.on('tlsClientError', (_, socket) => socket.destroy());
  server.listen(listen.port, listen.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
