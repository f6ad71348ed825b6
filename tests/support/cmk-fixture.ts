import { readFileSync } from 'node:fs';
import { ClientSecretCredential } from '@azure/identity';
import type { Azure } from '../../src/cli/article/azure.ts';
import { connectClients } from '../../src/cmk/clients.ts';
import type { CmkClients } from '../../src/cmk/clients.ts';
import type { CmkTarget, Parsed } from '../../src/cmk/target.ts';
import { clusterIdOf, parseVault } from '../../src/cmk/target.ts';
import { EdgeAgent } from '../../src/http/edge-agent.ts';
import { azureClientsOf } from './azure-clients.ts';
import { startServerFixture } from './server-fixture.ts';

export const location = 'westus';
export const group = 'cmk';

export interface FreshSettings {
  readonly roles?: boolean;
  readonly purgeProtection?: boolean;
}

/** A Kustody, the clients of the toolkit for it, and clusters without a key as many as wanted. */
export async function startCmkFixture() {
  const fixture = await startServerFixture({ secondSubscription: true });
  const azure = azureClientsOf(fixture);
  const { tenantId, clientId, clientSecret, subscriptionId } = fixture.environment;
  const agent = new EdgeAgent(fixture.server.port, readFileSync(fixture.server.caFile, 'utf8'));
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, { agent });
  const clients = connectClients({ agent, credential, now: () => Date.now() });
  await azure.resources.resourceGroups.createOrUpdate(group, { location });
  let count = 0;
  return {
    ...fixture,
    azure,
    clients,
    subscriptionId,
    fresh: (settings: FreshSettings = {}) => {
      count += 1;
      return makeCluster(azure, clients, subscriptionId, count, settings);
    },
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  };
}

/** A cluster without a key, and a vault where we may work with keys. */
async function makeCluster(
  azure: Azure,
  clients: CmkClients,
  subscriptionId: string,
  count: number,
  settings: FreshSettings,
): Promise<CmkTarget> {
  const cluster = `cmk${count}cluster`;
  const vault = `cmk-${count}-vault`;
  const objectId = await azure.ownObjectId();
  await azure.kusto.clusters.beginCreateOrUpdateAndWait(group, cluster, {
    location,
    sku: { name: 'Standard_D13_v2', tier: 'Standard', capacity: 2 },
  });
  const { roles = false, purgeProtection = true } = settings;
  await azure.vaults.vaults.createOrUpdate(group, vault, {
    location,
    properties: {
      tenantId: azure.tenantId,
      sku: { family: 'A', name: 'standard' },
      enableRbacAuthorization: roles,
      enableSoftDelete: true,
      ...(purgeProtection ? { enablePurgeProtection: true } : {}),
      accessPolicies: roles
        ? []
        : [
            {
              tenantId: azure.tenantId,
              objectId,
              permissions: { keys: ['create', 'get', 'list', 'update', 'delete'] },
            },
          ],
    },
  });
  if (roles)
    await giveUs(
      clients,
      count,
      subscriptionId,
      `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/Microsoft.KeyVault/vaults/${vault}`,
      objectId,
    );
  return {
    cluster: parsed(clusterIdOf(subscriptionId, group, cluster)),
    vault: parsed(parseVault(vault)),
    keyName: 'cluster-key',
    identity: { kind: 'system' },
  };
}

/** Key Vault Crypto Officer. */
const giveUs = (
  clients: CmkClients,
  count: number,
  subscriptionId: string,
  scope: string,
  principalId: string,
): Promise<unknown> =>
  clients.arm({
    method: 'PUT',
    path: `${scope}/providers/Microsoft.Authorization/roleAssignments/99999999-9999-4999-8999-${String(count).padStart(12, '0')}`,
    query: { 'api-version': '2022-04-01' },
    body: {
      properties: {
        roleDefinitionId: `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/14b46e9e-c2b7-41b4-b07b-48a6ebf60603`,
        principalId,
      },
    },
  });

export function parsed<T>(value: Parsed<T>): T {
  if ('problem' in value) throw new Error(value.problem);
  return value.value;
}
