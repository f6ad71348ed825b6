import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArmOperation } from '../../../src/arm/arm-operation.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

/** Refused by name: Deployments_CreateOrUpdate Deployments_Get Deployments_Delete Deployments_ListByResourceGroup Deployments_Validate Deployments_WhatIf
 * Deployments_CreateOrUpdateAtSubscriptionScope Deployments_GetAtSubscriptionScope Deployments_ValidateAtSubscriptionScope
 * ResourceGroups_ExportTemplate Resources_MoveResources Resources_ValidateMoveResources
 * Tags_List Tags_GetAtScope Tags_CreateOrUpdateAtScope Tags_UpdateAtScope Tags_DeleteAtScope
 * Keys_CreateIfNotExist Keys_Get Keys_List Keys_GetVersion Keys_ListVersions Secrets_CreateOrUpdate Secrets_Update Secrets_Get Secrets_List
 * PrivateEndpointConnections_ListByResource PrivateEndpointConnections_Get PrivateEndpointConnections_Put PrivateEndpointConnections_Delete
 * PrivateLinkResources_ListByVault ManagedHsms_CreateOrUpdate ManagedHsms_Update ManagedHsms_Get ManagedHsms_Delete
 * ManagedHsms_CheckMhsmNameAvailability FederatedIdentityCredentials_List FederatedIdentityCredentials_Get
 * FederatedIdentityCredentials_CreateOrUpdate FederatedIdentityCredentials_Delete UserAssignedIdentities_ListAssociatedResources
 * SystemAssignedIdentities_GetByScope ManagementLocks_CreateOrUpdateByScope RoleDefinitions_CreateOrUpdate RoleDefinitions_Delete
 * Permissions_ListForScope DenyAssignments_ListForScope */
const refused =
  /^(Deployments|Tags|Keys|Secrets|PrivateEndpointConnections|PrivateLinkResources|FederatedIdentityCredentials|SystemAssignedIdentities|Permissions|DenyAssignments)_|^(ResourceGroups_ExportTemplate|Resources_(Validate)?MoveResources|ManagedHsms_(CreateOrUpdate|Update|Get|Delete|CheckMhsm.*)|UserAssignedIdentities_ListAssociatedResources|ManagementLocks_CreateOrUpdateByScope|RoleDefinitions_(CreateOrUpdate|Delete))$/;

describe('what Kustody has not built', () => {
  let arm: ArmFixture;
  beforeAll(async () => {
    arm = await startArm();
    await arm.resourcesClient().resourceGroups.createOrUpdate('rg', { location: 'eastus' });
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  it('is refused by its name, with a status that clients do not repeat', async () => {
    const rows = arm.operations.filter((operation) => refused.test(operation.id));
    expect(rows.length).toBe(47);
    for (const row of rows) {
      const answer = await arm.send(row.method, pathOf(row), row.method === 'GET' ? {} : { body: {} });
      const message = `Kustody has not built the operation '${row.id}'. Azure would have accepted this request.`;
      expect(answer, row.id).toMatchObject({ status: 501, body: { error: { code: 'NotImplemented', message } } });
    }
  });

  it('is hidden from those who could not use it', async () => {
    const row = arm.operations.find((operation) => operation.id === 'Keys_Get');
    const answer = await arm.send('GET', pathOf(row), { as: arm.addPrincipal('stranger') });
    expect(answer).toMatchObject({ status: 403, body: { error: { code: 'AuthorizationFailed' } } });
  });

  function pathOf(row: ArmOperation | undefined): string {
    if (row === undefined) throw new Error('no such row');
    const path = row.path
      .replace('{scope}', `/subscriptions/${arm.subscriptionId}/resourceGroups/rg`)
      .replace('{subscriptionId}', arm.subscriptionId)
      .replace('{resourceGroupName}', 'rg')
      .replaceAll(/\{[^}]+\}/g, 'name');
    const namespace = /providers\/(Microsoft\.\w+)(?!.*providers)/.exec(path)?.[1];
    const version =
      namespace === 'Microsoft.KeyVault'
        ? '2023-02-01'
        : namespace === 'Microsoft.ManagedIdentity'
          ? '2023-01-31'
          : namespace === 'Microsoft.Authorization'
            ? path.includes('/locks/')
              ? '2016-09-01'
              : '2022-04-01'
            : '2024-11-01';
    return `${path}?api-version=${version}`;
  }
});
