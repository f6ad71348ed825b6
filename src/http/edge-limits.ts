import type { ServerOptions } from 'node:http';
import type { TlsOptions } from 'node:tls';
import { NamedResponse } from './named-response.ts';

/** Bounds on everything that a peer decides. They hold on direct connections, in tunnels and on the proxy's own port alike. */
export interface EdgeLimits {
  /** From the first byte of a connection or request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** To the end of the request's body; uploads must fit. */
  readonly requestTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  /** Idle time between two requests of a connection. */
  readonly keepAliveTimeoutMs: number;
  /** How often the timeouts above are looked at. */
  readonly checkIntervalMs: number;
  /** Request line and headers together; tokens with many groups are large. */
  readonly headerBytesMax: number;
  /** Connections of all kinds at one time. */
  readonly socketsMax: number;
  /** To reach an allowed foreign host. */
  readonly connectTimeoutMs: number;
  /** Silence on a tunnel to an allowed foreign host. */
  readonly foreignIdleTimeoutMs: number;
  /** Time for answers in flight when the edge closes. */
  readonly closeGraceMs: number;
}

export const defaultEdgeLimits: EdgeLimits = {
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 300_000,
  handshakeTimeoutMs: 10_000,
  keepAliveTimeoutMs: 75_000,
  checkIntervalMs: 1_000,
  headerBytesMax: 64 * 1024,
  socketsMax: 2_000,
  connectTimeoutMs: 10_000,
  foreignIdleTimeoutMs: 600_000,
  closeGraceMs: 5_000,
};

/** What Node's HTTP servers take of the limits, and what they answer with. */
export const httpLimits = (limits: EdgeLimits): ServerOptions => ({
  headersTimeout: limits.headersTimeoutMs,
  requestTimeout: limits.requestTimeoutMs,
  keepAliveTimeout: limits.keepAliveTimeoutMs,
  connectionsCheckingInterval: limits.checkIntervalMs,
  maxHeaderSize: limits.headerBytesMax,
  noDelay: true,
  ServerResponse: NamedResponse,
});

/** A server that asks clients for no certificate trusts no root. Unless it says so, Node.js reads all public ones for it: 40 ms of processor in
 * each process. */
export const noClientRoots = { ca: [] };

/** The same for its HTTPS servers, with the protocols that Kustody speaks. */
export const httpsLimits = (limits: EdgeLimits): ServerOptions & TlsOptions => ({
  ...httpLimits(limits),
  ...noClientRoots,
  minVersion: 'TLSv1.2',
  ALPNProtocols: ['http/1.1'],
  handshakeTimeout: limits.handshakeTimeoutMs,
});
