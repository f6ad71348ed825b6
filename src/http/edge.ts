import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { invariant } from '../base/invariant.ts';
import { parseHostName } from '../base/names.ts';
import type { AllowedHost } from './allowed-hosts.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { offerWholePort } from './direct-connection.ts';
import type { EdgeContext, TlsListener } from './edge-context.ts';
import type { EdgeLimits } from './edge-limits.ts';
import { defaultEdgeLimits } from './edge-limits.ts';
import { createForwardProxy } from './forward-proxy.ts';
import type { Log } from './logging.ts';
import { isLoopbackAddress } from './loopback.ts';
import { OpenConnections } from './open-connections.ts';
import { PassedConnections } from './client-address.ts';
import type { NodePassing } from './node-listener.ts';
import { createNodeListener } from './node-listener.ts';
import { lookUpHost } from './plane-lookup.ts';
import type { Plane } from './plane.ts';
import { RefusedHosts } from './refused-hosts.ts';
import { startSystemTimer } from './timer.ts';
import type { StartTimer } from './timer.ts';
import { createTlsListener } from './tls-listener.ts';

/** `host` is an IP address; port 0 takes any free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface EdgeOptions {
  /** Asked in this order whose a name is. */
  readonly planes: readonly Plane[];
  /** Foreign hosts that the proxy tunnels to. */
  readonly allowedHosts: readonly AllowedHost[];
  /** Default: as the machine resolves names. */
  readonly resolveHost?: EdgeContext['resolveHost'];
  readonly authority: CertificateAuthority;
  /** TLS, for clients that come by hosts file or localhost, and for what the proxy hands over. */
  readonly listen: ListenAddress;
  /** The plain forward proxy. */
  readonly proxy: ListenAddress;
  /** A port of `localhost` that one plane has for itself, since no server name could tell it from the others. */
  readonly local?: { readonly listen: ListenAddress; readonly plane: Plane };
  readonly onProxy?: NonNullable<EdgeContext['onProxy']>;
  /** Where other nodes of the instance pass connections on to this one. */
  readonly nodes?: NodePassing & { readonly listen: ListenAddress };
  /** Lets the two addresses be other than loopback: whoever reaches them then gets at everything. */
  readonly allowRemote?: boolean;
  readonly log: Log;
  /** Hears of each host that the proxy refuses. */
  readonly refusedHosts?: RefusedHosts;
  readonly limits?: Partial<EdgeLimits>;
  readonly startTimer?: StartTimer;
}

export interface EdgePorts {
  readonly port: number;
  readonly proxyPort: number;
  /** Of `local`. */
  readonly localPort?: number;
  /** Of `nodes`. */
  readonly nodePort?: number;
}

export interface Edge {
  /** @throws EdgeAddressError, AllowedHostError; also Node's own error (`code` EADDRINUSE, EACCES) when an address cannot be had */
  listen(): Promise<EdgePorts>;
  /** Takes no new connection, ends idle ones, lets answers under way finish within `closeGraceMs`. */
  close(): Promise<void>;
  /** For metrics: connections of all kinds, and tunnels among them that lead to a plane. */
  openConnections(): { readonly sockets: number; readonly tunnels: number };
}

export class EdgeAddressError extends Error {
  override readonly name = 'EdgeAddressError';
  constructor(readonly host: string) {
    super(`Address '${host}' is not a loopback address of this machine; listening elsewhere must be asked for.`);
  }
}

/** Letting a host through that is served here would have no effect: it is answered here. */
export class AllowedHostError extends Error {
  override readonly name = 'AllowedHostError';
  constructor(readonly host: string) {
    super(`Host '${host}' is served by Kustody itself: it cannot be let through.`);
  }
}

export function createEdge(options: EdgeOptions): Edge {
  const context: EdgeContext = {
    planes: options.planes,
    ...(options.onProxy === undefined ? {} : { onProxy: options.onProxy }),
    allowedHosts: options.allowedHosts,
    authority: options.authority,
    limits: { ...defaultEdgeLimits, ...options.limits },
    log: options.log,
    startTimer: options.startTimer ?? startSystemTimer,
    connections: new OpenConnections(),
    refusedHosts: options.refusedHosts ?? new RefusedHosts(),
    resolveHost: options.resolveHost ?? ((host) => lookup(host, { all: true })),
  };
  const servers: Server[] = [];

  async function open(): Promise<EdgePorts> {
    invariant(servers.length === 0, 'an edge listens once');
    const { local, nodes } = options;
    const others = [local, nodes].flatMap((more) => (more === undefined ? [] : [more.listen]));
    for (const { host } of [options.listen, options.proxy, ...others]) {
      if (!isLoopbackAddress(host) && options.allowRemote !== true) throw new EdgeAddressError(host);
    }
    for (const allowed of options.allowedHosts) {
      const host = allowed.kind === 'name' ? parseHostName(allowed.pattern) : undefined;
      // On this machine other ports than ours are other programs'.
      if (host === undefined || host === parseHostName('localhost')) continue;
      if ((await lookUpHost(options.planes, host)).outcome === 'serve') throw new AllowedHostError(host);
    }
    const tlsServer = await createTlsListener(context);
    const own = local && (await localListener(context, local.plane));
    const proxy = createForwardProxy({ context, server: tlsServer }, own);
    servers.push(tlsServer, proxy);
    let ports: EdgePorts = {
      port: await listenOn(tlsServer, options.listen),
      proxyPort: await listenOn(proxy, options.proxy),
    };
    if (local !== undefined && own !== undefined) {
      servers.push(own.server);
      ports = { ...ports, localPort: await listenOn(own.server, local.listen) };
    }
    if (nodes !== undefined) {
      const passed = new PassedConnections();
      const listeners = { tls: tlsServer, kusto: own?.server ?? tlsServer, proxy };
      for (const server of [listeners.tls, listeners.kusto])
        server.on('secureConnection', (socket) => passed.follow(socket));
      const nodeServer = createNodeListener(context, nodes, passed, listeners);
      servers.push(nodeServer);
      ports = { ...ports, nodePort: await listenOn(nodeServer, nodes.listen) };
    }
    return ports;
  }

  return {
    listen: async () => {
      try {
        return await open();
      } catch (error) {
        await closeServers(context, servers);
        throw error;
      }
    },
    close: () => closeServers(context, servers),
    openConnections: () => ({ sockets: context.connections.socketCount, tunnels: context.connections.tunnelCount }),
  };
}

async function localListener(shared: EdgeContext, plane: Plane): Promise<TlsListener> {
  const context = { ...shared, planes: [plane] };
  return { context, server: await createTlsListener(context, offerWholePort) };
}

async function listenOn(server: Server, address: ListenAddress): Promise<number> {
  server.listen({ host: address.host, port: address.port });
  await once(server, 'listening');
  const bound = server.address();
  invariant(bound !== null && typeof bound === 'object', 'a TCP server has an address');
  return bound.port;
}

/** `close` of a server waits for its connections: idle ones it ends itself, the rest end with their answer or with the grace. */
async function closeServers(context: EdgeContext, servers: readonly Server[]): Promise<void> {
  const closed = servers
    .filter((server) => server.listening)
    .map((server) => {
      const event = once(server, 'close');
      server.close();
      return event;
    });
  const cancel = context.startTimer(context.limits.closeGraceMs, () => context.connections.destroyAll());
  context.connections.startClosing(() => context.connections.destroyAll());
  await Promise.all(closed);
  await context.connections.allClosed();
  cancel();
}
