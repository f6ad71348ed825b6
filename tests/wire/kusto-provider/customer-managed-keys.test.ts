import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cluster, ClusterUpdate } from '@azure/arm-kusto';
import { createClusterAccess } from '../../../src/providers/kusto/cluster-access.ts';
import { parseHostName } from '../../../src/base/names.ts';
import { failure, testGuid } from '../../support/fake-cluster-keys.ts';
import { groupName, startKustoFixture, subscriptionId } from '../../support/kusto-fixture.ts';
import type { KustoFixture } from '../../support/kusto-fixture.ts';

const sku = { name: 'Standard_E2ads_v5', tier: 'Standard', capacity: 2 };
const vaultUri = 'https://MyVault.vault.azure.net/';
const keyVersion = 'A'.repeat(32);
const key = { keyName: 'myKey', keyVersion, keyVaultUri: vaultUri };
const userIdentity = `/subscriptions/${subscriptionId}/resourceGroups/${groupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u1`;
const path = `/subscriptions/${subscriptionId}/resourceGroups/${groupName}/providers/Microsoft.Kusto/clusters/c1test?api-version=2024-04-13`;

let fixture: KustoFixture;
beforeEach(async () => {
  fixture = await startKustoFixture();
  fixture.userAssigned.set(userIdentity.toLowerCase(), { principalId: testGuid('b'), clientId: testGuid('d') });
});
afterEach(() => fixture.close());

const create = (extra: Partial<Cluster> = {}): Promise<Cluster> =>
  fixture.client.clusters.beginCreateOrUpdateAndWait(groupName, 'c1test', { location: 'eastus', sku, ...extra });
const update = (change: ClusterUpdate): Promise<Cluster> =>
  fixture.client.clusters.beginUpdateAndWait(groupName, 'c1test', change);
const withIdentity = (): Promise<Cluster> => create({ identity: { type: 'SystemAssigned' } });

/** What a user of the JavaScript SDK sees: status, code, message. */
const refused = (code: string, message: string): object => ({
  statusCode: 400,
  code,
  details: { error: { code, message } },
});

describe('customer-managed keys', () => {
  it('Clusters_Update: sets a key, shows it as sent, and is idempotent', async () => {
    await withIdentity();
    const after = await update({ keyVaultProperties: key });
    expect(after).toMatchObject({ provisioningState: 'Succeeded', keyVaultProperties: key });
    expect(fixture.keys.calls).toEqual(
      expect.arrayContaining([
        `preflight myKey as ${after.identity?.principalId ?? ''}`,
        'change to customer',
        'committed',
      ]),
    );
    const again = await update({
      keyVaultProperties: { ...key, keyVaultUri: 'https://myvault.vault.azure.net', keyName: 'MYKEY' },
    });
    expect(again.etag).toBe(after.etag);
  });

  it.each([null, {}, { keyName: '', keyVersion: '', keyVaultUri: '' }])(
    'Clusters_Update: %j means Microsoft-managed',
    async (none) => {
      await withIdentity();
      await update({ keyVaultProperties: key });
      const answer = await fixture.send('PATCH', path, { properties: { keyVaultProperties: none } });
      expect(answer.status).toBe(202);
      const after = await fixture.send('GET', path);
      expect(after.body).toMatchObject({
        properties: { keyVaultProperties: null },
        identity: { type: 'SystemAssigned' },
      });
      expect(fixture.keys.calls).toContain('change to microsoftManaged');
      expect((await fixture.send('PATCH', path, { properties: { keyVaultProperties: none } })).status).toBe(200);
    },
  );

  it('Clusters_CreateOrUpdate: a PUT without keyVaultProperties keeps the key, one with null does not', async () => {
    await withIdentity();
    await update({ keyVaultProperties: key });
    expect((await fixture.send('PUT', path, { location: 'eastus', sku, properties: {} })).body).toMatchObject({
      properties: { keyVaultProperties: key },
    });
    await fixture.send('PUT', path, { location: 'eastus', sku, properties: { keyVaultProperties: null } });
    expect((await fixture.send('GET', path)).body).toMatchObject({ properties: { keyVaultProperties: null } });
  });

  it('Clusters_CreateOrUpdate: CannotProvideKeyVaultPropertiesDuringCreation, whatever else is wrong', async () => {
    const expected = refused(
      'CannotProvideKeyVaultPropertiesDuringCreation',
      'Cannot provide KeyVaultProperties during cluster creation.',
    );
    await expect(create({ keyVaultProperties: key })).rejects.toMatchObject(expected);
    await expect(
      create({ keyVaultProperties: { keyName: 'x' }, identity: { type: 'SystemAssigned' } }),
    ).rejects.toMatchObject(expected);
    expect(fixture.principals.size).toBe(0);
  });

  it('Clusters_CreateOrUpdate: a user-assigned identity makes a key at creation possible', async () => {
    const created = await create({
      identity: { type: 'UserAssigned', userAssignedIdentities: { [userIdentity]: {} } },
      keyVaultProperties: { ...key, userIdentity: userIdentity.toUpperCase() },
    });
    expect(created.keyVaultProperties).toMatchObject(key);
    expect(fixture.keys.calls).toEqual(
      expect.arrayContaining([`preflight myKey as ${testGuid('b')}`, 'create customer']),
    );
  });

  it('Clusters_Update: KeyVaultPropertiesOnlyForSystemAssignedResources wins over malformed properties', async () => {
    await create();
    const expected = refused(
      'KeyVaultPropertiesOnlyForSystemAssignedResources',
      'KeyVaultProperties can be provided only for resources with SystemAssigned Identity.',
    );
    await expect(update({ keyVaultProperties: key })).rejects.toMatchObject(expected);
    await expect(update({ keyVaultProperties: { keyName: 'x' } })).rejects.toMatchObject(expected);
  });

  it.each([
    { keyName: 'x' },
    { keyVaultUri: vaultUri },
    { ...key, keyVaultUri: 'http://myvault.vault.azure.net' },
    { ...key, keyVaultUri: 'https://myvault.vault.azure.net/keys/x' },
    { ...key, keyName: 'a/b' },
    { ...key, keyVersion: '12' },
    { ...key, userIdentity: `${userIdentity}x` },
  ])('Clusters_Update: InvalidKeyVaultProperties for %j', async (wrong) => {
    await withIdentity();
    await expect(update({ keyVaultProperties: wrong })).rejects.toMatchObject(
      refused('InvalidKeyVaultProperties', 'The provided KeyVaultProperties are invalid.'),
    );
    expect(fixture.keys.calls.filter((call) => call.startsWith('preflight'))).toEqual([]);
  });

  it.each([
    [
      { outcome: 'vaultNotFound', why: 'noSuchHost' } as const,
      'KeyVaultNotFound',
      `KeyVault '${vaultUri}' was not found`,
    ],
    [
      { outcome: 'vaultNotFound', why: 'otherRegion', found: 'westus' } as const,
      'KeyVaultNotFound',
      `KeyVault '${vaultUri}' was not found`,
    ],
    [
      { outcome: 'noAccess', operation: 'wrapKey', failure: failure('forbiddenByPolicy') } as const,
      'IdentityDoesNotHaveAccessToKeyVault',
      `Cluster identity does not have access to KeyVault '${vaultUri}'`,
    ],
    [
      { outcome: 'notUsableNow', why: 'disabled' } as const,
      'IdentityDoesNotHaveAccessToKeyVault',
      `Cluster identity does not have access to KeyVault '${vaultUri}'`,
    ],
    [
      { outcome: 'keyNotFound', failure: failure('keyNotFound') } as const,
      'KeyNotFound',
      `Key 'myKey' was not found in KeyVault '${vaultUri}'`,
    ],
    [
      { outcome: 'softDeleteOff' } as const,
      'KeyVaultNotSoftDeleteEnabled',
      `KeyVault '${vaultUri}' is not Soft-Delete enabled`,
    ],
    [
      { outcome: 'purgeProtectionOff' } as const,
      'KeyVaultNotPurgeProtected',
      `KeyVault '${vaultUri}' is not Purge Protected`,
    ],
    [
      { outcome: 'wrongType', found: 'EC' } as const,
      'InvalidKeyVaultProperties',
      'The provided KeyVaultProperties are invalid.',
    ],
  ])('Clusters_Update: %j gives %s, with cause and remedy, and changes nothing', async (found, code, message) => {
    const before = await withIdentity();
    fixture.keys.preflightAnswer = () => found;
    const sent = await fixture.send('PATCH', path, { properties: { keyVaultProperties: key } });
    expect(sent.status).toBe(400);
    expect(sent.body).toMatchObject({
      error: { code, message, details: [{ target: 'keyVaultProperties' }, { code: 'Remedy' }] },
    });
    await expect(update({ keyVaultProperties: key })).rejects.toMatchObject(refused(code, message));
    expect((await fixture.client.clusters.get(groupName, 'c1test')).etag).toBe(before.etag);
  });

  it('Clusters_Update: the details name what is missing and the identity that needs it', async () => {
    const { identity } = await withIdentity();
    fixture.keys.preflightAnswer = () => ({
      outcome: 'noAccess',
      operation: 'unwrapKey',
      failure: failure('forbiddenByPolicy'),
    });
    const { body } = await fixture.send('PATCH', path, { properties: { keyVaultProperties: key } });
    const text = JSON.stringify(body);
    expect(text).toContain("'unwrapKey'");
    expect(text).toContain(
      `az keyvault set-policy --name myvault --object-id ${identity?.principalId ?? ''} --key-permissions get wrapKey unwrapKey`,
    );
  });

  it('Clusters_Update: a vault that cannot be asked gives 503 and nothing changes', async () => {
    await withIdentity();
    fixture.keys.preflightAnswer = () => ({ outcome: 'unavailable', failure: failure('throttled', 'outage') });
    await expect(update({ keyVaultProperties: key })).rejects.toMatchObject({
      statusCode: 503,
      code: 'ServiceUnavailable',
    });
  });

  it('Clusters_Update: while the current key does not unwrap, no change starts, and the error names the old vault and key', async () => {
    await withIdentity();
    await update({ keyVaultProperties: key });
    fixture.keys.lost = failure('forbiddenByPolicy');
    const expected = refused(
      'IdentityDoesNotHaveAccessToKeyVault',
      `Cluster identity does not have access to KeyVault '${vaultUri}'`,
    );
    const other = { keyName: 'other', keyVersion, keyVaultUri: 'https://other.vault.azure.net' };
    await expect(update({ keyVaultProperties: other })).rejects.toMatchObject(expected);
    await expect(update({ keyVaultProperties: {} })).rejects.toMatchObject(expected);
    const { body } = await fixture.send('PATCH', path, { properties: { keyVaultProperties: {} } });
    expect(JSON.stringify(body)).toContain(`key 'myKey' in KeyVault '${vaultUri}'`);
    expect(fixture.keys.calls).not.toContain('change to microsoftManaged then committed');
    expect((await fixture.client.clusters.get(groupName, 'c1test')).keyVaultProperties).toMatchObject(key);
  });

  it('Clusters_Start: a suspended cluster shows Unavailable and why; start asks again at once', async () => {
    await withIdentity();
    await update({ keyVaultProperties: key });
    const { clusterId } = await accessTo();
    fixture.keys.lost = failure('keyDisabled');
    await fixture.keys.recheck(clusterId);
    expect(await fixture.client.clusters.get(groupName, 'c1test')).toMatchObject({
      state: 'Unavailable',
      stateReason: 'The key is out of reach: keyDisabled.',
    });
    let result = '';
    const onResponse = ({ parsedBody }: { readonly parsedBody?: unknown }): void => {
      result = JSON.stringify(parsedBody);
    };
    await expect(fixture.client.clusters.beginStartAndWait(groupName, 'c1test', { onResponse })).rejects.toThrow(
      `IdentityDoesNotHaveAccessToKeyVault. [BadRequest] Cluster identity does not have access to KeyVault '${key.keyVaultUri}'`,
    );
    expect(JSON.parse(result)).toMatchObject({
      status: 'Failed',
      properties: { operationKind: 'ClusterResume' },
      error: {
        code: 'IdentityDoesNotHaveAccessToKeyVault',
        details: [
          { code: 'KeyDisabled' },
          { code: 'Remedy', message: expect.stringContaining('--enabled true') as string },
        ],
      },
    });
    fixture.keys.lost = undefined;
    await fixture.client.clusters.beginStartAndWait(groupName, 'c1test');
    expect(await fixture.client.clusters.get(groupName, 'c1test')).toMatchObject({
      state: 'Running',
      stateReason: '',
      provisioningState: 'Succeeded',
    });
  });

  it('Clusters_Update: another identity with the same key repairs a suspended cluster', async () => {
    await create({
      identity: { type: 'SystemAssigned, UserAssigned', userAssignedIdentities: { [userIdentity]: {} } },
    });
    await update({ keyVaultProperties: key });
    const { clusterId } = await accessTo();
    fixture.keys.lost = failure('forbiddenByPolicy');
    await fixture.keys.recheck(clusterId);
    fixture.keys.lost = undefined;
    const after = await update({ keyVaultProperties: { ...key, userIdentity } });
    expect(after).toMatchObject({ state: 'Running', keyVaultProperties: { userIdentity } });
    expect(fixture.keys.calls).toEqual(
      expect.arrayContaining([`preflight myKey as ${testGuid('b')}`, `useIdentity ${testGuid('b')}`]),
    );
    expect((await fixture.keys.status(clusterId))?.custody).toMatchObject({
      key: { identity: testGuid('b'), userIdentity },
    });
  });

  it('Clusters_Update: a system-assigned identity that was removed and added is another principal, and the key follows it', async () => {
    const first = await withIdentity();
    await update({ keyVaultProperties: key });
    await update({ identity: { type: 'None' } });
    const { clusterId } = await accessTo();
    expect(fixture.principals.size).toBe(0);
    expect((await fixture.keys.status(clusterId))?.custody).toMatchObject({
      key: { identity: '00000000-0000-0000-0000-000000000000' },
    });
    const second = await update({ identity: { type: 'SystemAssigned' } });
    expect(second.identity?.principalId).not.toBe(first.identity?.principalId);
    expect((await fixture.keys.status(clusterId))?.custody).toMatchObject({
      key: { identity: second.identity?.principalId },
    });
    expect(second.keyVaultProperties).toMatchObject(key);
  });
});

describe('identities of a cluster', () => {
  it('Clusters_Update: the type comes with and without the space, user-assigned ones are added by id and removed by null', async () => {
    await withIdentity();
    const both = await fixture.send('PATCH', path, {
      identity: { type: 'SystemAssigned,UserAssigned', userAssignedIdentities: { [userIdentity]: {} } },
    });
    expect(both.body).toMatchObject({
      identity: {
        type: 'SystemAssigned, UserAssigned',
        userAssignedIdentities: { [userIdentity]: { principalId: testGuid('b'), clientId: testGuid('d') } },
      },
    });
    const only = await update({ identity: { type: 'UserAssigned' } });
    expect(only.identity).toEqual({
      type: 'UserAssigned',
      userAssignedIdentities: { [userIdentity]: { principalId: testGuid('b'), clientId: testGuid('d') } },
    });
    expect(fixture.principals.size).toBe(0);
    await fixture.send('PATCH', path, { identity: { type: 'SystemAssigned, UserAssigned' } });
    await fixture.send('PATCH', path, {
      identity: {
        type: 'SystemAssigned, UserAssigned',
        userAssignedIdentities: { [userIdentity.toLowerCase()]: null },
      },
    });
    expect((await fixture.client.clusters.get(groupName, 'c1test')).identity?.type).toBe('SystemAssigned');
  });

  it('Clusters_Update: an identity made anew under the same id is taken only by who names it', async () => {
    const both = { type: 'SystemAssigned, UserAssigned', userAssignedIdentities: { [userIdentity]: {} } };
    await create({ identity: both });
    const other = userIdentity.replace(/u1$/, 'u2');
    fixture.userAssigned.set(userIdentity.toLowerCase(), { principalId: testGuid('1'), clientId: testGuid('2') });
    fixture.userAssigned.set(other.toLowerCase(), { principalId: testGuid('3'), clientId: testGuid('4') });
    const principal = async (): Promise<string | undefined> => {
      const { identity } = await fixture.client.clusters.get(groupName, 'c1test');
      return identity?.userAssignedIdentities?.[userIdentity]?.principalId;
    };
    for (const identity of [{ type: 'UserAssigned' }, { ...both, userAssignedIdentities: { [other]: {} } }]) {
      await update({ identity });
      expect(await principal()).toBe(testGuid('b'));
    }
    await update({ identity: both });
    expect(await principal()).toBe(testGuid('1'));
  });

  it('Clusters_Update: an unknown user-assigned identity is refused and leaves no principal behind', async () => {
    await create();
    const wrong = { type: 'SystemAssigned, UserAssigned', userAssignedIdentities: { [`${userIdentity}x`]: {} } };
    await expect(update({ identity: wrong })).rejects.toMatchObject({
      statusCode: 400,
      code: 'FailedIdentityOperation',
    });
    await expect(update({ identity: { type: 'UserAssigned' } })).rejects.toMatchObject({ statusCode: 400 });
    expect(fixture.principals.size).toBe(0);
  });

  it('Clusters_Update: a principal made for an update that is refused goes again', async () => {
    await create();
    fixture.keys.preflightAnswer = () => ({ outcome: 'softDeleteOff' });
    await expect(update({ identity: { type: 'SystemAssigned' }, keyVaultProperties: key })).rejects.toMatchObject({
      code: 'KeyVaultNotSoftDeleteEnabled',
    });
    expect(fixture.principals.size).toBe(0);
    expect((await fixture.client.clusters.get(groupName, 'c1test')).identity).toBeUndefined();
  });
});

async function accessTo(): Promise<{ clusterId: ReturnType<typeof testGuid> }> {
  const host = parseHostName('c1test.eastus.kusto.windows.net');
  const found = host === undefined ? undefined : await createClusterAccess(fixture.ports).findByHost(host);
  if (found === undefined) throw new Error('the cluster has a host name');
  return found;
}
