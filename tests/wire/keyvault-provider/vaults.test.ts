import type { VaultProperties } from '@azure/arm-keyvault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

describe('vaults', () => {
  let arm: ArmFixture;
  let serial = 0;
  beforeAll(async () => {
    arm = await startArm();
    await arm.resourcesClient().resourceGroups.createOrUpdate('rg', { location: 'eastus' });
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  const newName = (): string => `vault-${++serial}`;
  const basics = () =>
    ({
      tenantId: arm.tenantId,
      sku: { family: 'A', name: 'standard' },
      accessPolicies: [],
    }) as VaultProperties;
  const pathOf = (name: string, apiVersion: string): string =>
    `/subscriptions/${arm.subscriptionId}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/${name}?api-version=${apiVersion}`;
  const put = (name: string, apiVersion: string, properties: object, rest: object = {}) =>
    arm.send('PUT', pathOf(name, apiVersion), {
      body: { location: 'eastus', properties: { ...basics(), ...properties }, ...rest },
    });
  const policy = (objectId: string, keys: readonly string[]) => ({
    tenantId: arm.tenantId as string,
    objectId,
    permissions: { keys: [...keys] },
  });
  const id1 = '11111111-1111-4111-8111-111111111111';
  const id2 = '22222222-2222-4222-8222-222222222222';

  it('Vaults_CreateOrUpdate, Vaults_Get: the JavaScript client creates a vault and reads it', async () => {
    const { vaults } = arm.keyVaultClient();
    const made = await vaults.createOrUpdate('rg', 'First-Vault', {
      location: 'East US',
      tags: { a: '1' },
      properties: { ...basics(), enablePurgeProtection: true, accessPolicies: [policy(id1, ['get', 'wrapKey'])] },
    });
    const expected = {
      id: `/subscriptions/${arm.subscriptionId}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/First-Vault`,
      name: 'First-Vault',
      type: 'Microsoft.KeyVault/vaults',
      location: 'eastus',
      tags: { a: '1' },
      properties: {
        tenantId: arm.tenantId,
        sku: { family: 'A', name: 'standard' },
        vaultUri: 'https://first-vault.vault.azure.net/',
        provisioningState: 'Succeeded',
        enableSoftDelete: true,
        softDeleteRetentionInDays: 90,
        enablePurgeProtection: true,
        enableRbacAuthorization: true,
        publicNetworkAccess: 'Enabled',
        accessPolicies: [{ objectId: id1, permissions: { keys: ['get', 'wrapKey'] } }],
      },
    };
    expect(made).toMatchObject(expected);
    const read = await vaults.get('rg', 'FIRST-vault');
    expect(read).toMatchObject(expected);
    expect(read.systemData?.createdBy).toBe(arm.owner.appId);
    expect(read.systemData?.createdAt).toEqual(new Date(arm.clock.now()));
  });

  it('Vaults_CreateOrUpdate: answers as recorded while the name is on its way into DNS; never shows what is internal', async () => {
    const name = newName();
    const first = await put(name, '2023-02-01', {});
    expect(first).toMatchObject({
      status: 200,
      headers: { 'retry-after': '1' },
      body: { properties: { vaultUri: `https://${name}.vault.azure.net`, provisioningState: 'RegisteringDns' } },
    });
    const again = { vaultUri: `https://${name}.vault.azure.net/`, provisioningState: 'Succeeded' };
    expect((await arm.send('GET', pathOf(name, '2023-02-01'))).body).toMatchObject({ properties: again });
    expect((await put(name, '2023-02-01', {})).body).toMatchObject({ properties: again });
    expect(first.text).not.toContain('vaultId');
    expect((await put(name, '2023-02-01', {})).status).toBe(200);
    expect(first.body).not.toHaveProperty('properties.enablePurgeProtection');
  });

  it('Vaults_Get: shows switches that somebody has set, on or off, and no others', async () => {
    const switches = ['enabledForDiskEncryption', 'enabledForTemplateDeployment', 'enableRbacAuthorization'];
    const name = newName();
    const shown = async () => {
      const { body } = await arm.send('GET', pathOf(name, '2023-02-01'));
      const { properties } = body as { properties: Record<string, unknown> };
      return Object.fromEntries(switches.filter((each) => each in properties).map((each) => [each, properties[each]]));
    };
    await put(name, '2023-02-01', {});
    expect(await shown()).toEqual({});
    await put(name, '2023-02-01', { enabledForDiskEncryption: true, enableRbacAuthorization: false });
    expect(await shown()).toEqual({ enabledForDiskEncryption: true, enableRbacAuthorization: false });
    await put(name, '2023-02-01', { enabledForDiskEncryption: false });
    expect(await shown()).toEqual({ enabledForDiskEncryption: false, enableRbacAuthorization: false });
  });

  it.each([
    ['2015-06-01', false, false],
    ['2018-02-14', false, false],
    ['2018-02-14-preview', false, false],
    ['2019-09-01', true, false],
    ['2023-02-01', true, false],
    ['2025-05-01', true, false],
    ['2026-02-01', true, true],
  ])(
    'Vaults_CreateOrUpdate: defaults by api-version %s: soft delete %s, RBAC %s',
    async (apiVersion, enableSoftDelete, enableRbacAuthorization) => {
      const answer = await put(newName(), apiVersion, {});
      // Who decides by policies says nothing of roles.
      const roles = enableRbacAuthorization ? { enableRbacAuthorization } : {};
      expect(answer.body).toMatchObject({ properties: { enableSoftDelete, ...roles } });
      expect(answer.text).not.toContain('"enableRbacAuthorization":false');
      const explicit = await put(newName(), apiVersion, {
        enableSoftDelete: true,
        softDeleteRetentionInDays: 7,
        enableRbacAuthorization: false,
      });
      expect(explicit.body).toMatchObject({
        properties: { enableSoftDelete: true, softDeleteRetentionInDays: 7, enableRbacAuthorization: false },
      });
    },
  );

  it('Vaults_CreateOrUpdate: soft delete cannot be left out since 2019, and is on in silence', async () => {
    const asked = { enableSoftDelete: false, enablePurgeProtection: true, softDeleteRetentionInDays: 30 };
    expect(await put(newName(), '2023-02-01', asked)).toMatchObject({
      status: 200,
      body: { properties: { ...asked, enableSoftDelete: true } },
    });
    for (const wrong of [{ enablePurgeProtection: true }, { softDeleteRetentionInDays: 30 }]) {
      const refused = await put(newName(), '2018-02-14', { enableSoftDelete: false, ...wrong });
      expect(refused).toMatchObject({ status: 400, body: { error: { code: 'BadRequest' } } });
    }
  });

  it.each([
    [
      { enablePurgeProtection: false },
      'BadRequest',
      'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.',
    ],
    [{ softDeleteRetentionInDays: 6 }, 'BadRequest', undefined],
    [{ softDeleteRetentionInDays: 91 }, 'BadRequest', undefined],
    [{ softDeleteRetentionInDays: 7.5 }, 'BadRequest', undefined],
    [{ sku: { family: 'A', name: 'gold' } }, 'BadRequest', "An invalid value was provided for 'sku.name'."],
    [{ sku: null }, 'BadRequest', "The parameter 'sku' is required."],
    [{ tenantId: null }, 'BadRequest', "The parameter 'tenantId' is required."],
    [
      { tenantId: '33333333-3333-4333-8333-333333333333' },
      'BadRequest',
      "An invalid value was provided for 'tenantId'.",
    ],
    [{ accessPolicies: null }, 'BadRequest', "The parameter 'accessPolicies' is required."],
    [{ accessPolicies: [{ objectId: 'x' }] }, 'BadRequest', "An invalid value was provided for 'accessPolicies'."],
    [{ networkAcls: { ipRules: [{ value: '300.1.1.1' }] } }, 'BadRequest', undefined],
    [{ publicNetworkAccess: 'maybe' }, 'BadRequest', undefined],
    [{ createMode: 'renew' }, 'BadRequest', undefined],
    [{ createMode: 'recover' }, 'SoftDeletedVaultDoesNotExist', undefined],
  ])('Vaults_CreateOrUpdate: refuses %j', async (properties, code, message) => {
    const answer = await put(newName(), '2023-02-01', properties);
    expect(answer.status).toBe(code === 'BadRequest' ? 400 : 404);
    expect(answer.body).toMatchObject({ error: { code, ...(message === undefined ? {} : { message }) } });
  });

  it.each(['ab', '1abc', 'ends-', 'two--hyphens', 'a'.repeat(25), 'under_score'])(
    'Vaults_CreateOrUpdate: refuses the name %j',
    async (name) => {
      expect(await put(name, '2023-02-01', {})).toMatchObject({
        status: 400,
        body: {
          error: {
            code: 'VaultNameNotValid',
            message:
              'The vault name should be string of 3 to 24 characters and can contain only numbers (0-9), letters (a-z, A-Z), and hyphens (-)',
          },
        },
      });
    },
  );

  it.each([[['get', ' list']], [['wrap']], [[1]]])(
    'Vaults_CreateOrUpdate: refuses the key permissions %j',
    async (keys) => {
      const answer = await put(newName(), '2023-02-01', { accessPolicies: [policy(id1, keys as string[])] });
      expect(answer.body).toEqual({
        error: { code: 'BadRequest', message: "An invalid value was provided for 'accessPolicies'." },
      });
    },
  );

  it('Vaults_CreateOrUpdate: refuses a principal that is listed twice', async () => {
    const answer = await put(newName(), '2023-02-01', {
      accessPolicies: [policy(id1, ['get']), policy(id1.toUpperCase(), ['list'])],
    });
    expect(answer.status).toBe(400);
  });

  it('Vaults_CreateOrUpdate: PUT replaces policies and tags and keeps what it does not name', async () => {
    const name = newName();
    await put(
      name,
      '2023-02-01',
      {
        accessPolicies: [policy(id1, ['get'])],
        enablePurgeProtection: true,
        enabledForDeployment: true,
        enableRbacAuthorization: false,
      },
      { tags: { a: '1' } },
    );
    const answer = await put(name, '2023-02-01', {
      accessPolicies: [policy(id2, ['all'])],
      enableRbacAuthorization: null,
    });
    expect(answer.body).toMatchObject({
      tags: {},
      properties: {
        accessPolicies: [{ objectId: id2 }],
        enablePurgeProtection: true,
        enabledForDeployment: true,
        enableRbacAuthorization: false,
      },
    });
  });

  it('Vaults_CreateOrUpdate, Vaults_Update: what cannot be undone is refused', async () => {
    const name = newName();
    await put(name, '2023-02-01', { enablePurgeProtection: true, softDeleteRetentionInDays: 30 });
    const patch = (properties: object) => arm.send('PATCH', pathOf(name, '2023-02-01'), { body: { properties } });
    const messageOf = (answer: { body: unknown }) => (answer.body as { error: { message: string } }).error.message;
    expect(messageOf(await patch({ enablePurgeProtection: false }))).toContain('irreversible');
    expect(messageOf(await patch({ enableSoftDelete: false }))).toContain('"enableSoftDelete" cannot be set to false');
    expect(messageOf(await patch({ softDeleteRetentionInDays: 31 }))).toBe(
      'The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.',
    );
    expect((await patch({ softDeleteRetentionInDays: 30, enablePurgeProtection: true })).status).toBe(200);
    const moved = await arm.send('PUT', pathOf(name, '2023-02-01'), {
      body: { location: 'westus', properties: basics() },
    });
    expect(moved).toMatchObject({ status: 409, body: { error: { code: 'InvalidResourceLocation' } } });
  });

  it('Vaults_Update: turns soft delete and purge protection on in a vault that began without', async () => {
    const name = newName();
    await put(name, '2018-02-14', {});
    const updated = await arm.keyVaultClient().vaults.update('rg', name, {
      tags: { b: '2' },
      properties: {
        enableSoftDelete: true,
        enablePurgeProtection: true,
        networkAcls: { defaultAction: 'Deny', ipRules: [{ value: '1.2.3.4' }] },
      },
    });
    expect(updated).toMatchObject({
      tags: { b: '2' },
      properties: {
        enableSoftDelete: true,
        softDeleteRetentionInDays: 90,
        enablePurgeProtection: true,
        networkAcls: { bypass: 'AzureServices', defaultAction: 'Deny', ipRules: [{ value: '1.2.3.4/32' }] },
      },
    });
    await expect(arm.keyVaultClient().vaults.update('rg', 'no-such-vault', {})).rejects.toMatchObject({
      code: 'ResourceNotFound',
    });
  });

  it('Vaults_UpdateAccessPolicy: adds, replaces and removes', async () => {
    const name = newName();
    const { vaults } = arm.keyVaultClient();
    await put(name, '2023-02-01', { accessPolicies: [policy(id1, ['get'])] });
    const change = async (kind: 'add' | 'replace' | 'remove', policies: ReturnType<typeof policy>[]) => {
      const answer = await vaults.updateAccessPolicy('rg', name, kind, { properties: { accessPolicies: policies } });
      return Object.fromEntries(
        answer.properties.accessPolicies.map((entry) => [entry.objectId, entry.permissions.keys]),
      );
    };
    expect(await change('add', [policy(id1, ['GET', 'wrapKey']), policy(id2, ['unwrapKey'])])).toEqual({
      [id1]: ['get', 'wrapKey'],
      [id2]: ['unwrapKey'],
    });
    expect(await change('replace', [policy(id1, ['recover'])])).toEqual({ [id1]: ['recover'], [id2]: ['unwrapKey'] });
    expect(await change('remove', [policy(id2, ['unwrapkey'])])).toEqual({ [id1]: ['recover'] });
    expect((await vaults.get('rg', name)).properties.accessPolicies?.length).toBe(1);
    const path = pathOf(name, '2023-02-01').replace('?', '/accessPolicies/swap?');
    expect((await arm.send('PUT', path, { body: { properties: { accessPolicies: [] } } })).status).toBe(400);
  });

  it('Vaults_ListByResourceGroup, Vaults_ListBySubscription: list with $top', async () => {
    const id = await arm.addSubscription('for lists');
    const groups = arm.resourcesClient(arm.owner, id).resourceGroups;
    const { vaults } = arm.keyVaultClient(arm.owner, id);
    for (const group of ['one', 'two']) {
      await groups.createOrUpdate(group, { location: 'eastus' });
      for (const n of [1, 2])
        await vaults.createOrUpdate(group, `list-${group}-${n}`, { location: 'eastus', properties: basics() });
    }
    const names: (string | undefined)[] = [];
    for await (const vault of vaults.listByResourceGroup('one', { top: 1 })) names.push(vault.name);
    expect(names).toEqual(['list-one-1', 'list-one-2']);
    const all: (string | undefined)[] = [];
    for await (const vault of vaults.listBySubscription()) all.push(vault.name);
    expect(all).toEqual(['list-one-1', 'list-one-2', 'list-two-1', 'list-two-2']);
    const generic: (string | undefined)[] = [];
    for await (const vault of vaults.list()) generic.push(vault.name);
    expect(generic).toEqual(all);
  });

  it('Vaults_CheckNameAvailability: says what is wrong with a name', async () => {
    const { vaults } = arm.keyVaultClient();
    const name = newName();
    const check = (sent: string) => vaults.checkNameAvailability({ name: sent, type: 'Microsoft.KeyVault/vaults' });
    expect(await check(name)).toEqual({ nameAvailable: true });
    await put(name, '2023-02-01', {});
    expect(await check(name)).toMatchObject({
      nameAvailable: false,
      reason: 'AlreadyExists',
      message: expect.stringContaining(`The vault name '${name}' is already in use.`) as unknown,
    });
    expect(await check('reserved-vault')).toMatchObject({ nameAvailable: false, reason: 'AlreadyExists' });
    expect(await check('no_good')).toMatchObject({ nameAvailable: false, reason: 'AccountNameInvalid' });
  });

  it('Vaults_CreateOrUpdate: names are unique over subscriptions, and reserved ones are taken', async () => {
    const id = await arm.addSubscription('other');
    await arm.resourcesClient(arm.owner, id).resourceGroups.createOrUpdate('rg', { location: 'eastus' });
    const name = newName();
    await put(name, '2023-02-01', {});
    const create = (vaultName: string) =>
      arm
        .keyVaultClient(arm.owner, id)
        .vaults.createOrUpdate('rg', vaultName, { location: 'eastus', properties: basics() });
    await expect(create(name)).rejects.toMatchObject({ statusCode: 409, code: 'VaultAlreadyExists' });
    await expect(create('reserved-vault')).rejects.toMatchObject({ statusCode: 409, code: 'VaultAlreadyExists' });
  });

  it('Vaults_CreateOrUpdate: of many at the same time one wins', async () => {
    const name = newName();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => put(name, '2023-02-01', {}, { tags: { n: String(n) } })),
    );
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(answers.filter(({ text }) => text.includes('RegisteringDns'))).toHaveLength(1);
  });

  it('ManagedHsms_ListBySubscription, ManagedHsms_ListByResourceGroup, ManagedHsms_ListDeleted: are empty', async () => {
    const { managedHsms } = arm.keyVaultClient();
    expect((await managedHsms.listBySubscription().next()).done).toBe(true);
    expect((await managedHsms.listByResourceGroup('rg').next()).done).toBe(true);
    expect((await managedHsms.listDeleted().next()).done).toBe(true);
  });

  it('Operations_List: names the actions of the provider', async () => {
    const names: (string | undefined)[] = [];
    for await (const operation of arm.keyVaultClient().operations.list()) names.push(operation.name);
    expect(names).toEqual(
      expect.arrayContaining([
        'Microsoft.KeyVault/vaults/read',
        'Microsoft.KeyVault/locations/deletedVaults/purge/action',
      ]),
    );
  });
});
