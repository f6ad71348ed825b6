import { request as httpRequest } from 'node:http';
import type { ClientRequest } from 'node:http';
import { Agent } from 'node:https';
import type { RequestOptions } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect, createSecureContext, rootCertificates } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { Edge, OutsideRoute } from '../messages/vault-calls.ts';

export type Route = Edge | OutsideRoute;

/** Where a request on the route is sent, besides its own options. */
export function routeOptions(route: Route): RequestOptions {
  const strict = { rejectUnauthorized: true };
  if ('address' in route) {
    return { ...strict, port: route.port, ca: route.ca, lookup: pinnedLookup(route.address) };
  }
  return { ...strict, port: 443, ...(route.ca === undefined ? { secureContext: publicRoots() } : { ca: route.ca }) };
}

/** For the requests of one client: no socket outlives it. */
export function agentFor(route: Route): Agent {
  const options = { keepAlive: true, maxSockets: 1 };
  return 'address' in route || route.proxy === undefined ? new Agent(options) : new TunnelAgent(route.proxy, options);
}

const pinnedLookup =
  (address: string): LookupFunction =>
  (_host, options, callback) => {
    const family = address.includes(':') ? 6 : 4;
    if (options.all === true) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };

let publicContext: SecureContext | undefined;

/** Without what NODE_EXTRA_CA_CERTS adds: that may be the root of a Kustody. */
function publicRoots(): SecureContext {
  publicContext ??= createSecureContext({ ca: [...rootCertificates], minVersion: 'TLSv1.2' });
  return publicContext;
}

/** Speaks TLS with the host through a tunnel of the proxy (RFC 9110, 9.3.6). */
class TunnelAgent extends Agent {
  readonly #proxy: NonNullable<OutsideRoute['proxy']>;
  readonly #opening = new Set<ClientRequest>();

  constructor(proxy: NonNullable<OutsideRoute['proxy']>, options: { keepAlive: boolean; maxSockets: number }) {
    super(options);
    this.#proxy = proxy;
  }

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const target = `${String(options.hostname)}:${String(options.port)}`;
    const opening = httpRequest({
      ...{ host: this.#proxy.host, port: this.#proxy.port, agent: false },
      ...{ method: 'CONNECT', path: target, headers: { host: target } },
    });
    const failed = (error: Error): void => callback?.(error, undefined as never); // Node's own types have no other form
    this.#opening.add(opening);
    opening.once('close', () => this.#opening.delete(opening));
    opening.once('error', failed);
    opening.once('connect', (answer, socket) => {
      opening.off('error', failed);
      if (answer.statusCode === 200) {
        const { servername, ca, secureContext } = options as RequestOptions & {
          readonly secureContext?: SecureContext;
        };
        const trust = secureContext === undefined ? { ca } : { secureContext };
        callback?.(null, tlsConnect({ ...trust, socket, servername: servername ?? '', rejectUnauthorized: true }));
        return;
      }
      socket.destroy();
      failed(new Error(`The proxy answered ${answer.statusCode ?? 'nothing'} when asked for ${target}.`));
    });
    opening.end();
    return undefined;
  }

  override destroy(): void {
    for (const opening of this.#opening) opening.destroy();
    super.destroy();
  }
}
