import type { VaultProperties } from '@azure/arm-keyvault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assignRole } from '../../support/arm-assignments.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

describe('lists of resources', () => {
  let arm: ArmFixture;
  beforeAll(async () => {
    arm = await startArm();
    const groups = arm.resourcesClient().resourceGroups;
    await groups.createOrUpdate('rg1', { location: 'eastus' });
    await groups.createOrUpdate('rg2', { location: 'westus' });
    await makeVault('rg1', 'alpha-vault', { team: 'red' });
    await makeVault('rg1', 'beta-vault', { team: 'blue' });
    await makeVault('rg2', 'gamma-vault', { Team: 'red' });
    const identity = `${pathOf('rg2')}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/delta-identity?api-version=2023-01-31`;
    await arm.send('PUT', identity, { body: { location: 'West US', tags: {} } });
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  it.each([
    [undefined, 'alpha-vault beta-vault delta-identity gamma-vault'],
    ["resourceType eq 'Microsoft.KeyVault/vaults'", 'alpha-vault beta-vault gamma-vault'],
    ["resourceType eq 'microsoft.keyvault/VAULTS' and name eq 'Beta-Vault'", 'beta-vault'],
    ["resourceGroup eq 'RG2'", 'delta-identity gamma-vault'],
    ["name eq 'alpha-vault' or name eq 'gamma-vault'", 'alpha-vault gamma-vault'],
    ["resourceType ne 'Microsoft.KeyVault/vaults'", 'delta-identity'],
    ["tagName eq 'team' and tagValue eq 'red'", 'alpha-vault gamma-vault'],
    ["tagName eq 'team'", 'alpha-vault beta-vault gamma-vault'],
    ["location eq 'West US'", 'delta-identity'],
    ["substringof('a-v', name)", 'alpha-vault beta-vault gamma-vault'],
    ["name eq 'it''s'", ''],
  ])('Resources_List: %s', async (filter, names) => {
    const found: string[] = [];
    const options = filter === undefined ? {} : { filter };
    for await (const resource of arm.resourcesClient().resources.list(options)) found.push(resource.name ?? '');
    expect(found.toSorted().join(' ')).toBe(names);
  });

  it.each([
    ["plan eq 'x'", "'plan eq'"],
    ["name gt 'x'", "'name gt'"],
    ["endswith(name, 'x')", "the function 'endswith'"],
    ["constructor eq 'x'", "'constructor eq'"],
    ['name eq', 'it ends too early'],
    ["name eq 'x' xor name eq 'y'", "'xor'"],
    ["name eq 'x", 'syntax error at position 7'],
    ['name eq {', 'syntax error'],
  ])('Resources_List: refuses the filter %s by name', async (filter, named) => {
    const answer = await arm.send(
      'GET',
      `/subscriptions/${arm.subscriptionId}/resources?%24filter=${encodeURIComponent(filter)}&api-version=2015-11-01`,
    );
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      error: { code: 'InvalidFilterInQueryString', message: expect.stringContaining(named) as unknown },
    });
  });

  it('Resources_List: expands times and state, pages, and refuses other expansions', async () => {
    const client = arm.resourcesClient();
    const names: string[] = [];
    let pages = 0;
    for await (const page of client.resources
      .list({ top: 3, expand: 'createdTime,changedTime,provisioningState' })
      .byPage()) {
      pages++;
      for (const resource of page) {
        names.push(resource.name ?? '');
        expect(resource.createdTime).toEqual(new Date(arm.clock.now()));
        expect(resource.provisioningState).toBe('Succeeded');
      }
    }
    expect(names.length).toBe(4);
    expect(new Set(names).size).toBe(4);
    expect(pages).toBe(2);
    const base = `/subscriptions/${arm.subscriptionId}/resources?api-version=2021-04-01`;
    expect(await arm.send('GET', `${base}&$expand=properties`)).toMatchObject({ status: 400 });
    expect(await arm.send('GET', `${base}&$top=0`)).toMatchObject({ status: 400 });
    expect(await arm.send('GET', `${base}&$skiptoken=zzz`)).toMatchObject({
      status: 400,
      body: { error: { code: 'InvalidContinuationToken' } },
    });
  });

  it('Resources_ListByResourceGroup: lists one group', async () => {
    const found: string[] = [];
    for await (const resource of arm.resourcesClient().resources.listByResourceGroup('rg2'))
      found.push(resource.name ?? '');
    expect(found.toSorted()).toEqual(['delta-identity', 'gamma-vault']);
    const { text } = await arm.send('GET', `${pathOf('rg2')}/resources?api-version=2021-04-01`);
    expect(text).not.toContain('"tags":{}');
    const missing = arm.resourcesClient().resources.listByResourceGroup('rg9').next();
    await expect(missing).rejects.toMatchObject({ code: 'ResourceGroupNotFound' });
  });

  it('Resources_List: shows a caller what it may read, and nobody else anything', async () => {
    const reader = arm.addPrincipal('reader of rg1');
    const list = () => arm.resourcesClient(reader).resources.list().next();
    await expect(list()).rejects.toMatchObject({ statusCode: 403, code: 'AuthorizationFailed' });
    await assignRole(arm, 'Reader', reader.objectId, pathOf('rg1'));
    const found: string[] = [];
    for await (const resource of arm.resourcesClient(reader).resources.list()) found.push(resource.name ?? '');
    expect(found).toEqual(['alpha-vault', 'beta-vault']);
  });

  const pathOf = (group: string): string => `/subscriptions/${arm.subscriptionId}/resourceGroups/${group}`;

  async function makeVault(group: string, name: string, tags: Record<string, string>): Promise<void> {
    const properties: VaultProperties = {
      tenantId: arm.tenantId,
      sku: { family: 'A', name: 'standard' },
      accessPolicies: [],
    };
    await arm.keyVaultClient().vaults.createOrUpdate(group, name, { location: 'eastus', tags, properties });
  }
});
