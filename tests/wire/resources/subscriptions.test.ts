import type { VaultProperties } from '@azure/arm-keyvault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newGuid } from '../../../src/base/new-guid.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

describe('subscriptions, tenants and providers', () => {
  let arm: ArmFixture;
  beforeAll(async () => {
    arm = await startArm();
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  it('Subscriptions_List: shows a caller those in which it has a role', async () => {
    const second = await arm.addSubscription('second');
    const { body } = await arm.send('GET', '/subscriptions?api-version=2022-12-01');
    expect(body).toMatchObject({ count: { type: 'Total', value: 2 } });
    expect(JSON.stringify(body)).toContain(second);
    // Whatever their random ids: clients take the first one.
    const before = await arm.addSubscription(
      'before',
      newGuid((length) => new Uint8Array(length)),
    );
    const listed = await arm.send('GET', '/subscriptions?api-version=2022-12-01');
    const ids = (listed.body as { value: { subscriptionId: string }[] }).value.map((one) => one.subscriptionId);
    expect(ids).toHaveLength(3);
    expect(ids[0]).toBe(arm.subscriptionId);
    expect(ids).toContain(before);
    const stranger = arm.addPrincipal('stranger');
    expect((await arm.send('GET', '/subscriptions?api-version=2016-06-01', { as: stranger })).body).toMatchObject({
      value: [],
    });
  });

  it('Subscriptions_Get: shows one, and refuses what is none', async () => {
    const get = (id: string) => arm.send('GET', `/subscriptions/${id}?api-version=2022-12-01`);
    expect((await get(arm.subscriptionId)).body).toMatchObject({
      id: `/subscriptions/${arm.subscriptionId}`,
      subscriptionId: arm.subscriptionId,
      tenantId: arm.tenantId,
      displayName: 'first',
      state: 'Enabled',
      managedByTenants: [],
    });
    expect(await get('11111111-1111-1111-1111-111111111111')).toMatchObject({
      status: 404,
      body: {
        error: {
          code: 'SubscriptionNotFound',
          message: "The subscription '11111111-1111-1111-1111-111111111111' could not be found.",
        },
      },
    });
    expect(await get('nonsense')).toMatchObject({
      status: 400,
      body: {
        error: {
          code: 'InvalidSubscriptionId',
          message: "The provided subscription identifier 'nonsense' is malformed or invalid.",
        },
      },
    });
  });

  it('Subscriptions_ListLocations: names the regions in both forms', async () => {
    const { body } = await arm.send('GET', `/subscriptions/${arm.subscriptionId}/locations?api-version=2022-12-01`);
    expect(JSON.stringify(body)).toContain('"name":"westeurope","type":"Region","displayName":"West Europe"');
    const { value } = body as { value: readonly { readonly name: string }[] };
    expect(value.find(({ name }) => name === 'eastus')).toMatchObject({
      regionalDisplayName: '(US) East US',
      metadata: {
        ...{ regionType: 'Physical', regionCategory: 'Recommended', geographyGroup: 'US' },
        ...{ longitude: '-79.8164', latitude: '37.3719', physicalLocation: 'Virginia' },
        pairedRegion: [{ name: 'westus', id: `/subscriptions/${arm.subscriptionId}/locations/westus` }],
      },
    });
  });

  it('Tenants_List: shows the tenant of the caller', async () => {
    const { body } = await arm.send('GET', '/tenants?api-version=2022-12-01');
    expect(body).toMatchObject({
      value: [
        {
          id: `/tenants/${arm.tenantId}`,
          tenantId: arm.tenantId,
          displayName: 'Test',
          defaultDomain: 'test.onmicrosoft.com',
          tenantType: 'AAD',
        },
      ],
    });
  });

  it('Providers_Get, Providers_List, ProviderResourceTypes_List: list api-versions newest first, previews last', async () => {
    const client = arm.resourcesClient();
    const vaults = (await client.providers.get('microsoft.keyvault')).resourceTypes?.find(
      (type) => type.resourceType === 'vaults',
    );
    expect(vaults?.apiVersions?.[0]).toBe('2026-05-15');
    expect(vaults?.locations).toContain('East US');
    const namespaces: string[] = [];
    for await (const provider of client.providers.list()) namespaces.push(provider.namespace ?? '');
    expect(namespaces).toEqual(
      expect.arrayContaining(['Microsoft.Resources', 'Microsoft.KeyVault', 'Microsoft.ManagedIdentity']),
    );
    const types = await client.providerResourceTypes.list('Microsoft.KeyVault');
    expect(types.value?.map((type) => type.resourceType)).toContain('deletedVaults');
    await expect(client.providers.get('Microsoft.Nothing')).rejects.toMatchObject({
      statusCode: 404,
      code: 'InvalidResourceNamespace',
    });
  });

  it('Providers_ListAtTenantScope, Providers_GetAtTenantScope: the same without registration', async () => {
    const client = arm.resourcesClient();
    const namespaces: string[] = [];
    for await (const provider of client.providers.listAtTenantScope()) namespaces.push(provider.namespace ?? '');
    expect(namespaces).toContain('Microsoft.KeyVault');
    expect((await client.providers.getAtTenantScope('Microsoft.KeyVault')).registrationState).toBeUndefined();
  });

  it('Providers_Unregister, Providers_Register: writes are refused while a provider is not registered', async () => {
    const id = await arm.addSubscription('unregistered');
    const client = arm.resourcesClient(arm.owner, id);
    const vaults = arm.keyVaultClient(arm.owner, id).vaults;
    await client.resourceGroups.createOrUpdate('g', { location: 'eastus' });
    expect((await client.providers.unregister('Microsoft.KeyVault')).registrationState).toBe('Unregistered');
    const properties: VaultProperties = {
      tenantId: arm.tenantId,
      sku: { family: 'A', name: 'standard' },
      accessPolicies: [],
    };
    const create = () => vaults.createOrUpdate('g', 'registered-vault', { location: 'eastus', properties });
    await expect(create()).rejects.toMatchObject({
      statusCode: 409,
      code: 'MissingSubscriptionRegistration',
      message: expect.stringContaining(
        "The subscription is not registered to use namespace 'Microsoft.KeyVault'.",
      ) as unknown,
    });
    expect((await client.providers.register('Microsoft.KeyVault')).registrationState).toBe('Registered');
    await create();
    await expect(client.providers.unregister('Microsoft.KeyVault')).rejects.toMatchObject({ statusCode: 409 });
    expect((await client.providers.unregister('Microsoft.Resources')).registrationState).toBe('Registered');
  });

  it('Providers_Register: asks for the action of that provider', async () => {
    const path = `/subscriptions/${arm.subscriptionId}/providers/microsoft.keyvault/register?api-version=2024-11-01`;
    const answer = await arm.send('POST', path, { as: arm.addPrincipal('stranger') });
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({
      error: {
        code: 'AuthorizationFailed',
        message: expect.stringContaining("action 'Microsoft.KeyVault/register/action'") as unknown,
      },
    });
  });
});
