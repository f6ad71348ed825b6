import { describe, expect, it } from 'vitest';
import { clusterId, ids, parsed, userIdentityName } from './cmk-facts.fixture.ts';
import { isAtOrAbove, sameRegion, sameVaultUri } from './resource-id.ts';
import type { ClusterKey } from './facts.ts';
import type { HeldByCluster } from './resolve-target.ts';
import { identityOfCluster, resolveTarget } from './resolve-target.ts';
import { clusterIdOf, parseClusterId, parseIdentity, parseKey, parseVault, parseVersion } from './target.ts';

describe('what is named', () => {
  it.each([
    ['keys', { by: 'name', name: 'keys' }],
    ['https://Keys.vault.example', { by: 'uri', name: 'keys', uri: 'https://keys.vault.example/' }],
    ['https://keys.vault.example/', { by: 'uri', name: 'keys', uri: 'https://keys.vault.example/' }],
    [ids.vault, { by: 'id', name: 'keys' }],
    [ids.vault.toLowerCase(), { by: 'id', name: 'keys' }],
  ])('%s is a vault', (text, vault) => {
    expect(parsed(parseVault(text))).toMatchObject(vault);
  });

  it.each([
    ...['a', 'two--hyphens', "x' or 'a", 'http://keys.vault.example/', 'https://keys.vault.example/keys/k', 'https://'],
    ...['https://keys.vault.example/?x=1', 'https://h.managedhsm.example/', '', '/subscriptions/s', ids.cluster],
  ])('%j is no vault', (text) => {
    expect(parseVault(text)).toHaveProperty('problem');
  });

  it('clusters, keys, versions and identities are what Azure would take', () => {
    expect(parsed(parseClusterId(`${ids.cluster}/`)).id).toBe(ids.cluster);
    expect(parseClusterId(`${ids.cluster}/databases/db`)).toHaveProperty('problem');
    expect(clusterIdOf('nonsense', 'g', 'c')).toHaveProperty('problem');
    expect(clusterIdOf('11111111-1111-4111-8111-111111111111', 'g/x', 'c')).toHaveProperty('problem');
    expect(parseKey("k'")).toHaveProperty('problem');
    expect(parsed(parseVersion('A'.repeat(32)))).toBe('a'.repeat(32));
    expect(parseVersion('a'.repeat(31))).toHaveProperty('problem');
    expect(parsed(parseIdentity('System'))).toEqual({ kind: 'system' });
    expect(parseIdentity(ids.vault)).toHaveProperty('problem');
  });

  it('scopes, regions and addresses are compared as Azure does', () => {
    expect(isAtOrAbove(`${ids.vault.toUpperCase()}/`, `${ids.vault}/keys/k`)).toBe(true);
    expect(isAtOrAbove('/', ids.vault)).toBe(true);
    expect(isAtOrAbove(ids.vault, `${ids.vault}2/keys/k`)).toBe(false);
    expect(sameRegion('East US', 'eastus')).toBe(true);
    expect(sameVaultUri('https://K.example', 'https://k.example/')).toBe(true);
  });
});

describe('what is not named is as the cluster has it', () => {
  const key = { keyName: 'k', keyVaultUri: 'https://keys.vault.example', keyVersion: ids.version };
  const held = (own: ClusterKey): HeldByCluster => ({ key: own, userIdentities: [] });

  it('all of it, or only what is missing', () => {
    expect(parsed(resolveTarget({ cluster: clusterId }, held({ ...key, userIdentity: ids.identity })))).toMatchObject({
      vault: { by: 'uri', name: 'keys' },
      keyName: 'k',
      keyVersion: ids.version,
      identity: userIdentityName,
    });
    const system = parsed(resolveTarget({ cluster: clusterId, keyVersion: ids.otherVersion }, held(key)));
    expect(system).toMatchObject({ keyVersion: ids.otherVersion, identity: { kind: 'system' } });
  });

  it('but no version of another key', () => {
    expect(parsed(resolveTarget({ cluster: clusterId, keyName: 'other' }, held(key))).keyVersion).toBeUndefined();
    const elsewhere = { cluster: clusterId, vault: parsed(parseVault('elsewhere')) };
    expect(parsed(resolveTarget(elsewhere, held(key))).keyVersion).toBeUndefined();
  });

  it("and nothing when the key is Microsoft's", () => {
    expect(resolveTarget({ cluster: clusterId }, undefined)).toHaveProperty('problem');
    expect(resolveTarget({ cluster: clusterId, vault: parsed(parseVault('keys')) }, undefined)).toHaveProperty(
      'problem',
    );
    const named = { cluster: clusterId, vault: parsed(parseVault('keys')), keyName: 'k' };
    expect(parsed(resolveTarget(named, undefined)).identity).toEqual({ kind: 'system' });
  });

  it('and the identity that the cluster has, unless it has several', () => {
    const [own, other] = [{ id: ids.identity }, { id: `${ids.identity}2` }];
    const systemIdentity = { principalId: 'p' };
    const system = { kind: 'system' };
    expect(identityOfCluster({ userIdentities: [] })).toEqual({ value: system });
    expect(identityOfCluster({ userIdentities: [own] })).toEqual({ value: userIdentityName });
    expect(identityOfCluster({ userIdentities: [own], systemIdentity })).toEqual({ value: system });
    expect(identityOfCluster({ userIdentities: [own, other] })).toHaveProperty('problem');
    expect(identityOfCluster({ key: { ...key, userIdentity: own.id }, userIdentities: [own, other] })).toEqual({
      value: userIdentityName,
    });
  });
});
