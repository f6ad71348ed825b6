import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

describe('resource groups', () => {
  let arm: ArmFixture;
  beforeAll(async () => {
    arm = await startArm();
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  it('ResourceGroups_CreateOrUpdate: creates, then changes tags, and keeps the casing of the first name', async () => {
    const client = arm.resourcesClient();
    const made = await client.resourceGroups.createOrUpdate('Group-One', { location: 'East US', tags: { a: '1' } });
    expect(made).toMatchObject({
      id: `/subscriptions/${arm.subscriptionId}/resourceGroups/Group-One`,
      name: 'Group-One',
      type: 'Microsoft.Resources/resourceGroups',
      location: 'eastus',
      tags: { a: '1' },
      properties: { provisioningState: 'Succeeded' },
    });
    const again = await client.resourceGroups.createOrUpdate('GROUP-ONE', { location: 'eastus', tags: { b: '2' } });
    expect(again).toMatchObject({ name: 'Group-One', tags: { b: '2' } });
    expect((await arm.send('PUT', groupPath('group-x'), { body: { location: 'eastus' } })).status).toBe(201);
    expect((await arm.send('PUT', groupPath('group-x'), { body: { location: 'eastus' } })).status).toBe(200);
  });

  it.each([
    [
      { location: 'westus' },
      409,
      'InvalidResourceGroupLocation',
      "Invalid resource group location 'westus'. The Resource group already exists in location 'eastus'.",
    ],
    [{}, 400, 'LocationRequired', 'The location property is required for this definition.'],
    [{ location: 'eastus', tags: { 'a<b': '1' } }, 400, 'InvalidRequestContent', undefined],
  ])('ResourceGroups_CreateOrUpdate: refuses %j', async (body, status, code, message) => {
    await arm.send('PUT', groupPath('held'), { body: { location: 'eastus' } });
    const answer = await arm.send('PUT', groupPath('held'), { body });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ error: { code, ...(message === undefined ? {} : { message }) } });
  });

  it.each(['ends.', 'has space', 'a'.repeat(91), 'q?'])(
    'ResourceGroups_CreateOrUpdate: refuses the name %j',
    async (name) => {
      const answer = await arm.send('PUT', groupPath(encodeURIComponent(name)), { body: { location: 'eastus' } });
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'InvalidResourceGroup' } } });
    },
  );

  it('ResourceGroups_CreateOrUpdate: refuses an unknown region', async () => {
    const answer = await arm.send('PUT', groupPath('mars'), { body: { location: 'mars' } });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'LocationNotAvailableForResourceGroup' } } });
  });

  it('ResourceGroups_Get, ResourceGroups_CheckExistence: find a group whatever the case, or say that there is none', async () => {
    const client = arm.resourcesClient();
    await client.resourceGroups.createOrUpdate('found', { location: 'eastus' });
    expect((await client.resourceGroups.get('FOUND')).name).toBe('found');
    expect((await client.resourceGroups.checkExistence('found')).body).toBe(true);
    expect((await client.resourceGroups.checkExistence('lost')).body).toBe(false);
    await expect(client.resourceGroups.get('lost')).rejects.toMatchObject({
      statusCode: 404,
      code: 'ResourceGroupNotFound',
      message: expect.stringContaining("Resource group 'lost' could not be found.") as unknown,
    });
  });

  it('ResourceGroups_Update: changes tags only', async () => {
    const client = arm.resourcesClient();
    await client.resourceGroups.createOrUpdate('patched', { location: 'eastus', tags: { a: '1' } });
    expect((await client.resourceGroups.update('patched', { tags: { c: '3' } })).tags).toEqual({ c: '3' });
    expect((await client.resourceGroups.update('patched', {})).tags).toEqual({ c: '3' });
    await expect(client.resourceGroups.update('nowhere', {})).rejects.toMatchObject({ code: 'ResourceGroupNotFound' });
  });

  it('ResourceGroups_List: pages with $top and filters by tag', async () => {
    const id = await arm.addSubscription('for lists');
    const client = arm.resourcesClient(arm.owner, id);
    for (const name of ['g1', 'g2', 'g3', 'g4', 'g5']) {
      await client.resourceGroups.createOrUpdate(name, {
        location: 'eastus',
        tags: { odd: name === 'g2' || name === 'g4' ? 'no' : 'yes' },
      });
    }
    const names: string[] = [];
    let pages = 0;
    for await (const page of client.resourceGroups.list({ top: 2 }).byPage()) {
      pages++;
      names.push(...page.map((group) => group.name ?? ''));
    }
    expect(names).toEqual(['g1', 'g2', 'g3', 'g4', 'g5']);
    expect(pages).toBe(3);
    const odd: string[] = [];
    for await (const group of client.resourceGroups.list({ filter: "tagName eq 'odd' and tagValue eq 'yes'" }))
      odd.push(group.name ?? '');
    expect(odd).toEqual(['g1', 'g3', 'g5']);
  });

  it('ResourceGroups_Delete, OperationResults_Get: the group and what is in it are gone when the poll says so', async () => {
    const client = arm.resourcesClient();
    await client.resourceGroups.createOrUpdate('doomed', { location: 'eastus' });
    const vaultPath = `${groupPath('doomed').split('?')[0] ?? ''}/providers/Microsoft.KeyVault/vaults/doomed-vault?api-version=2023-02-01`;
    const vault = {
      location: 'eastus',
      properties: { tenantId: arm.tenantId, sku: { family: 'A', name: 'standard' }, accessPolicies: [] },
    };
    expect((await arm.send('PUT', vaultPath, { body: vault })).status).toBe(200);
    await client.resourceGroups.beginDeleteAndWait('doomed', { updateIntervalInMs: 1 });
    expect((await client.resourceGroups.checkExistence('doomed')).body).toBe(false);
    expect((await arm.send('GET', vaultPath)).body).toMatchObject({ error: { code: 'ResourceGroupNotFound' } });
    const deleted = await arm.keyVaultClient().vaults.getDeleted('doomed-vault', 'eastus');
    expect(deleted.properties?.vaultId).toContain('/resourceGroups/doomed/');
    const answer = await arm.send('DELETE', groupPath('doomed'));
    expect(answer).toMatchObject({ status: 404, body: { error: { code: 'ResourceGroupNotFound' } } });
  });

  it('ResourceGroups_Delete: answers 202 with an absolute Location and a small Retry-After, then 200 without a body', async () => {
    await arm.send('PUT', groupPath('raw'), { body: { location: 'eastus' } });
    const first = await arm.send('DELETE', groupPath('raw'));
    expect(first.status).toBe(202);
    expect(first.headers['retry-after']).toBe('1');
    const location = new URL(String(first.headers['location']));
    expect(location.origin).toBe(arm.endpoint);
    expect(location.searchParams.get('api-version')).toBe('2024-11-01');
    expect(await arm.send('GET', location.pathname + location.search)).toMatchObject({ status: 200, text: '' });
    const elsewhere = location.pathname.replace(/[0-9a-f]{4}$/, '0000');
    expect((await arm.send('GET', elsewhere + location.search)).status).toBe(404);
  });

  const groupPath = (name: string): string =>
    `/subscriptions/${arm.subscriptionId}/resourcegroups/${name}?api-version=2024-11-01`;
});
