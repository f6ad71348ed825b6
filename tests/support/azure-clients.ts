import { readFileSync } from 'node:fs';
import { connectToAzure } from '../../src/cli/article/azure.ts';
import type { Azure } from '../../src/cli/article/azure.ts';
import { EdgeAgent } from '../../src/http/edge-agent.ts';
import type { startServerFixture } from './server-fixture.ts';

/** The official clients of a whole Kustody, under the real host names; certificates and vault challenges are verified. */
export function azureClientsOf(
  fixture: Awaited<ReturnType<typeof startServerFixture>>,
  subscriptionId = fixture.environment.subscriptionId,
): Azure {
  const { tenantId, clientId, clientSecret } = fixture.environment;
  const agent = new EdgeAgent(fixture.server.port, readFileSync(fixture.server.caFile, 'utf8'));
  return connectToAzure({ tenantId, clientId, clientSecret, subscriptionId }, { agent });
}
