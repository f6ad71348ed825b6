import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, look } from '../../src/cmk/apply.ts';
import { fleetFindings } from '../../src/cmk/fleet/fleet-findings.ts';
import type { FleetFinding } from '../../src/cmk/fleet/fleet-findings.ts';
import { presetPolicy } from '../../src/cmk/fleet/fleet-policy.ts';
import { fleetRules } from '../../src/cmk/fleet/fleet-rules.ts';
import { gatherFleet } from '../../src/cmk/fleet/gather-fleet.ts';
import type { CmkTarget } from '../../src/cmk/target.ts';
import { parseVault } from '../../src/cmk/target.ts';
import { group, location, parsed, startCmkFixture } from '../support/cmk-fixture.ts';

const pace = { now: () => new Date(), sleep: () => Promise.resolve() };
const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);
const policy = {
  ...presetPolicy,
  ...{ minimumKeySizeBits: 3072, expiryRequired: true, allowedVaults: ['fleet-well'], minimumRetentionDays: 30 },
  ...{ rotationRequired: true, doubleEncryptionRequired: true },
};

/** What `kustody cmk fleet` is made of, over the official clients, on clusters that are in each state which it has a rule for. */
describe('findings of a fleet that runs', () => {
  let fixture: Awaited<ReturnType<typeof startCmkFixture>>;
  const targets: Record<string, CmkTarget> = {};
  beforeAll(async () => {
    fixture = await startCmkFixture();
    for (const name of ['bare', 'loose', 'closed', 'lost', 'gone', 'well']) targets[name] = await made(name);
    await Promise.all([loose(), closed(), lost(), gone(), well()]);
    await fixture.server.controls.checkKeys();
  });
  afterAll(() => fixture[Symbol.asyncDispose]());

  const target = (name: string): CmkTarget => {
    const found = targets[name];
    if (found === undefined) throw new Error(`No ${name}.`);
    return found;
  };
  const vaultUri = (name: string): string => `https://fleet-${name}.vault.azure.net/`;
  const keysOf = (name: string) => fixture.clients.keys(vaultUri(name));
  const vaultId = (name: string): string =>
    `/subscriptions/${fixture.subscriptionId}/resourceGroups/${group}/providers/Microsoft.KeyVault/vaults/fleet-${name}`;

  /** A cluster without a key, and a vault for it in which we may do everything. */
  async function made(name: string): Promise<CmkTarget> {
    const { azure } = fixture;
    const { cluster } = await fixture.fresh();
    await azure.vaults.vaults.createOrUpdate(group, `fleet-${name}`, {
      location,
      properties: {
        ...{
          tenantId: azure.tenantId,
          sku: { family: 'A', name: 'standard' },
          enablePurgeProtection: true,
          enableRbacAuthorization: false,
        },
        softDeleteRetentionInDays: name === 'loose' ? 7 : 90,
        accessPolicies: [
          { tenantId: azure.tenantId, objectId: await azure.ownObjectId(), permissions: { keys: ['all'] } },
        ],
      },
    });
    return { cluster, vault: parsed(parseVault(`fleet-${name}`)), keyName: 'k', identity: { kind: 'system' } };
  }

  /** Gives the cluster its key, as `kustody cmk apply` does. */
  async function keyed(name: string, keySizeBits: 2048 | 3072, expiresOn?: Date): Promise<void> {
    const { clients } = fixture;
    await keysOf(name).createRsaKey('k', {
      keySize: keySizeBits,
      ...(expiresOn === undefined ? {} : { expiresOn }),
    });
    const options = { createKey: true, keySizeBits, enablePurgeProtection: false };
    const { plan } = await look(clients, target(name), options, pace);
    const progress = { run: (_: unknown, work: () => Promise<unknown>) => work().then(() => undefined) };
    await apply(clients, { target: target(name), options, agreed: plan }, pace, progress);
  }

  async function loose(): Promise<void> {
    const { azure } = fixture;
    await keyed('loose', 2048);
    const { properties } = await keysOf('loose').getKey('k');
    const { cluster } = target('loose');
    await azure.kusto.clusters.beginUpdateAndWait(group, cluster.name, {
      keyVaultProperties: { keyName: 'k', keyVaultUri: vaultUri('loose'), keyVersion: properties.version ?? '' },
    });
    await keysOf('loose').createRsaKey('k', { keySize: 2048 });
    await azure.kusto.databases.beginCreateOrUpdateAndWait(group, cluster.name, 'db', { kind: 'ReadWrite', location });
    const { name } = target('bare').cluster;
    await azure.kusto.attachedDatabaseConfigurations.beginCreateOrUpdateAndWait(group, name, 'all', {
      ...{ location, databaseName: '*', clusterResourceId: cluster.id, defaultPrincipalsModificationKind: 'Union' },
    });
  }

  /** Its vault lets nobody through. */
  async function closed(): Promise<void> {
    await keyed('closed', 3072, inDays(700));
    await fixture.azure.vaults.vaults.update(group, 'fleet-closed', {
      properties: { networkAcls: { defaultAction: 'Deny', bypass: 'None' } },
    });
  }

  /** Expires soon, and the identity of the cluster may do nothing. */
  async function lost(): Promise<void> {
    const { azure } = fixture;
    await keyed('lost', 3072, inDays(10));
    const objectId = await azure.ownObjectId();
    // Nor may we read the rotation policy any more.
    await azure.vaults.vaults.update(group, 'fleet-lost', {
      properties: { accessPolicies: [{ tenantId: azure.tenantId, objectId, permissions: { keys: ['get', 'list'] } }] },
    });
  }

  async function gone(): Promise<void> {
    await keyed('gone', 3072, inDays(700));
    await (await keysOf('gone').beginDeleteKey('k')).pollUntilDone();
  }

  async function well(): Promise<void> {
    const { azure, clients } = fixture;
    await keyed('well', 3072, inDays(700));
    await keysOf('well').updateKeyRotationPolicy('k', {
      lifetimeActions: [{ action: 'Rotate', timeAfterCreate: 'P90D' }],
    });
    const { cluster } = target('well');
    await azure.kusto.clusters.beginUpdateAndWait(group, cluster.name, { enableDiskEncryption: true });
    await azure.kusto.databases.beginCreateOrUpdateAndWait(group, cluster.name, 'events', {
      ...{ kind: 'ReadWrite', location },
    });
    for (const scope of [vaultId('well'), cluster.id]) {
      const { status } = await clients.arm({
        method: 'PUT',
        path: `${scope}/providers/Microsoft.Insights/diagnosticSettings/copy`,
        query: { 'api-version': '2021-05-01-preview' },
        body: {
          properties: {
            workspaceId: `${cluster.id}/Databases/events`,
            logs: [{ categoryGroup: 'allLogs', enabled: true }],
          },
        },
      });
      expect(status).toBe(200);
    }
    await azure.vaults.vaults.update(group, 'fleet-well', {
      properties: {
        networkAcls: { defaultAction: 'Deny', bypass: 'AzureServices', ipRules: [{ value: '127.0.0.1' }] },
      },
    });
  }

  it('are those of its states, by every rule, and none of what is well', { timeout: 240_000 }, async () => {
    const fleet = await gatherFleet(fixture.clients, {
      subscriptions: [fixture.subscriptionId],
      looked: () => undefined,
    });
    const findings = fleetFindings(fleet, policy, new Date());
    const of = (name: string): readonly FleetFinding[] =>
      findings.filter(({ cluster }) => cluster.endsWith(`/${target(name).cluster.name}`));
    const rulesOf = (name: string): readonly string[] =>
      [...new Set(of(name).map(({ rule, severity }) => `${rule} ${severity}`))].toSorted();
    expect(Object.fromEntries(Object.keys(targets).map((name) => [name, rulesOf(name)]))).toEqual({
      bare: [
        ...['customer-managed-key high', 'diagnostic-settings low', 'disk-encryption medium'],
        'double-encryption medium',
      ],
      loose: [
        ...['diagnostic-settings low', 'disk-encryption medium', 'double-encryption medium', 'followers note'],
        ...['key-expires low', 'key-size medium', 'newest-version medium', 'rotation medium', 'vault-allowed high'],
        ...['vault-network low', 'vault-retention medium'],
      ],
      closed: [
        ...['cluster-runs high', 'diagnostic-settings low', 'disk-encryption medium', 'double-encryption medium'],
        ...['key-reachable high', 'readable note', 'vault-allowed high', 'vault-network medium'],
      ],
      lost: [
        ...['cluster-runs high', 'diagnostic-settings low', 'disk-encryption medium', 'double-encryption medium'],
        ...['identity-rights high', 'key-expiry medium', 'readable note', 'vault-allowed high', 'vault-network low'],
      ],
      gone: [
        ...['cluster-runs high', 'diagnostic-settings low', 'disk-encryption medium', 'double-encryption medium'],
        ...['key-reachable high', 'readable note', 'vault-allowed high', 'vault-network low'],
      ],
      // Which nothing here or there can have once it was made without.
      well: ['double-encryption medium'],
    });
    // A vault that a cluster's key lies in cannot lose its protection, there as here: that rule is for what others report.
    const found = new Set(findings.map(({ rule }) => rule));
    expect(fleetRules.filter(({ id }) => !found.has(id)).map(({ id }) => id)).toEqual(['vault-protection']);
  });
});
