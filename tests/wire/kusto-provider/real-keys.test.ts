import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServerKeys } from '../../support/real-keys-fixture.ts';
import type { RealKeys } from '../../support/real-keys-fixture.ts';

let real: RealKeys;
beforeAll(async () => {
  real = await createServerKeys();
});
afterAll(() => real.close());

const state = async (name: string): Promise<string | undefined> =>
  (await real.azure.kusto.clusters.get(real.group, name)).state;

describe('clusters under real keys', () => {
  it('Clusters_CreateOrUpdate: with a key at creation, through a user-assigned identity', async () => {
    const userIdentity = await real.userAssigned('user-one');
    await real.grant(userIdentity.principalId);
    const key = await real.newKey('created');
    const cluster = await real.azure.kusto.clusters.beginCreateOrUpdateAndWait(real.group, 'created1', {
      ...real.clusterBody,
      identity: { type: 'UserAssigned', userAssignedIdentities: { [userIdentity.id]: {} } },
      keyVaultProperties: { ...key, userIdentity: userIdentity.id },
    });
    expect(cluster).toMatchObject({ state: 'Running', keyVaultProperties: key, provisioningState: 'Succeeded' });
  });

  it('Clusters_Stop, Clusters_Start: a stopped cluster is not checked, and starts only with its key', async () => {
    const { name, principalId } = await real.clusterWithKey('stopped1');
    await real.azure.kusto.clusters.beginStopAndWait(real.group, name);
    await real.revoke(principalId);
    await real.checkKeys();
    expect(await state(name)).toBe('Stopped');
    await expect(real.azure.kusto.clusters.beginStartAndWait(real.group, name)).rejects.toThrow(
      /IdentityDoesNotHaveAccessToKeyVault. \[BadRequest\] Cluster identity does not have access to KeyVault 'https:/,
    );
    expect(await state(name)).toBe('Unavailable');
    await real.grant(principalId);
    await real.azure.kusto.clusters.beginStartAndWait(real.group, name);
    expect(await state(name)).toBe('Running');
  });

  it('Clusters_Update: revocation is not undone by another key, by none, or by the latest version', async () => {
    const { name, principalId, key } = await real.clusterWithKey('revoked1');
    const other = await real.newKey('othervault', { ownVault: true });
    await real.revoke(principalId);
    await real.checkKeys();
    expect(await state(name)).toBe('Unavailable');
    const versionless = { keyName: key.keyName, keyVaultUri: key.keyVaultUri };
    await real.grant(principalId, other.keyVaultUri);
    for (const keyVaultProperties of [other, {}, versionless]) {
      const change = real.azure.kusto.clusters.beginUpdateAndWait(real.group, name, { keyVaultProperties });
      await expect(change).rejects.toMatchObject({ statusCode: 400, code: 'IdentityDoesNotHaveAccessToKeyVault' });
    }
    expect((await real.azure.kusto.clusters.get(real.group, name)).keyVaultProperties).toMatchObject(key);
    await real.grant(principalId);
    await real.checkKeys();
    expect(await state(name)).toBe('Running');
  });

  it('Clusters_Update: another identity with the same key brings a suspended cluster back', async () => {
    const { name, principalId, key } = await real.clusterWithKey('repaired1');
    const userIdentity = await real.userAssigned('user-two');
    await real.grant(userIdentity.principalId);
    await real.revoke(principalId);
    await real.checkKeys();
    expect(await state(name)).toBe('Unavailable');
    const repaired = await real.azure.kusto.clusters.beginUpdateAndWait(real.group, name, {
      identity: { type: 'SystemAssigned, UserAssigned', userAssignedIdentities: { [userIdentity.id]: {} } },
      keyVaultProperties: { ...key, userIdentity: userIdentity.id },
    });
    expect(repaired.state).toBe('Running');
  });

  it('Clusters_Update: an identity that is taken away suspends; a new one has to be granted access', async () => {
    const { name, principalId } = await real.clusterWithKey('identity1');
    await real.azure.kusto.clusters.beginUpdateAndWait(real.group, name, { identity: { type: 'None' } });
    expect(await state(name)).toBe('Unavailable');
    const { identity } = await real.azure.kusto.clusters.beginUpdateAndWait(real.group, name, {
      identity: { type: 'SystemAssigned' },
    });
    expect(identity?.principalId).not.toBe(principalId);
    expect(await state(name)).toBe('Unavailable');
    await real.grant(identity?.principalId ?? '');
    await real.checkKeys();
    expect(await state(name)).toBe('Running');
  });

  it('Clusters_Update: without a version the cluster follows the latest one', async () => {
    const { name, key } = await real.clusterWithKey('latest1');
    await real.azure.kusto.clusters.beginUpdateAndWait(real.group, name, {
      keyVaultProperties: { keyName: key.keyName, keyVaultUri: key.keyVaultUri },
    });
    const latest = await real.newKey(key.keyName, { exactName: true });
    await real.checkKeys();
    await real.disable(key);
    await real.checkKeys();
    expect(await state(name)).toBe('Running');
    await real.disable(latest);
    await real.checkKeys();
    expect(await state(name)).toBe('Unavailable');
  });

  it('Clusters_Update: without a version the cluster follows a key that its policy rotates', async () => {
    const { name, key } = await real.clusterWithKey('rotated1');
    const { keyName, keyVaultUri } = key;
    await real.azure.kusto.clusters.beginUpdateAndWait(real.group, name, {
      keyVaultProperties: { keyName, keyVaultUri },
    });
    const lifetimeActions = [{ action: 'Rotate', timeAfterCreate: 'P7D' }] as const;
    await real.azure.keysOf(keyVaultUri).updateKeyRotationPolicy(keyName, { lifetimeActions: [...lifetimeActions] });
    await real.advance(8 * 86_400_000);
    const { properties } = await real.azure.keysOf(keyVaultUri).getKey(keyName);
    expect(properties.version).not.toBe(key.keyVersion);
    await real.checkKeys();
    await real.disable(key);
    await real.checkKeys();
    expect(await state(name)).toBe('Running');
  });

  it('Clusters_Update: a vault in another subscription of the same region serves; one in another region does not', async () => {
    const { name, principalId } = await real.clusterWithKey('elsewhere1');
    const there = await real.newKey('elsewhere', { ownVault: true, otherSubscription: true });
    await real.grant(principalId, there.keyVaultUri);
    const moved = await real.azure.kusto.clusters.beginUpdateAndWait(real.group, name, { keyVaultProperties: there });
    expect(moved).toMatchObject({ state: 'Running', keyVaultProperties: there });
    const abroad = await real.newKey('abroad', { ownVault: true, location: 'northeurope' });
    await real.grant(principalId, abroad.keyVaultUri);
    const change = real.azure.kusto.clusters.beginUpdateAndWait(real.group, name, { keyVaultProperties: abroad });
    await expect(change).rejects.toMatchObject({ statusCode: 400, code: 'KeyVaultNotFound' });
  });
});
