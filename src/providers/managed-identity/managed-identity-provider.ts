import { listAll } from '../../state/list-all.ts';
import { isApiVersionBefore } from '../../arm/api-version.ts';
import type { ArmOperation, ArmProvider } from '../../arm/arm-operation.ts';
import { locationDisplayNames } from '../../arm/locations.ts';
import { operationsList } from '../../arm/operations-list.ts';
import { armResources } from '../../arm/resource.ts';
import { federatedCredentialOperations } from './federated-credentials.ts';
import type { IdentityDependencies } from './identity-dependencies.ts';
import { lookupOperations } from './identity-lookups.ts';
import { asIdentity, deleteIdentity, identityOperations } from './user-assigned-identities.ts';

const namespace = 'Microsoft.ManagedIdentity';

const apiVersions: readonly string[] = [
  '2024-11-30',
  '2023-01-31',
  '2018-11-30',
  '2025-05-31-preview',
  '2025-01-31-preview',
  '2023-07-31-preview',
  '2022-01-31-preview',
  '2021-09-30-preview',
  '2015-08-31-preview',
];

/** Credentials of identities are younger than identities. */
const credentialVersions = apiVersions.filter((version) => !isApiVersionBefore(version, '2022-01-01'));

/** Microsoft.ManagedIdentity: user-assigned identities, whom they trust, and who has which. */
export function createManagedIdentityProvider(deps: IdentityDependencies): ArmProvider {
  const operations: readonly ArmOperation[] = [
    ...identityOperations(deps),
    ...federatedCredentialOperations(deps),
    ...lookupOperations(deps),
  ];
  return {
    namespace,
    resourceTypes: [
      { resourceType: 'userAssignedIdentities', apiVersions, locations: locationDisplayNames },
      {
        resourceType: 'userAssignedIdentities/federatedIdentityCredentials',
        apiVersions: credentialVersions,
        locations: locationDisplayNames,
      },
      { resourceType: 'identities', apiVersions, locations: [] },
      { resourceType: 'operations', apiVersions, locations: [] },
    ],
    operations: [...operations, operationsList({ namespace, displayName: 'Microsoft Managed Identity', operations })],
    deleteInGroup: async (groupId) => {
      const records = await listAll(deps.state, armResources, `${groupId.toLowerCase()}/`);
      for (const { value } of records) {
        if (asIdentity(value) !== undefined) await deleteIdentity(deps, value.id);
      }
    },
  };
}
