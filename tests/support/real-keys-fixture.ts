import type { Azure } from '../../src/cli/article/azure.ts';
import { azureClientsOf } from './azure-clients.ts';
import { startServerFixture } from './server-fixture.ts';

export interface NamedKey {
  readonly keyName: string;
  readonly keyVersion: string;
  readonly keyVaultUri: string;
}

/** A whole Kustody with a vault, and what tests of clusters do with it. Vaults are told apart by their address. */
export interface RealKeys {
  readonly azure: Azure;
  readonly group: string;
  readonly clusterBody: {
    readonly location: string;
    readonly sku: { readonly name: string; readonly tier: string; readonly capacity: number };
  };
  newKey(
    name: string,
    how?: {
      readonly ownVault?: boolean;
      readonly exactName?: boolean;
      readonly otherSubscription?: boolean;
      readonly location?: string;
    },
  ): Promise<NamedKey>;
  disable(key: NamedKey): Promise<void>;
  grant(principalId: string, vaultUri?: string): Promise<void>;
  revoke(principalId: string): Promise<void>;
  userAssigned(name: string): Promise<{ readonly id: string; readonly principalId: string }>;
  clusterWithKey(
    name: string,
  ): Promise<{ readonly name: string; readonly principalId: string; readonly key: NamedKey }>;
  checkKeys(): Promise<void>;
  /** Moves the Kustody clock. */
  advance(milliseconds: number): Promise<void>;
  close(): Promise<void>;
}

const group = 'rg-keys';
const location = 'eastus';
const sku = { name: 'Standard_E2ads_v5', tier: 'Standard', capacity: 2 };
const permissions = { keys: ['get', 'wrapKey', 'unwrapKey'] };

export async function createServerKeys(): Promise<RealKeys> {
  const fixture = await startServerFixture({ secondSubscription: true });
  const { secondSubscriptionId, subscriptionId, tenantId, objectId } = fixture.environment;
  const azure = azureClientsOf(fixture);
  const elsewhere = azureClientsOf(fixture, secondSubscriptionId);
  const clientsOf = new Map<string, Azure>();
  const armToken = await fixture.tokenFor('https://management.azure.com');
  for (const clients of [azure, elsewhere]) await clients.resources.resourceGroups.createOrUpdate(group, { location });

  let vaults = 0;
  const createVault = async (clients: Azure, region: string): Promise<string> => {
    vaults += 1;
    const vault = await clients.vaults.vaults.createOrUpdate(group, `real-keys-${vaults}`, {
      location: region,
      properties: {
        ...{
          tenantId,
          sku: { family: 'A', name: 'standard' },
          enableRbacAuthorization: false,
          enablePurgeProtection: true,
        },
        accessPolicies: [
          { tenantId, objectId, permissions: { keys: ['create', 'get', 'update', 'setrotationpolicy'] } },
        ],
      },
    });
    const uri = vault.properties.vaultUri ?? '';
    clientsOf.set(uri, clients);
    return uri;
  };
  const mainVault = await createVault(azure, location);

  const changePolicy = async (operation: 'add' | 'remove', principalId: string, vaultUri: string): Promise<void> => {
    const name = new URL(vaultUri).hostname.split('.')[0] ?? '';
    const policy = { properties: { accessPolicies: [{ tenantId, objectId: principalId, permissions }] } };
    await clientsOf.get(vaultUri)?.vaults.vaults.updateAccessPolicy(group, name, operation, policy);
  };

  const newKey: RealKeys['newKey'] = async (name, how = {}) => {
    const clients = how.otherSubscription === true ? elsewhere : azure;
    const keyVaultUri = how.ownVault === true ? await createVault(clients, how.location ?? location) : mainVault;
    const keyName = how.exactName === true ? name : `key-${name}`;
    const { properties } = await clients.keysOf(keyVaultUri).createRsaKey(keyName, { keySize: 2048 });
    return { keyName, keyVersion: properties.version ?? '', keyVaultUri };
  };
  const grant: RealKeys['grant'] = (principalId, vaultUri = mainVault) => changePolicy('add', principalId, vaultUri);

  return {
    azure,
    group,
    clusterBody: { location, sku },
    newKey,
    grant,
    disable: async (key) => {
      await azure.keysOf(key.keyVaultUri).updateKeyProperties(key.keyName, key.keyVersion, { enabled: false });
    },
    revoke: (principalId) => changePolicy('remove', principalId, mainVault),
    userAssigned: async (name) => {
      const path = `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
      const { body } = await fixture.send({
        ...{ host: 'management.azure.com', method: 'PUT', token: armToken, path: `${path}?api-version=2023-01-31` },
        body: { location },
      });
      const { id, properties } = body as { readonly id: string; readonly properties: { readonly principalId: string } };
      return { id, principalId: properties.principalId };
    },
    clusterWithKey: async (name) => {
      const { identity } = await azure.kusto.clusters.beginCreateOrUpdateAndWait(group, name, {
        location,
        sku,
        identity: { type: 'SystemAssigned' },
      });
      const principalId = identity?.principalId ?? '';
      await grant(principalId);
      const key = await newKey(name);
      await azure.kusto.clusters.beginUpdateAndWait(group, name, { keyVaultProperties: key });
      return { name, principalId, key };
    },
    checkKeys: async () => {
      const { controlToken } = fixture.server;
      const { status } = await fixture.send({
        host: 'localhost',
        method: 'POST',
        path: '/check-keys',
        token: controlToken,
      });
      if (status !== 200) throw new Error(`check-keys answered ${status}`);
    },
    advance: async (milliseconds) => {
      await fixture.server.controls.clocks.virtual?.advance(milliseconds);
    },
    close: () => fixture[Symbol.asyncDispose](),
  };
}
