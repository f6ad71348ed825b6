import type { VaultProperties } from '@azure/arm-keyvault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VaultName } from '../../../src/base/names.ts';
import { parseVaultName } from '../../../src/base/names.ts';
import { assignRole } from '../../support/arm-assignments.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

const dayMs = 86_400_000;

describe('deleted vaults', () => {
  let arm: ArmFixture;
  beforeAll(async () => {
    arm = await startArm();
    await arm.resourcesClient().resourceGroups.createOrUpdate('rg', { location: 'eastus' });
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  const create = (name: string, properties: Partial<VaultProperties> = {}, group = 'rg') =>
    arm.keyVaultClient().vaults.createOrUpdate(group, name, {
      location: 'eastus',
      tags: { kept: 'yes' },
      properties: {
        tenantId: arm.tenantId,
        sku: { family: 'A', name: 'premium' },
        accessPolicies: [],
        enableRbacAuthorization: false,
        ...properties,
      },
    });
  /** Only older api-versions can leave soft delete out. */
  const createPlain = async (): Promise<void> => {
    const path = `/subscriptions/${arm.subscriptionId}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/plain-vault`;
    const sku = { family: 'A', name: 'standard' };
    const made = await arm.send('PUT', `${path}?api-version=2018-02-14`, {
      body: { location: 'eastus', properties: { tenantId: arm.tenantId, sku, accessPolicies: [] } },
    });
    expect(made).toMatchObject({ status: 200, body: { properties: { enableSoftDelete: false } } });
  };
  const settings = (name: string) => arm.vaults.find(vaultName(name));

  it('Vaults_Delete, Vaults_ListDeleted, Vaults_GetDeleted: a deleted vault is kept for its retention', async () => {
    const { vaults } = arm.keyVaultClient();
    await create('kept-vault', { softDeleteRetentionInDays: 7, enablePurgeProtection: true });
    const deletedAt = arm.clock.now();
    await vaults.delete('rg', 'kept-vault');
    await expect(vaults.get('rg', 'kept-vault')).rejects.toMatchObject({ code: 'ResourceNotFound' });
    expect(await settings('kept-vault')).toBeUndefined();
    const deleted = await vaults.getDeleted('kept-vault', 'East US');
    expect(deleted).toMatchObject({
      id: `/subscriptions/${arm.subscriptionId}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/kept-vault`,
      type: 'Microsoft.KeyVault/deletedVaults',
      properties: {
        vaultId: `/subscriptions/${arm.subscriptionId}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kept-vault`,
        location: 'eastus',
        tags: { kept: 'yes' },
        deletionDate: new Date(deletedAt),
        scheduledPurgeDate: new Date(deletedAt + 7 * dayMs),
        purgeProtectionEnabled: true,
      },
    });
    const names: (string | undefined)[] = [];
    for await (const vault of vaults.listDeleted()) names.push(vault.name);
    expect(names).toContain('kept-vault');
    await expect(vaults.getDeleted('kept-vault', 'westus')).rejects.toMatchObject({ statusCode: 404 });
    const again = await arm.send(
      'DELETE',
      `/subscriptions/${arm.subscriptionId}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kept-vault?api-version=2023-02-01`,
    );
    expect(again.status).toBe(204);
  });

  it('Vaults_CreateOrUpdate: the name of a deleted vault is taken, and says so to its subscription only', async () => {
    await create('taken-vault');
    await arm.keyVaultClient().vaults.delete('rg', 'taken-vault');
    await expect(create('taken-vault')).rejects.toMatchObject({
      statusCode: 409,
      code: 'ConflictError',
      message: expect.stringContaining('A vault with the same name already exists in deleted state.') as unknown,
    });
    const id = await arm.addSubscription('other');
    await arm.resourcesClient(arm.owner, id).resourceGroups.createOrUpdate('rg', { location: 'eastus' });
    const properties: VaultProperties = {
      tenantId: arm.tenantId,
      sku: { family: 'A', name: 'standard' },
      accessPolicies: [],
    };
    const elsewhere = arm.keyVaultClient(arm.owner, id).vaults;
    await expect(
      elsewhere.createOrUpdate('rg', 'taken-vault', { location: 'eastus', properties }),
    ).rejects.toMatchObject({ code: 'VaultAlreadyExists' });
    await expect(elsewhere.getDeleted('taken-vault', 'eastus')).rejects.toMatchObject({ code: 'DeletedVaultNotFound' });
  });

  it('Vaults_CreateOrUpdate: recover brings back the vault and its keys, and no role assignments', async () => {
    await create('back-vault', { enablePurgeProtection: true, softDeleteRetentionInDays: 10 });
    const before = await settings('back-vault');
    const user = arm.addPrincipal('crypto user');
    const assignment = await assignRole(arm, 'Key Vault Crypto User', user.objectId, before?.resourceId ?? '');
    await arm.keyVaultClient().vaults.delete('rg', 'back-vault');
    const path = `/subscriptions/${arm.subscriptionId}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/back-vault?api-version=2023-02-01`;
    const body = {
      location: 'eastus',
      properties: { tenantId: arm.tenantId, sku: { family: 'A', name: 'standard' }, createMode: 'recover' },
    };
    expect((await arm.send('PUT', path, { body: { ...body, location: 'westus' } })).body).toMatchObject({
      error: { code: 'SoftDeletedVaultDoesNotExist' },
    });
    expect(await arm.send('PUT', path, { body })).toMatchObject({
      status: 200,
      body: {
        tags: { kept: 'yes' },
        properties: { sku: { name: 'premium' }, enablePurgeProtection: true, softDeleteRetentionInDays: 10 },
      },
    });
    expect((await settings('back-vault'))?.vaultId).toBe(before?.vaultId);
    expect((await arm.send('GET', assignment)).status).toBe(404);
    expect((await arm.send('PUT', path, { body })).body).toMatchObject({ error: { code: 'VaultAlreadyExists' } });
  });

  it('Vaults_PurgeDeleted, Vaults_PurgeResult: the contents go, the name is free, and a new vault is another one', async () => {
    const { vaults } = arm.keyVaultClient();
    await create('purged-vault');
    const before = await settings('purged-vault');
    await vaults.delete('rg', 'purged-vault');
    await vaults.purgeDeleted('purged-vault', 'eastus', { updateIntervalInMs: 1 });
    expect(arm.purgedVaults).toContain(before?.vaultId);
    await expect(vaults.getDeleted('purged-vault', 'eastus')).rejects.toMatchObject({ code: 'DeletedVaultNotFound' });
    await create('purged-vault');
    expect((await settings('purged-vault'))?.vaultId).not.toBe(before?.vaultId);
  });

  it('Vaults_PurgeDeleted: answers 202 with a Location that then says 200', async () => {
    await create('raw-purge');
    await arm.keyVaultClient().vaults.delete('rg', 'raw-purge');
    const path = `/subscriptions/${arm.subscriptionId}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/raw-purge/purge?api-version=2023-02-01`;
    const first = await arm.send('POST', path);
    expect(first).toMatchObject({ status: 202, headers: { 'retry-after': '1' } });
    const location = new URL(String(first.headers['location']));
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/) as unknown;
    expect(await arm.send('GET', location.pathname + location.search)).toMatchObject({
      status: 200,
      body: { createdDateTime: time, lastActionDateTime: time, status: 'Succeeded' },
    });
    expect((await arm.send('POST', path)).body).toEqual({
      error: {
        code: 'DeletedVaultNotFound',
        message:
          "The specified deleted vault 'raw-purge' does not exist. Ensure that the vault was indeed deleted and that it is in recoverable state. " +
          'If soft delete was not enabled then the vault is permanently deleted. Follow this link for more information: https://go.microsoft.com/fwlink/?linkid=2149745',
      },
    });
  });

  it('Vaults_PurgeDeleted: is refused under purge protection, and to those without the action', async () => {
    const { vaults } = arm.keyVaultClient();
    await create('protected-vault', { enablePurgeProtection: true });
    await vaults.delete('rg', 'protected-vault');
    await expect(vaults.purgeDeleted('protected-vault', 'eastus')).rejects.toMatchObject({
      statusCode: 405,
      code: 'MethodNotAllowed',
      message: expect.stringContaining("Operation 'DeletedVaultPurge' is not allowed.") as unknown,
    });
    const contributor = arm.addPrincipal('vault contributor');
    await assignRole(arm, 'Key Vault Contributor', contributor.objectId, `/subscriptions/${arm.subscriptionId}`);
    await expect(
      arm.keyVaultClient(contributor).vaults.purgeDeleted('protected-vault', 'eastus'),
    ).rejects.toMatchObject({ code: 'AuthorizationFailed' });
    expect((await arm.keyVaultClient(contributor).vaults.getDeleted('protected-vault', 'eastus')).name).toBe(
      'protected-vault',
    );
  });

  it('Vaults_Delete: without soft delete everything is gone at once', async () => {
    await createPlain();
    const before = await settings('plain-vault');
    await arm.keyVaultClient().vaults.delete('rg', 'plain-vault');
    expect(arm.purgedVaults).toContain(before?.vaultId);
    await expect(arm.keyVaultClient().vaults.getDeleted('plain-vault', 'eastus')).rejects.toMatchObject({
      statusCode: 404,
    });
    await createPlain();
  });

  it('Vaults_GetDeleted: the retention ends on the clock, purge protection or not', async () => {
    const { vaults } = arm.keyVaultClient();
    await create('short-vault', { softDeleteRetentionInDays: 7, enablePurgeProtection: true });
    await create('long-vault', { softDeleteRetentionInDays: 8 });
    const [short, long] = [await settings('short-vault'), await settings('long-vault')];
    await vaults.delete('rg', 'short-vault');
    await vaults.delete('rg', 'long-vault');
    await arm.clock.advance(7 * dayMs - 1);
    expect((await vaults.getDeleted('short-vault', 'eastus')).name).toBe('short-vault');
    await arm.clock.advance(1);
    await expect(vaults.getDeleted('short-vault', 'eastus')).rejects.toMatchObject({ code: 'DeletedVaultNotFound' });
    expect(arm.purgedVaults).toContain(short?.vaultId);
    expect(arm.purgedVaults).not.toContain(long?.vaultId);
    await create('short-vault');
    await arm.clock.advance(dayMs);
    expect(arm.purgedVaults).toContain(long?.vaultId);
    expect(arm.clockErrors).toEqual([]);
  });

  it('Vaults_CreateOrUpdate: shows the data plane the settings of a vault', async () => {
    await create('shown-vault', {
      enablePurgeProtection: true,
      softDeleteRetentionInDays: 12,
      networkAcls: { defaultAction: 'Deny', bypass: 'None', ipRules: [{ value: '10.0.0.0/8' }] },
    });
    expect(await settings('shown-vault')).toMatchObject({
      name: 'shown-vault',
      uri: 'https://shown-vault.vault.azure.net/',
      region: 'eastus',
      tenantId: arm.tenantId,
      sku: 'premium',
      enableRbacAuthorization: false,
      softDelete: true,
      retentionDays: 12,
      purgeProtection: true,
      networkAcls: { defaultAction: 'Deny', bypass: 'None', ipRules: ['10.0.0.0/8'] },
      publicNetworkAccess: 'Enabled',
    });
    expect(await settings('never-made')).toBeUndefined();
  });
});

function vaultName(text: string): VaultName {
  const name = parseVaultName(text);
  if (name === undefined) throw new Error(`${text} is no vault name`);
  return name;
}
