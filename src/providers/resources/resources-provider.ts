import type { ArmOperation, ArmProvider } from '../../arm/arm-operation.ts';
import { locationDisplayNames } from '../../arm/locations.ts';
import { notBuilt } from '../../arm/not-built.ts';
import { resourcesApiVersions } from './api-versions.ts';
import { operationResultOperation } from './group-deletion.ts';
import { groupOperations } from './group-operations.ts';
import { providerOperations } from './provider-operations.ts';
import { resourceListOperations } from './resource-list-operations.ts';
import type { ResourcesDependencies } from './resources-dependencies.ts';
import { subscriptionOperations } from './subscription-operations.ts';
import { tagsOperations } from './tags-at-scope.ts';

/** Microsoft.Resources: subscriptions, tenants, providers, resource groups and the lists of all resources. */
export function createResourcesProvider(deps: ResourcesDependencies): ArmProvider {
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
      operationResultOperation(deps),
      ...refusedOperations(),
    ],
  };
  return provider;
}

function refusedOperations(): readonly ArmOperation[] {
  const group = '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}';
  const deployments = 'Microsoft.Resources/deployments';
  const inGroup = `${group}/providers/${deployments}`;
  const inSubscription = `/subscriptions/{subscriptionId}/providers/${deployments}`;
  return [
    notBuilt('Deployments_CreateOrUpdate', 'PUT', `${inGroup}/{deploymentName}`, `${deployments}/write`),
    notBuilt('Deployments_Get', 'GET', `${inGroup}/{deploymentName}`, `${deployments}/read`),
    notBuilt('Deployments_Delete', 'DELETE', `${inGroup}/{deploymentName}`, `${deployments}/delete`),
    notBuilt('Deployments_ListByResourceGroup', 'GET', inGroup, `${deployments}/read`),
    notBuilt('Deployments_Validate', 'POST', `${inGroup}/{deploymentName}/validate`, `${deployments}/validate/action`),
    notBuilt('Deployments_WhatIf', 'POST', `${inGroup}/{deploymentName}/whatIf`, `${deployments}/whatIf/action`),
    notBuilt(
      'Deployments_CreateOrUpdateAtSubscriptionScope',
      'PUT',
      `${inSubscription}/{deploymentName}`,
      `${deployments}/write`,
    ),
    notBuilt('Deployments_GetAtSubscriptionScope', 'GET', `${inSubscription}/{deploymentName}`, `${deployments}/read`),
    notBuilt(
      'Deployments_ValidateAtSubscriptionScope',
      'POST',
      `${inSubscription}/{deploymentName}/validate`,
      `${deployments}/validate/action`,
    ),
    notBuilt(
      'ResourceGroups_ExportTemplate',
      'POST',
      `${group}/exportTemplate`,
      'Microsoft.Resources/subscriptions/resourceGroups/exportTemplate/action',
    ),
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
