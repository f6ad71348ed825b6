import type { ArmOperation, ArmProvider } from '../../arm/arm-operation.ts';
import { locationDisplayNames } from '../../arm/locations.ts';
import { notBuilt } from '../../arm/not-built.ts';
import { operationsList } from '../../arm/operations-list.ts';
import { deletedVaultOperations } from './deleted-vault-operations.ts';
import type { KeyVaultDependencies } from './keyvault-dependencies.ts';
import { deleteVaultsIn } from './vault-deletion.ts';
import { privateLinkOperations } from './private-link-operations.ts';
import { vaultKeyOperations } from './vault-key-operations.ts';
import { vaultSecretOperations } from './vault-secret-operations.ts';
import { vaultOperations } from './vault-operations.ts';
import type { VaultRetention } from './vault-purge.ts';
import { createVaultRetention } from './vault-purge.ts';

export interface KeyVaultProvider {
  readonly provider: ArmProvider;
  /** Start it with the server: purges what is over. */
  readonly retention: VaultRetention;
}

const namespace = 'Microsoft.KeyVault';

const apiVersions: readonly string[] = [
  '2026-05-15',
  '2026-02-01',
  '2025-05-01',
  '2024-11-01',
  '2023-07-01',
  '2023-02-01',
  '2022-11-01',
  '2022-07-01',
  '2021-10-01',
  '2019-09-01',
  '2018-02-14',
  '2016-10-01',
  '2015-06-01',
  '2024-12-01-preview',
  '2024-04-01-preview',
  '2023-08-01-preview',
  '2022-02-01-preview',
  '2021-11-01-preview',
  '2021-06-01-preview',
  '2021-04-01-preview',
  '2020-04-01-preview',
  '2018-02-14-preview',
  '2014-12-19-preview',
];

/** Microsoft.KeyVault: vaults, deleted vaults, and keys and secrets as resources. */
export function createKeyVaultProvider(deps: KeyVaultDependencies): KeyVaultProvider {
  const retention = createVaultRetention(deps);
  const operations: readonly ArmOperation[] = [
    ...vaultOperations(deps, retention),
    ...deletedVaultOperations(deps),
    ...vaultKeyOperations(deps),
    ...vaultSecretOperations(deps),
    ...privateLinkOperations(deps),
    ...managedHsmLists(),
    ...refusedOperations(),
  ];
  const provider: ArmProvider = {
    namespace,
    resourceTypes: [
      ...['vaults', 'vaults/accessPolicies', 'vaults/keys', 'vaults/secrets', 'vaults/privateEndpointConnections'],
      ...['deletedVaults', 'locations/deletedVaults', 'locations/operationResults', 'checkNameAvailability'],
      ...['managedHSMs', 'deletedManagedHSMs', 'operations'],
    ].map((resourceType) => ({
      resourceType,
      apiVersions,
      locations: resourceType === 'operations' ? [] : locationDisplayNames,
    })),
    operations: [...operations, operationsList({ namespace, displayName: 'Microsoft Key Vault', operations })],
    deleteInGroup: (groupId) => deleteVaultsIn(deps, retention, groupId),
  };
  return { provider, retention };
}

/** There are no managed HSMs here, so the lists are really empty. */
function managedHsmLists(): readonly ArmOperation[] {
  const empty = (id: string, path: string, action: string): ArmOperation => ({
    id,
    method: 'GET',
    path,
    action,
    handle: () => Promise.resolve({ status: 200, body: { value: [] } }),
  });
  const subscription = '/subscriptions/{subscriptionId}';
  const group = `${subscription}/resourceGroups/{resourceGroupName}`;
  return [
    empty(
      'ManagedHsms_ListBySubscription',
      `${subscription}/providers/${namespace}/managedHSMs`,
      `${namespace}/managedHSMs/read`,
    ),
    empty(
      'ManagedHsms_ListByResourceGroup',
      `${group}/providers/${namespace}/managedHSMs`,
      `${namespace}/managedHSMs/read`,
    ),
    empty(
      'ManagedHsms_ListDeleted',
      `${subscription}/providers/${namespace}/deletedManagedHSMs`,
      `${namespace}/deletedManagedHsms/read`,
    ),
  ];
}

function refusedOperations(): readonly ArmOperation[] {
  const subscription = `/subscriptions/{subscriptionId}/providers/${namespace}`;
  const group = `/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/${namespace}`;
  const hsm = `${group}/managedHSMs/{name}`;
  const action = (suffix: string): string => `${namespace}/${suffix}`;
  return [
    notBuilt('ManagedHsms_CreateOrUpdate', 'PUT', hsm, action('managedHSMs/write')),
    notBuilt('ManagedHsms_Update', 'PATCH', hsm, action('managedHSMs/write')),
    notBuilt('ManagedHsms_Get', 'GET', hsm, action('managedHSMs/read')),
    notBuilt('ManagedHsms_Delete', 'DELETE', hsm, action('managedHSMs/delete')),
    notBuilt(
      'ManagedHsms_CheckMhsmNameAvailability',
      'POST',
      `${subscription}/checkMhsmNameAvailability`,
      action('checkMhsmNameAvailability/read'),
    ),
  ];
}
