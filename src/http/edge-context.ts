import type { Server } from 'node:https';
import type { LookupAddress } from 'node:dns';
import type { HostName } from '../base/names.ts';
import type { AllowedHost } from './allowed-hosts.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import type { EdgeLimits } from './edge-limits.ts';
import type { Log } from './logging.ts';
import type { OpenConnections } from './open-connections.ts';
import type { Plane } from './plane.ts';
import type { RefusedHosts } from './refused-hosts.ts';
import type { StartTimer } from './timer.ts';

/** A listening TLS server, and the planes behind it. */
export interface TlsListener {
  readonly context: EdgeContext;
  readonly server: Server;
}

/** What all listeners of an edge share. */
export interface EdgeContext {
  readonly planes: readonly Plane[];
  /** What the port of the proxy serves itself, to whoever does not use it as a proxy. */
  readonly onProxy?: { readonly below: string; readonly plane: Plane };
  readonly allowedHosts: readonly AllowedHost[];
  readonly authority: CertificateAuthority;
  readonly limits: EdgeLimits;
  readonly log: Log;
  readonly startTimer: StartTimer;
  readonly connections: OpenConnections;
  readonly refusedHosts: RefusedHosts;
  /** Addresses of a foreign host; rejects when it has none. */
  readonly resolveHost: (host: HostName) => Promise<readonly LookupAddress[]>;
}
