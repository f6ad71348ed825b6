import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HostName } from '../base/names.ts';
import type { ConnectionFailureKind, PlaneAnswer } from './plane-failure.ts';

/** `serve`: send the request there. `absent`: the name belongs to this plane but no such host exists (a vault that was never made or is deleted):
 * clients see what a failed name look-up looks like. `undefined`: not this plane's. */
export type HostClaim = 'serve' | 'absent' | undefined;

/** A connection as it was accepted, before any TLS. */
export interface RawConnection {
  readonly socket: Socket;
  /** Read from it already. More may stand in the socket's own buffer. */
  readonly head: Uint8Array;
  /** The CONNECT target, or the server name in the client hello. */
  readonly host: HostName;
  /** What the client waits for before it speaks TLS: the answer to its CONNECT. Empty on a direct connection. */
  readonly greeting: string;
  /** There will be no TLS: requests for https in absolute form, which the proxy takes from this machine alone. */
  readonly inTheClear?: true;
}

/** One service behind the edge, reached under the host names it claims. */
export interface Plane {
  /** Used in logs and metrics: `entra`, `arm`, `vault`, `kusto`, `control`. */
  readonly name: string;
  claim(host: HostName): HostClaim | Promise<HostClaim>;
  /** Takes the request whole; the edge has already agreed SNI, Host and CONNECT name. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** Asked before the edge ends TLS itself. @returns true: the connection is the plane's own from here on, its limits included;
   * false: nothing has been read from it or written to it */
  readonly takeOver?: (connection: RawConnection) => Promise<boolean>;
  /** Its clients speak plain HTTP, through the proxy (managed identity endpoint). Never together with TLS. */
  readonly plainHttp?: true;
  /** What to say on a connection whose request could not be read at all. Without it the edge answers with an empty body. */
  readonly answerConnectionFailure?: (kind: ConnectionFailureKind) => PlaneAnswer;
}
