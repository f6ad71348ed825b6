import { listAll } from '../../state/list-all.ts';
import type { ArmOperation, ArmProvider } from '../../arm/arm-operation.ts';
import { locationDisplayNames } from '../../arm/locations.ts';
import { notBuilt } from '../../arm/not-built.ts';
import { operationsList } from '../../arm/operations-list.ts';
import { armResources } from '../../arm/resource.ts';
import type { IdentityDependencies } from './user-assigned-identities.ts';
import { asIdentity, deleteIdentity, identityOperations } from './user-assigned-identities.ts';

const namespace = 'Microsoft.ManagedIdentity';

const apiVersions: readonly string[] = [
  '2024-11-30',
  '2023-01-31',
  '2018-11-30',
  '2025-01-31-preview',
  '2023-07-31-preview',
  '2022-01-31-preview',
  '2021-09-30-preview',
  '2015-08-31-preview',
];

/** Microsoft.ManagedIdentity: user-assigned identities. */
export function createManagedIdentityProvider(deps: IdentityDependencies): ArmProvider {
  const operations: readonly ArmOperation[] = [...identityOperations(deps), ...refusedOperations()];
  return {
    namespace,
    resourceTypes: ['userAssignedIdentities', 'identities', 'operations'].map((resourceType) => ({
      resourceType,
      apiVersions,
      locations: resourceType === 'userAssignedIdentities' ? locationDisplayNames : [],
    })),
    operations: [...operations, operationsList({ namespace, displayName: 'Microsoft Managed Identity', operations })],
    deleteInGroup: async (groupId) => {
      const records = await listAll(deps.state, armResources, `${groupId.toLowerCase()}/`);
      for (const { value } of records) {
        if (asIdentity(value) !== undefined) await deleteIdentity(deps, value.id);
      }
    },
  };
}

function refusedOperations(): readonly ArmOperation[] {
  const identity = `/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/${namespace}/userAssignedIdentities/{resourceName}`;
  const credentials = `${identity}/federatedIdentityCredentials`;
  const credential = `${credentials}/{federatedIdentityCredentialResourceName}`;
  const action = (verb: string): string => `${namespace}/userAssignedIdentities/${verb}`;
  return [
    notBuilt('FederatedIdentityCredentials_List', 'GET', credentials, action('federatedIdentityCredentials/read')),
    notBuilt('FederatedIdentityCredentials_Get', 'GET', credential, action('federatedIdentityCredentials/read')),
    notBuilt(
      'FederatedIdentityCredentials_CreateOrUpdate',
      'PUT',
      credential,
      action('federatedIdentityCredentials/write'),
    ),
    notBuilt(
      'FederatedIdentityCredentials_Delete',
      'DELETE',
      credential,
      action('federatedIdentityCredentials/delete'),
    ),
    notBuilt(
      'UserAssignedIdentities_ListAssociatedResources',
      'POST',
      `${identity}/listAssociatedResources`,
      action('listAssociatedResources/action'),
    ),
    notBuilt(
      'SystemAssignedIdentities_GetByScope',
      'GET',
      `{scope}/providers/${namespace}/identities/default`,
      `${namespace}/identities/read`,
    ),
  ];
}
