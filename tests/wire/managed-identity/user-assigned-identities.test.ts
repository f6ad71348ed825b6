import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findUserAssignedIdentity } from '../../../src/providers/managed-identity/user-assigned-identities.ts';
import { assignRole } from '../../support/arm-assignments.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

const apiVersion = '2023-01-31';

describe('user-assigned identities', () => {
  let arm: ArmFixture;
  beforeAll(async () => {
    arm = await startArm();
    await arm.resourcesClient().resourceGroups.createOrUpdate('rg', { location: 'eastus' });
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  const idOf = (name: string): string =>
    `/subscriptions/${arm.subscriptionId}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
  /** As the service writes it. */
  const shownIdOf = (name: string): string => idOf(name).replace('/resourceGroups/', '/resourcegroups/');
  const client = () => arm.resourcesClient().resources;
  const create = (name: string, location = 'East US', tags?: Record<string, string>) =>
    client().beginCreateOrUpdateByIdAndWait(idOf(name), apiVersion, {
      location,
      ...(tags === undefined ? {} : { tags }),
    });

  it('UserAssignedIdentities_CreateOrUpdate, UserAssignedIdentities_Get: makes a principal once', async () => {
    const made = await create('id-one', 'East US', { a: '1' });
    expect(made).toMatchObject({
      id: shownIdOf('id-one'),
      type: 'Microsoft.ManagedIdentity/userAssignedIdentities',
      location: 'eastus',
      tags: { a: '1' },
    });
    const properties = made.properties as { tenantId: string; principalId: string; clientId: string };
    expect(properties.tenantId).toBe(arm.tenantId);
    expect(await findUserAssignedIdentity(arm.state, idOf('ID-ONE').toUpperCase())).toEqual({
      principalId: properties.principalId,
      clientId: properties.clientId,
    });
    const again = await create('ID-one', 'eastus');
    expect(again).toMatchObject({ name: 'id-one', properties });
    expect((await client().getById(idOf('id-one'), apiVersion)).properties).toEqual(properties);
    expect(
      await arm.send('PUT', `${idOf('id-new')}?api-version=${apiVersion}`, { body: { location: 'eastus' } }),
    ).toMatchObject({ status: 201, headers: { location: shownIdOf('id-new') } });
  });

  it('UserAssignedIdentities_CreateOrUpdate: refuses bad names, no location and another location', async () => {
    await expect(create('x')).rejects.toMatchObject({ statusCode: 400, code: 'InvalidResourceName' });
    await create('placed');
    await expect(create('placed', 'westus')).rejects.toMatchObject({
      statusCode: 409,
      code: 'InvalidResourceLocation',
    });
    const answer = await arm.send('PUT', `${idOf('placed')}?api-version=${apiVersion}`, { body: {} });
    expect(answer.body).toMatchObject({ error: { code: 'LocationRequired' } });
  });

  it('UserAssignedIdentities_CreateOrUpdate: as the Azure CLI asks today, with nothing restricted; what restricts is refused by name', async () => {
    const put = (properties: unknown) =>
      arm.send('PUT', `${idOf('today')}?api-version=2025-05-31-preview`, { body: { location: 'eastus', properties } });
    expect(await put(undefined)).toMatchObject({ status: 201 });
    for (const nothing of [{}, { isolationScope: 'None' }, { assignmentRestrictions: { providers: [] } }])
      expect(await put(nothing)).toMatchObject({ status: 200 });
    for (const something of [
      { isolationScope: 'Regional' },
      { assignmentRestrictions: { providers: ['Microsoft.Kusto'] } },
    ])
      expect(await put(something)).toMatchObject({ status: 501, body: { error: { code: 'NotImplemented' } } });
    expect(await put({ isolationScope: 'Galactic' })).toMatchObject({ status: 400 });
  });

  it('UserAssignedIdentities_CreateOrUpdate: of two at the same time one wins, and both show its principal', async () => {
    const [one, two] = await Promise.all([create('raced'), create('raced')]);
    expect(one.properties).toEqual(two.properties);
  });

  it('UserAssignedIdentities_Update: changes tags', async () => {
    await create('tagged', 'eastus', { a: '1' });
    const answer = await arm.send('PATCH', `${idOf('tagged')}?api-version=${apiVersion}`, {
      body: { tags: { b: '2' } },
    });
    expect(answer).toMatchObject({ status: 200, body: { tags: { b: '2' } } });
    expect(await arm.send('PATCH', `${idOf('missing')}?api-version=${apiVersion}`, { body: {} })).toMatchObject({
      status: 404,
    });
  });

  it('UserAssignedIdentities_ListByResourceGroup, UserAssignedIdentities_ListBySubscription: list', async () => {
    await create('listed');
    const inGroup = await arm.send('GET', `${idOf('').slice(0, -1)}?api-version=${apiVersion}`);
    const inSubscription = await arm.send(
      'GET',
      `/subscriptions/${arm.subscriptionId}/providers/Microsoft.ManagedIdentity/userAssignedIdentities?api-version=${apiVersion}`,
    );
    expect(inGroup.text).toContain('"name":"listed"');
    expect(inSubscription.body).toEqual(inGroup.body);
  });

  it('UserAssignedIdentities_Delete: the principal is gone at once, with its roles', async () => {
    const made = await create('leaving');
    const { principalId } = made.properties as { principalId: typeof arm.owner.objectId };
    const assignment = await assignRole(arm, 'Reader', principalId, idOf('leaving'));
    const as = { ...arm.owner, objectId: principalId };
    const get = () => arm.send('GET', `${idOf('leaving')}?api-version=${apiVersion}`, { as });
    expect((await get()).status).toBe(200);
    await client().beginDeleteByIdAndWait(idOf('leaving'), apiVersion);
    expect((await get()).status).toBe(401);
    expect((await arm.send('GET', assignment)).status).toBe(404);
    expect((await arm.send('DELETE', `${idOf('leaving')}?api-version=${apiVersion}`)).status).toBe(204);
  });

  it('ResourceGroups_Delete: takes identities along', async () => {
    await arm.resourcesClient().resourceGroups.createOrUpdate('gone', { location: 'eastus' });
    const id = idOf('inside').replace('/rg/', '/gone/');
    const made = await client().beginCreateOrUpdateByIdAndWait(id, apiVersion, { location: 'eastus' });
    const { principalId } = made.properties as { principalId: typeof arm.owner.objectId };
    await arm.resourcesClient().resourceGroups.beginDeleteAndWait('gone', { updateIntervalInMs: 1 });
    expect(await findUserAssignedIdentity(arm.state, id)).toBeUndefined();
    const answer = await arm.send('GET', '/subscriptions?api-version=2022-12-01', {
      as: { ...arm.owner, objectId: principalId },
    });
    expect(answer.status).toBe(401);
  });

  it('Operations_List: names the actions of the provider', async () => {
    const answer = await arm.send('GET', `/providers/Microsoft.ManagedIdentity/operations?api-version=${apiVersion}`);
    expect(answer.text).toContain('Microsoft.ManagedIdentity/userAssignedIdentities/write');
  });
});
