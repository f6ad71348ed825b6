import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArmResource } from '../../../src/arm/resource.ts';
import { armResources } from '../../../src/arm/resource.ts';
import { parseGuid } from '../../../src/base/guid.ts';
import { writeRecord } from '../../../src/state/state.ts';
import { assignRole } from '../../support/arm-assignments.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

describe('lookups of identities', () => {
  let arm: ArmFixture;
  const group = () => `/subscriptions/${arm.subscriptionId}/resourceGroups/rg`;
  const identity = (name: string) => `${group()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
  const cluster = (name: string) => `${group()}/providers/Microsoft.Kusto/Clusters/${name}`;

  beforeAll(async () => {
    arm = await startArm();
    await arm.resourcesClient().resourceGroups.createOrUpdate('rg', { location: 'eastus' });
    await arm.send('PUT', `${identity('shared')}?api-version=2023-01-31`, { body: { location: 'eastus' } });
    const own = arm.addPrincipal('one');
    const objectId = parseGuid(arm.owner.objectId) ?? own.objectId;
    await put({
      ...resource('one'),
      identity: {
        type: 'SystemAssigned, UserAssigned',
        principalId: own.objectId,
        tenantId: arm.tenantId,
        userAssignedIdentities: { [identity('SHARED')]: { principalId: objectId, clientId: objectId } },
      },
    });
    await put(resource('two'));
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  const resource = (name: string): ArmResource => ({
    ...{ id: cluster(name), name, type: 'Microsoft.Kusto/Clusters', location: 'East US' },
    ...{ properties: {}, createdAt: '', changedAt: '' },
  });
  const put = (value: ArmResource) =>
    arm.state.commit({ write: [writeRecord(armResources, value.id.toLowerCase(), null, value)] });

  it('SystemAssignedIdentities_GetByScope: shows the identity of a resource, or that it has none', async () => {
    const of = (name: string) =>
      arm.send('GET', `${cluster(name)}/providers/Microsoft.ManagedIdentity/identities/default?api-version=2023-01-31`);
    expect(await of('one')).toMatchObject({
      status: 200,
      body: {
        id: `${cluster('one')}/providers/Microsoft.ManagedIdentity/identities/default`,
        name: 'default',
        type: 'Microsoft.ManagedIdentity/identities',
        properties: { tenantId: arm.tenantId },
      },
    });
    expect(await of('two')).toMatchObject({ status: 404, body: { error: { code: 'ResourceNotFound' } } });
    expect(await of('none')).toMatchObject({ status: 404, body: { error: { code: 'ResourceNotFound' } } });
  });

  it('UserAssignedIdentities_ListAssociatedResources: lists what the caller may read', async () => {
    const list = (as = arm.owner, version = '2022-01-31-preview') =>
      arm.send('POST', `${identity('shared')}/listAssociatedResources?api-version=${version}`, { as });
    expect((await list()).body).toEqual({
      totalCount: 1,
      value: [
        {
          id: cluster('one'),
          name: 'one',
          type: 'microsoft.kusto/clusters',
          resourceGroup: 'rg',
          subscriptionId: arm.subscriptionId,
          subscriptionDisplayName: 'first',
        },
      ],
    });
    const other = arm.addPrincipal('contributor of the identity');
    await assignRole(arm, 'Contributor', other.objectId, identity('shared'));
    expect((await list(other)).body).toEqual({ totalCount: 0, value: [] });
    expect(await list(arm.owner, '2023-01-31')).toMatchObject({ status: 404 });
  });
});
