import { describe, expect, it } from 'vitest';
import { cluster, facts, ids, vault, without } from './cmk-facts.fixture.ts';
import type { PlanCase } from './plan-cases.fixture.ts';
import { asUser, judge, matching, noSystem, noVault, user, withCluster, withVault } from './plan-cases.fixture.ts';

const cases: readonly PlanCase[] = [
  {
    name: 'runs',
    step: 'cluster',
    facts,
    is: { state: 'done', found: 'Running, provisioningState Succeeded, East US' },
  },
  {
    name: 'is not there',
    step: 'cluster',
    facts: without(facts, 'cluster'),
    is: { state: 'inTheWay', remedy: matching('az kusto cluster create --resource-group rg --name adx') },
  },
  {
    name: 'is stopped',
    step: 'cluster',
    facts: withCluster({ state: 'Stopped' }),
    is: { state: 'inTheWay', remedy: `az kusto cluster start --ids ${ids.cluster}` },
  },
  {
    name: 'is suspended',
    step: 'cluster',
    facts: withCluster({ state: 'Unavailable', stateReason: 'The key is gone.' }),
    is: { state: 'inTheWay', note: matching('The key is gone.') },
  },
  ...['Running', 'Creating'].map((provisioningState): PlanCase => ({
    name: `has an operation under way (${provisioningState})`,
    step: 'cluster',
    facts: withCluster({ provisioningState }),
    is: { state: 'toDo', change: { kind: 'waitForCluster' } },
  })),
  {
    name: 'is being updated',
    step: 'cluster',
    facts: withCluster({ state: 'Updating' }),
    is: { state: 'toDo', change: { kind: 'waitForCluster' } },
  },
  {
    name: 'has failed before',
    step: 'cluster',
    facts: withCluster({ provisioningState: 'Failed' }),
    is: { state: 'done', warnings: ['The last operation on the cluster did not succeed.'] },
  },
  { name: 'is there', step: 'identity', facts, is: { state: 'done', found: matching(ids.systemPrincipal) } },
  { name: 'of no cluster', step: 'identity', facts: without(facts, 'cluster'), is: { state: 'unknown' } },
  {
    name: 'is to be made',
    step: 'identity',
    facts: noSystem,
    is: {
      state: 'toDo',
      found: 'none',
      change: { kind: 'assignIdentity', type: 'SystemAssigned', userIdentities: [] },
    },
  },
  {
    name: 'is to be made beside others',
    step: 'identity',
    facts: { ...facts, cluster: { ...without(cluster, 'systemIdentity'), userIdentities: [{ id: '/other' }] } },
    is: {
      state: 'toDo',
      found: '1 user-assigned',
      change: { kind: 'assignIdentity', type: 'SystemAssigned, UserAssigned', userIdentities: ['/other'] },
    },
  },
  {
    name: 'user-assigned, is not there',
    step: 'identity',
    target: asUser,
    facts,
    is: { state: 'inTheWay', remedy: matching('az identity create') },
  },
  {
    name: 'user-assigned, in another case',
    step: 'identity',
    target: asUser,
    facts: { ...withCluster({ userIdentities: [{ id: ids.identity.toUpperCase() }] }), userIdentity: user },
    is: { state: 'done', found: matching(ids.userPrincipal) },
  },
  {
    name: 'user-assigned, is to be assigned beside the system one',
    step: 'identity',
    target: asUser,
    facts: { ...withCluster({ userIdentities: [{ id: '/other' }] }), userIdentity: user },
    is: {
      state: 'toDo',
      change: {
        kind: 'assignIdentity',
        type: 'SystemAssigned, UserAssigned',
        userIdentities: ['/other', ids.identity],
      },
    },
  },
  {
    name: 'user-assigned, is to be the only one',
    step: 'identity',
    target: asUser,
    facts: { ...noSystem, userIdentity: user },
    is: { state: 'toDo', change: { kind: 'assignIdentity', type: 'UserAssigned', userIdentities: [ids.identity] } },
  },
  { name: 'is there', step: 'vault', facts, is: { state: 'done', found: matching('access policies'), warnings: [] } },
  {
    name: 'is not there',
    step: 'vault',
    facts: noVault,
    is: { state: 'inTheWay', remedy: matching('az keyvault create --resource-group rg --name keys --location eastus') },
  },
  {
    name: 'is deleted',
    step: 'vault',
    facts: { ...noVault, vaultIsDeleted: true },
    is: { state: 'inTheWay', remedy: 'az keyvault recover --name keys' },
  },
  {
    name: 'is of another tenant',
    step: 'vault',
    facts: withVault({ tenantId: 'other' }),
    is: { state: 'inTheWay', found: 'tenant other' },
  },
  {
    name: 'is of another tenant than the subscription, where no identity tells',
    step: 'vault',
    facts: { ...noSystem, vault: { ...vault, tenantId: 'other' } },
    is: { state: 'inTheWay', found: 'tenant other' },
  },
  {
    name: 'is in another region',
    step: 'vault',
    facts: withVault({ location: 'westus' }),
    is: { state: 'inTheWay', found: 'region westus', note: matching('East US') },
  },
  {
    name: 'has a firewall',
    step: 'vault',
    facts: withVault({ firewallDenies: true }),
    is: { state: 'done', warnings: [matching('denies by default')] },
  },
  {
    name: 'takes no public traffic',
    step: 'vault',
    facts: withVault({ publicAccess: false, trustedServices: false }),
    is: { state: 'done', warnings: [matching('no public traffic')] },
  },
  { name: 'is on', step: 'softDelete', facts, is: { state: 'done', found: 'on, 90 days' } },
  { name: 'of no vault', step: 'softDelete', facts: noVault, is: { state: 'unknown' } },
  {
    name: 'is off',
    step: 'softDelete',
    facts: withVault({ softDelete: false, purgeProtection: false }),
    is: { state: 'inTheWay', remedy: `az resource update --ids ${ids.vault} --set properties.enableSoftDelete=true` },
  },
  {
    name: 'may be turned on',
    step: 'softDelete',
    facts: withVault({ softDelete: false, purgeProtection: false }),
    options: { enablePurgeProtection: true },
    is: {
      state: 'toDo',
      irreversible: matching('cannot be turned off'),
      change: { kind: 'protectVault', vaultId: ids.vault },
    },
  },
  { name: 'is on', step: 'purgeProtection', facts, is: { state: 'done', found: 'on' } },
  { name: 'of no vault', step: 'purgeProtection', facts: noVault, is: { state: 'unknown' } },
  {
    name: 'is off',
    step: 'purgeProtection',
    facts: withVault({ purgeProtection: false }),
    is: { state: 'inTheWay', remedy: 'az keyvault update --name keys --enable-purge-protection true' },
  },
  {
    name: 'may be turned on',
    step: 'purgeProtection',
    facts: withVault({ purgeProtection: false }),
    options: { enablePurgeProtection: true },
    is: { state: 'toDo', irreversible: matching("vault 'keys'"), change: { kind: 'protectVault', vaultId: ids.vault } },
  },
];

describe('a plan', () => {
  it.each(cases)('$step: $name', (one) => {
    expect(judge(one).steps.find(({ id }) => id === one.step)).toMatchObject(one.is);
  });
});
