import { describe, expect, it } from 'vitest';
import { cluster, facts, ids, now, serviceRole, target, vault, without } from './cmk-facts.fixture.ts';
import type { Facts } from './facts.ts';
import type { PlanCase } from './plan-cases.fixture.ts';
import {
  asUser,
  judge,
  matching,
  noSystem,
  noVault,
  roles,
  withCluster,
  withKey,
  withVault,
} from './plan-cases.fixture.ts';

const cases: readonly PlanCase[] = [
  {
    name: 'is there',
    step: 'key',
    facts,
    is: { state: 'done', found: `RSA 3072, version ${ids.version}, the newest` },
  },
  {
    name: 'expires some time',
    step: 'key',
    target: { keyVersion: ids.version },
    facts: withKey({ expiresOn: new Date('2026-01-02T00:00:00Z') }),
    is: { state: 'done', found: `RSA 3072, version ${ids.version}, expires 2026-01-02` },
  },
  { name: 'of no vault', step: 'key', facts: noVault, is: { state: 'unknown' } },
  {
    name: 'was not asked for',
    step: 'key',
    facts: { ...facts, key: { outcome: 'notAsked' } },
    is: { state: 'unknown' },
  },
  {
    name: 'is not shown to us',
    step: 'key',
    facts: { ...facts, key: { outcome: 'refused', message: '403 Forbidden: no' } },
    is: {
      state: 'inTheWay',
      note: matching('403 Forbidden: no'),
      remedy: matching('az keyvault set-policy --name keys --object-id YOUR_OBJECT_ID'),
    },
  },
  {
    name: 'is not shown to us by roles',
    step: 'key',
    facts: { ...withVault({ model: 'roles' }), key: { outcome: 'refused', message: '403 Forbidden: no' } },
    is: {
      state: 'inTheWay',
      remedy: matching("--role 'Key Vault Crypto Officer' --assignee-object-id YOUR_OBJECT_ID"),
    },
  },
  {
    name: 'is behind a firewall',
    step: 'key',
    facts: { ...facts, key: { outcome: 'refused', message: '403 Forbidden: Client address is not authorized' } },
    is: { state: 'inTheWay', remedy: 'az keyvault network-rule add --name keys --ip-address YOUR_ADDRESS' },
  },
  {
    name: 'is not there',
    step: 'key',
    facts: { ...facts, key: { outcome: 'missing', deleted: false } },
    is: { state: 'inTheWay', remedy: 'az keyvault key create --vault-name keys --name k --kty RSA --size 3072' },
  },
  {
    name: 'may be created',
    step: 'key',
    facts: { ...facts, key: { outcome: 'missing', deleted: false } },
    options: { createKey: true, keySizeBits: 4096 },
    is: { state: 'toDo', change: { kind: 'createKey', vaultUri: vault.uri, keyName: 'k', sizeBits: 4096 } },
  },
  {
    name: 'of a version that is not there is never created',
    step: 'key',
    target: { keyVersion: ids.otherVersion },
    facts: { ...facts, key: { outcome: 'missing', deleted: false } },
    options: { createKey: true },
    is: { state: 'inTheWay', remedy: 'az keyvault key list-versions --vault-name keys --name k' },
  },
  {
    name: 'is deleted',
    step: 'key',
    facts: { ...facts, key: { outcome: 'missing', deleted: true } },
    options: { createKey: true },
    is: { state: 'inTheWay', remedy: 'az keyvault key recover --vault-name keys --name k' },
  },
  {
    name: 'is no RSA key',
    step: 'key',
    facts: withKey({ keyType: 'EC' }),
    is: { state: 'inTheWay', note: matching('RSA') },
  },
  { name: 'of an HSM counts', step: 'key', facts: withKey({ keyType: 'RSA-HSM' }), is: { state: 'done' } },
  {
    name: 'is too small',
    step: 'key',
    facts: withKey({ sizeBits: 1024 }),
    is: { state: 'inTheWay', note: matching('2048') },
  },
  {
    name: 'is disabled',
    step: 'key',
    facts: withKey({ enabled: false }),
    is: { state: 'inTheWay', remedy: matching(`--version ${ids.version} --enabled true`) },
  },
  {
    name: 'is not yet valid',
    step: 'key',
    facts: withKey({ notBefore: new Date('2026-01-01T00:00:01Z') }),
    is: { state: 'inTheWay', note: matching('2026-01-01T00:00:01Z') },
  },
  { name: 'is valid from now', step: 'key', facts: withKey({ notBefore: now }), is: { state: 'done' } },
  {
    name: 'expires now',
    step: 'key',
    facts: withKey({ expiresOn: now }),
    is: { state: 'inTheWay', note: matching('expired') },
  },
  {
    name: 'does not permit to wrap',
    step: 'key',
    facts: withKey({ operations: ['sign', 'unwrapKey'] }),
    is: { state: 'inTheWay', note: matching('wrapKey'), remedy: matching('--ops sign unwrapKey wrapKey') },
  },
  {
    name: 'are there',
    step: 'permissions',
    facts,
    is: { state: 'done', found: 'access policy: Get, WrapKey, unwrapkey' },
  },
  {
    name: 'are all there are',
    step: 'permissions',
    facts: withVault({ policies: [{ objectId: ids.systemPrincipal.toUpperCase(), keyPermissions: ['all'] }] }),
    is: { state: 'done' },
  },
  {
    name: 'are those of somebody else',
    step: 'permissions',
    facts: withVault({ policies: [{ objectId: 'somebody', keyPermissions: ['all'] }] }),
    is: {
      state: 'toDo',
      found: 'no access policy',
      change: { kind: 'grantPolicy', vaultId: ids.vault, tenantId: ids.tenantId, principalId: ids.systemPrincipal },
    },
  },
  {
    name: 'hold only for an application acting for it',
    step: 'permissions',
    facts: withVault({ policies: [{ objectId: ids.systemPrincipal, applicationId: 'app', keyPermissions: ['all'] }] }),
    is: { state: 'toDo' },
  },
  {
    name: 'are not enough',
    step: 'permissions',
    facts: withVault({ policies: [{ objectId: ids.systemPrincipal, keyPermissions: ['get'] }] }),
    is: { state: 'toDo', note: matching('Add wrapKey, unwrapKey') },
  },
  { name: 'of no vault', step: 'permissions', facts: noVault, is: { state: 'unknown' } },
  { name: 'of no identity yet', step: 'permissions', facts: noSystem, is: { state: 'toDo', found: 'no identity yet' } },
  { name: 'of no cluster', step: 'permissions', facts: without(facts, 'cluster'), is: { state: 'unknown' } },
  { name: 'of an identity that is not there', step: 'permissions', target: asUser, facts, is: { state: 'unknown' } },
  {
    name: 'by the role for it',
    step: 'permissions',
    facts: roles(serviceRole),
    is: { state: 'done', found: `Key Vault Crypto Service Encryption User at ${ids.vault}` },
  },
  {
    name: 'by a role with more',
    step: 'permissions',
    facts: roles({
      ...serviceRole,
      permissions: [{ dataActions: ['Microsoft.KeyVault/vaults/keys/*'], notDataActions: [] }] as never,
    }),
    is: { state: 'done' },
  },
  {
    name: 'by a role that takes one away',
    step: 'permissions',
    facts: roles({
      ...serviceRole,
      permissions: [{ dataActions: ['*'], notDataActions: ['Microsoft.KeyVault/vaults/keys/unwrap/*'] }] as never,
    }),
    is: {
      state: 'toDo',
      change: { kind: 'grantRole', scope: `${ids.vault}/keys/k`, principalId: ids.systemPrincipal },
    },
  },
  {
    name: 'by a role with a condition',
    step: 'permissions',
    facts: roles({ ...serviceRole, isConditional: true as never }),
    is: { state: 'toDo', warnings: [matching('condition')] },
  },
  { name: 'by no role', step: 'permissions', facts: roles(), is: { state: 'toDo', found: 'no role' } },
  {
    name: 'by policies of a vault that goes by roles',
    step: 'permissions',
    facts: { ...withVault({ model: 'roles' }), access: { outcome: 'notAsked' } },
    is: { state: 'unknown' },
  },
  {
    name: 'by roles that cannot be read',
    step: 'permissions',
    facts: { ...withVault({ model: 'roles' }), access: { outcome: 'refused', message: '403' } },
    is: { state: 'inTheWay', remedy: matching('az role assignment list') },
  },
  { name: 'is used', step: 'clusterKey', facts, is: { state: 'done', found: matching('always the newest') } },
  { name: 'of no cluster', step: 'clusterKey', facts: without(facts, 'cluster'), is: { state: 'unknown' } },
  { name: 'of no vault', step: 'clusterKey', facts: noVault, is: { state: 'unknown' } },
  {
    name: "is Microsoft's",
    step: 'clusterKey',
    facts: { ...facts, cluster: without(cluster, 'key') },
    is: {
      state: 'toDo',
      found: 'Microsoft-managed key',
      change: { kind: 'setKey', key: { keyName: 'k', keyVaultUri: vault.uri } },
    },
  },
  {
    name: 'is pinned, and should follow the newest',
    step: 'clusterKey',
    facts: withCluster({ key: { keyName: 'k', keyVaultUri: vault.uri, keyVersion: ids.version } }),
    is: { state: 'toDo' },
  },
  {
    name: 'follows the newest, and should be pinned',
    step: 'clusterKey',
    target: { keyVersion: ids.version },
    facts,
    is: {
      state: 'toDo',
      change: { kind: 'setKey', key: { keyName: 'k', keyVaultUri: vault.uri, keyVersion: ids.version } },
    },
  },
  {
    name: 'is another one',
    step: 'clusterKey',
    facts: withCluster({ key: { keyName: 'other', keyVaultUri: vault.uri } }),
    is: { state: 'toDo', note: matching('instead') },
  },
  {
    name: 'is used as another identity',
    step: 'clusterKey',
    target: asUser,
    facts,
    is: { state: 'toDo', note: matching(ids.identity) },
  },
];

describe('a plan', () => {
  it.each(cases)('$step: $name', (one) => {
    expect(judge(one).steps.find(({ id }) => id === one.step)).toMatchObject(one.is);
  });

  it('has nothing to do when all is done, something to do, or something in the way', () => {
    const result = (found: Facts): string => judge({ name: '', step: 'key', facts: found, is: {} }).result;
    expect(result(facts)).toBe('nothingToDo');
    expect(result(noSystem)).toBe('somethingToDo');
    expect(result(withVault({ purgeProtection: false }))).toBe('inTheWay');
    expect(result(without(facts, 'cluster'))).toBe('inTheWay');
  });

  const noCluster: PlanCase = { name: '', step: 'cluster', facts: without(facts, 'cluster'), is: {} };

  it('names a remedy for whatever is in the way, and quotes what a shell would take apart', () => {
    const blocked = [...cases, noCluster]
      .flatMap((one) => judge(one).steps)
      .filter(({ state }) => state === 'inTheWay');
    expect(blocked.length).toBeGreaterThan(10);
    for (const { remedy } of blocked) expect(remedy).toMatch(/^az /);
    const odd = judge({ ...noCluster, target: { cluster: { ...target.cluster, resourceGroup: "it's (x)" } } });
    expect(odd.steps[0]?.remedy).toContain(String.raw`--resource-group 'it'\''s (x)'`);
  });

  it('carries a change wherever something is to do now', () => {
    const open = cases.flatMap((one) => judge(one).steps).filter(({ state }) => state === 'toDo');
    expect(open.filter(({ change, found }) => change === undefined && found !== 'no identity yet')).toEqual([]);
  });
});
