import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HostName } from '../base/names.ts';
import type { ConnectionFailureKind, PlaneAnswer } from './plane-failure.ts';

/** `serve`: send the request there. `absent`: the name belongs to this plane but no such host exists (a vault that was never made or is deleted):
 * clients see what a failed name look-up looks like. `undefined`: not this plane's. */
export type HostClaim = 'serve' | 'absent' | undefined;

/** One service behind the edge, reached under the host names it claims. */
export interface Plane {
  /** Used in logs and metrics: `entra`, `arm`, `vault`, `kusto`, `control`. */
  readonly name: string;
  claim(host: HostName): HostClaim | Promise<HostClaim>;
  /** Takes the request whole; the edge has already agreed SNI, Host and CONNECT name. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** Its clients speak plain HTTP, through the proxy (managed identity endpoint). Never together with TLS. */
  readonly plainHttp?: true;
  /** What to say on a connection whose request could not be read at all. Without it the edge answers with an empty body. */
  readonly answerConnectionFailure?: (kind: ConnectionFailureKind) => PlaneAnswer;
}
