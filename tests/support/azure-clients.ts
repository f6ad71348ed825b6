import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { connectToAzure } from '../../src/cli/article/azure.ts';
import type { Azure } from '../../src/cli/article/azure.ts';
import type { startServerFixture } from './server-fixture.ts';

/** The official clients of a whole Kustody, under the real host names; certificates and vault challenges are verified. */
export function azureClientsOf(
  fixture: Awaited<ReturnType<typeof startServerFixture>>,
  subscriptionId = fixture.environment.subscriptionId,
): Azure {
  const { tenantId, clientId, clientSecret } = fixture.environment;
  const agent = new EdgeAgent(fixture.server.port, readFileSync(fixture.server.caFile));
  return connectToAzure({ tenantId, clientId, clientSecret, subscriptionId }, { agent });
}

/** Every host is where the edge listens, as with a hosts file. */
class EdgeAgent extends Agent {
  readonly #port: number;
  readonly #ca: Buffer;

  constructor(port: number, ca: Buffer) {
    super({ keepAlive: true });
    this.#port = port;
    this.#ca = ca;
  }

  override createConnection(options: { readonly servername?: string; readonly host?: string | null }): TLSSocket {
    const servername = options.servername ?? options.host ?? '';
    return connect({ host: '127.0.0.1', port: this.#port, ca: this.#ca, servername });
  }
}
