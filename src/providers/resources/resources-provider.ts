import type { ArmOperation, ArmProvider } from '../../arm/arm-operation.ts';
import { locationDisplayNames } from '../../arm/locations.ts';
import { notBuilt } from '../../arm/not-built.ts';
import { resourcesApiVersions } from './api-versions.ts';
import { deploymentRows } from './deployments/deployment-operations.ts';
import { Deployments } from './deployments/deployments.ts';
import { operationResultOperation, tenantResultOperation } from './group-deletion.ts';
import { groupOperations } from './group-operations.ts';
import { providerOperations } from './provider-operations.ts';
import { resourceListOperations } from './resource-list-operations.ts';
import type { ResourcesDependencies } from './resources-dependencies.ts';
import { subscriptionOperations } from './subscription-operations.ts';
import { tagsOperations } from './tags-at-scope.ts';

/** Microsoft.Resources: subscriptions, tenants, providers, resource groups and the lists of all resources. */
export function createResourcesProvider(
  deps: ResourcesDependencies,
): ArmProvider & { readonly deployments: Deployments } {
  const deployments = new Deployments(deps);
  const provider: ArmProvider = {
    namespace: 'Microsoft.Resources',
    resourceTypes: [
      'subscriptions',
      'tenants',
      'providers',
      'resourceGroups',
      'resources',
      'subscriptions/resourceGroups',
      'subscriptions/resources',
      'subscriptions/providers',
      'subscriptions/locations',
      'deployments',
      'tags',
    ].map((resourceType) => ({
      resourceType,
      apiVersions: resourcesApiVersions,
      locations: resourceType === 'resourceGroups' ? locationDisplayNames : [],
    })),
    operations: [
      ...subscriptionOperations(deps),
      ...providerOperations(deps, () => [provider, ...deps.providers]),
      ...groupOperations(deps),
      ...resourceListOperations(deps),
      ...tagsOperations(deps),
      ...deploymentRows(deps, deployments),
      operationResultOperation(deps),
      tenantResultOperation(deps),
      ...refusedOperations(),
    ],
  };
  return { ...provider, deployments };
}

function refusedOperations(): readonly ArmOperation[] {
  const group = '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}';
  return [
    notBuilt(
      'Resources_MoveResources',
      'POST',
      `${group}/moveResources`,
      'Microsoft.Resources/subscriptions/resourceGroups/moveResources/action',
    ),
    notBuilt(
      'Resources_ValidateMoveResources',
      'POST',
      `${group}/validateMoveResources`,
      'Microsoft.Resources/subscriptions/resourceGroups/validateMoveResources/action',
    ),
    notBuilt(
      'Tags_List',
      'GET',
      '/subscriptions/{subscriptionId}/tagNames',
      'Microsoft.Resources/subscriptions/tagNames/read',
    ),
  ];
}
