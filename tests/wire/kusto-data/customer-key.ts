import { azureClientsOf } from '../../support/azure-clients.ts';

/** A started server with an application that may do everything. */
type Started = Parameters<typeof azureClientsOf>[0];

/** A vault in the group `rg1` whose access policies decide, in which the application of the fixture makes keys. */
export async function createKeyVault(fixture: Started, name: string): Promise<void> {
  const { tenantId, objectId } = fixture.environment;
  await azureClientsOf(fixture).vaults.vaults.createOrUpdate('rg1', name, {
    location: 'eastus',
    properties: {
      tenantId,
      sku: { family: 'A', name: 'standard' },
      enableRbacAuthorization: false,
      enablePurgeProtection: true,
      accessPolicies: [{ tenantId, objectId, permissions: { keys: ['create', 'get', 'update', 'delete'] } }],
    },
  });
}

/** Gives an identity what a cluster needs of the keys of a vault, or takes it away. */
export async function permitKeyUse(
  fixture: Started,
  vault: string,
  objectId: string,
  operation: 'add' | 'remove',
): Promise<void> {
  const { tenantId } = fixture.environment;
  await azureClientsOf(fixture).vaults.vaults.updateAccessPolicy('rg1', vault, operation, {
    properties: { accessPolicies: [{ tenantId, objectId, permissions: { keys: ['get', 'wrapKey', 'unwrapKey'] } }] },
  });
}
