import { describe, expect, it } from 'vitest';
import { cluster, facts, ids, key, now, target, vault, without } from '../cmk-facts.fixture.ts';
import type { Facts } from '../facts.ts';
import type { FleetCluster, FleetKey, KeyView } from './fleet-facts.ts';
import { fleetFindings, isAsGrave } from './fleet-findings.ts';
import type { FleetPolicy } from './fleet-policy.ts';
import { presetPolicy } from './fleet-policy.ts';
import type { Severity } from './fleet-rules.ts';
import { fleetRules } from './fleet-rules.ts';

const clusterKey = { keyName: 'k', keyVaultUri: vault.uri };
const view: KeyView = {
  target,
  facts: { ...facts, cluster: { ...cluster, key: clusterKey }, vault: { ...vault, firewallDenies: true } },
  newest: facts.key,
  rotation: { outcome: 'read', value: { rotates: true, after: 'P90D' } },
  vaultDiagnosticSettings: { outcome: 'read', value: ['all'] },
};
/** Nothing is to be said of it. */
const well: FleetCluster = {
  cluster: { ...cluster, key: clusterKey },
  diskEncryption: true,
  doubleEncryption: true,
  keys: [{ key: clusterKey, view }],
  databases: { outcome: 'read', value: [{ name: 'db' }] },
  followers: { outcome: 'read', value: [] },
  diagnosticSettings: { outcome: 'read', value: ['all'] },
};
const withKey = (change: Partial<FleetKey>): FleetCluster => ({
  ...well,
  keys: [{ key: clusterKey, view, ...change }],
});
const withFacts = (change: Partial<Facts>): FleetCluster =>
  withKey({ view: { ...view, facts: { ...view.facts, ...change } } });
const withVault = (change: Partial<typeof vault>): FleetCluster =>
  withFacts({ vault: { ...vault, firewallDenies: true, ...change } });
const foundKey = (change: Partial<typeof key>): FleetCluster =>
  withFacts({ key: { outcome: 'found', key: { ...key, ...change } } });
const inDays = (days: number): Date => new Date(now.getTime() + days * 86_400_000);
const refused = { outcome: 'refused', message: '403 Forbidden: no' } as const;

interface Case {
  readonly rule: string;
  readonly severity: Severity;
  readonly state: string;
  readonly one: FleetCluster;
  readonly policy?: Partial<FleetPolicy>;
  readonly says: RegExp;
  /** Rules that speak as well. */
  readonly also?: readonly string[];
}

const pinned = { ...clusterKey, keyVersion: ids.version };
const cases: readonly Case[] = [
  {
    ...{ rule: 'cluster-runs', severity: 'high', state: 'its last change failed', says: /Failed/ },
    one: { ...well, cluster: { ...well.cluster, provisioningState: 'Failed' } },
  },
  {
    ...{ rule: 'customer-managed-key', severity: 'high', state: 'Microsoft-managed', says: /Microsoft-managed/ },
    one: { ...well, cluster: without(cluster, 'key'), keys: [] },
  },
  {
    ...{ rule: 'key-reachable', severity: 'high', state: 'the key is deleted', says: /soft-deleted/ },
    one: withFacts({ key: { outcome: 'missing', deleted: true } }),
  },
  {
    ...{ rule: 'key-reachable', severity: 'medium', state: 'the vault is not seen', says: /Name the one/ },
    one: withKey({ view: { ...view, facts: without(view.facts, 'vault') } }),
  },
  {
    ...{ rule: 'key-reachable', severity: 'high', state: 'the vault is deleted', says: /soft-deleted/ },
    one: withKey({ view: { ...view, facts: { ...without(view.facts, 'vault'), vaultIsDeleted: true } } }),
  },
  {
    ...{ rule: 'key-reachable', severity: 'high', state: 'the key is disabled', says: /disabled/ },
    one: foundKey({ enabled: false }),
  },
  {
    ...{ rule: 'identity-rights', severity: 'high', state: 'the policy lacks unwrapKey', says: /unwrapKey/ },
    one: withVault({ policies: [{ objectId: ids.systemPrincipal, keyPermissions: ['get', 'wrapKey'] }] }),
  },
  {
    ...{ rule: 'vault-protection', severity: 'high', state: 'no purge protection', says: /Purge protection is on/ },
    one: withVault({ purgeProtection: false }),
  },
  {
    ...{ rule: 'vault-allowed', severity: 'high', state: 'another vault is allowed', says: /none of the 1 vaults/ },
    one: well,
    policy: { allowedVaults: ['another'] },
  },
  {
    ...{ rule: 'key-expiry', severity: 'medium', state: 'expires in 29 days', says: /in 29 days/ },
    one: foundKey({ expiresOn: inDays(29) }),
  },
  {
    ...{ rule: 'key-expires', severity: 'low', state: 'never expires', says: /no expiry/ },
    one: well,
    policy: { expiryRequired: true },
  },
  {
    ...{ rule: 'key-size', severity: 'medium', state: '3072 bits, 4096 asked', says: /3072 bits, fewer than 4096/ },
    one: well,
    policy: { minimumKeySizeBits: 4096 },
  },
  {
    ...{
      rule: 'newest-version',
      severity: 'medium',
      state: 'an old version is named',
      says: new RegExp(ids.otherVersion),
    },
    one: withKey({
      key: pinned,
      view: { ...view, newest: { outcome: 'found', key: { ...key, version: ids.otherVersion } } },
    }),
    also: ['rotation'],
  },
  {
    ...{ rule: 'rotation', severity: 'low', state: 'the vault does not rotate', says: /no new versions/ },
    one: withKey({ view: { ...view, rotation: { outcome: 'read', value: { rotates: false } } } }),
  },
  {
    ...{ rule: 'rotation', severity: 'medium', state: 'required, and a version is named', says: /does not follow/ },
    one: withKey({ key: pinned }),
    policy: { rotationRequired: true },
  },
  {
    ...{ rule: 'vault-retention', severity: 'medium', state: '7 days, 90 asked', says: /7 days, fewer than 90/ },
    one: withVault({ retentionDays: 7 }),
    policy: { minimumRetentionDays: 90 },
  },
  {
    ...{ rule: 'vault-network', severity: 'low', state: 'open to all', says: /every network/ },
    one: withVault({ firewallDenies: false }),
  },
  {
    ...{ rule: 'vault-network', severity: 'medium', state: 'closed to trusted services', says: /trusted services/ },
    one: withVault({ trustedServices: false }),
  },
  {
    ...{ rule: 'disk-encryption', severity: 'medium', state: 'off', says: /off/ },
    one: { ...well, diskEncryption: false },
  },
  {
    ...{ rule: 'double-encryption', severity: 'medium', state: 'off, and asked', says: /off/ },
    one: { ...well, doubleEncryption: false },
    policy: { doubleEncryptionRequired: true },
  },
  {
    ...{ rule: 'diagnostic-settings', severity: 'low', state: 'the cluster has none', says: /The cluster has no/ },
    one: { ...well, diagnosticSettings: { outcome: 'read', value: [] } },
  },
  {
    ...{ rule: 'diagnostic-settings', severity: 'low', state: 'the vault has none', says: /who used the key/ },
    one: withKey({ view: { ...view, vaultDiagnosticSettings: { outcome: 'read', value: [] } } }),
  },
  {
    ...{ rule: 'followers', severity: 'note', state: 'one follows', says: /\/clusters\/f follows every database/ },
    one: { ...well, followers: { outcome: 'read', value: [{ clusterId: '/clusters/f', database: '*' }] } },
  },
  {
    ...{ rule: 'readable', severity: 'note', state: 'databases may not be read', says: /databases. 403 Forbidden/ },
    one: { ...well, databases: refused },
  },
  {
    ...{ rule: 'readable', severity: 'note', state: 'the key may not be looked at', says: /The key|the key/ },
    one: withKey({ problem: 'no identity' }),
  },
];

describe('rules of a fleet', () => {
  it('say nothing of a cluster that is well', () => {
    expect(fleetFindings({ subscriptions: [], clusters: [well] }, presetPolicy, now)).toEqual([]);
  });

  it.each(cases)('$rule: $state', ({ rule, severity, one, policy = {}, says, also = [] }) => {
    const found = fleetFindings({ subscriptions: [], clusters: [one] }, { ...presetPolicy, ...policy }, now);
    expect(found.map((finding) => finding.rule)).toEqual([rule, ...also]);
    expect(found[0]).toMatchObject({ severity, cluster: cluster.id, message: expect.stringMatching(says) as string });
  });

  it('have each a case', () => {
    expect(new Set(cases.map(({ rule }) => rule))).toEqual(new Set(fleetRules.map(({ id }) => id)));
  });

  it('name the database whose key it is, and sort the gravest first', () => {
    const off = withVault({ purgeProtection: false }).keys.map((one) => ({ ...one, database: 'db' }));
    const one = { ...well, diskEncryption: false, keys: [...well.keys, ...off] };
    const found = fleetFindings({ subscriptions: [], clusters: [one] }, presetPolicy, now);
    expect(found.map(({ rule, database }) => [rule, database])).toEqual([
      ['vault-protection', 'db'],
      ['disk-encryption', undefined],
    ]);
  });

  it.each(['keys', vault.uri, 'https://KEYS.vault.example', ids.vault])('take %s for an allowed vault', (allowed) => {
    const policy = { ...presetPolicy, allowedVaults: ['other', allowed] };
    expect(fleetFindings({ subscriptions: [], clusters: [well] }, policy, now)).toEqual([]);
  });

  it('know which severity is as grave as another', () => {
    expect(isAsGrave('high', 'medium')).toBe(true);
    expect(isAsGrave('medium', 'medium')).toBe(true);
    expect(isAsGrave('low', 'medium')).toBe(false);
  });
});
