import { Agent } from 'node:https';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';

/** Leads every host to our edge, as a hosts file would, and trusts our root alone. */
export class EdgeAgent extends Agent {
  readonly #port: number;
  readonly #ca: string;

  constructor(port: number, ca: string) {
    super({ keepAlive: true });
    this.#port = port;
    this.#ca = ca;
  }

  override createConnection(options: { readonly servername?: string; readonly host?: string | null }): TLSSocket {
    const servername = options.servername ?? options.host ?? '';
    return connect({ host: '127.0.0.1', port: this.#port, ca: this.#ca, servername });
  }
}
