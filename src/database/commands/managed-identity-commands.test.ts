import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { clusterIdentities, openCommandFixture } from '../../../tests/support/command-fixture.ts';
import type { IdentityUsage } from '../catalog/managed-identity.ts';
import { managedIdentityAllowed } from '../catalog/managed-identity.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());

const [system, assigned] = clusterIdentities;
const run = (text: string): ReturnType<CommandFixture['run']> => cluster.run(text);
const policy = async (text: string): Promise<unknown> => JSON.parse(String((await run(text))[0]?.['Policy']));
const list = (...policies: readonly (readonly [string, string])[]): string =>
  `'${JSON.stringify(policies.map(([ObjectId, AllowedUsages]) => ({ ObjectId, AllowedUsages })))}'`;
const allowed = async (identity: typeof system, usage: IdentityUsage): Promise<boolean> => {
  if (identity === undefined) throw new Error('it is there');
  return managedIdentityAllowed(await cluster.data.data(), 'db', identity.objectId, usage);
};

describe('the managed identity policy', () => {
  it('names identities of the cluster, and shows what is known of them', async () => {
    expect(await policy('.show cluster policy managed_identity')).toBeNull();
    expect(await run('.show database db policy managed_identity')).toEqual([
      {
        PolicyName: 'ManagedIdentityPolicy',
        EntityName: '[db]',
        Policy: 'null',
        ChildEntities: '',
        EntityType: 'Database',
      },
    ]);
    const shown = {
      ...{ ObjectId: assigned?.objectId, ClientId: assigned?.clientId, TenantId: assigned?.tenantId },
      ...{ DisplayName: 'myManagedIdentity', IsSystem: false, AllowedUsages: 'NativeIngestion, ExternalTable' },
    };
    const sent = list([String(assigned?.objectId).toUpperCase(), 'nativeIngestion,ExternalTable, NativeIngestion']);
    expect(await policy(`.alter database db policy managed_identity ${sent}`)).toEqual([shown]);
    expect(await policy('.show database db policy managed_identity')).toEqual([shown]);
    // What is shown can be sent back.
    expect(await policy(`.alter database db policy managed_identity '${JSON.stringify([shown])}'`)).toEqual([shown]);
  });

  it('adds to what the cluster or the database allows', async () => {
    await run(`.alter database db policy managed_identity ${list([String(assigned?.objectId), 'NativeIngestion'])}`);
    expect(await allowed(assigned, 'NativeIngestion')).toBe(true);
    expect(await allowed(assigned, 'AutomatedFlows')).toBe(false);
    expect(await allowed(system, 'NativeIngestion')).toBe(false);
    await run(`.alter-merge cluster policy managed_identity ${list(['system', 'ExternalTable'])}`);
    await run(
      `.alter-merge cluster policy managed_identity ${list(['system', 'All'], [String(assigned?.objectId), 'AutomatedFlows'])}`,
    );
    expect(await policy('.show cluster policy managed_identity')).toMatchObject([
      { ObjectId: system?.objectId, IsSystem: true, AllowedUsages: 'ExternalTable, All' },
      { ObjectId: assigned?.objectId, AllowedUsages: 'AutomatedFlows' },
    ]);
    expect(await allowed(system, 'SandboxArtifacts')).toBe(true);
    expect(await allowed(assigned, 'AutomatedFlows')).toBe(true);
    expect(await policy('.delete cluster policy managed_identity')).toBeNull();
    expect(await policy('.delete database db policy managed_identity')).toBeNull();
    expect(await allowed(system, 'SandboxArtifacts')).toBe(false);
    expect(await allowed(assigned, 'NativeIngestion')).toBe(false);
  });

  it.each([
    [
      'an identity that is not assigned',
      list(['99999999-9999-9999-9999-999999999999', 'All']),
      'is not assigned to the cluster',
    ],
    ['a usage that there is not', list(['system', 'NativeIngestion, Other']), "'Other' is no usage"],
    ['an identity twice', list(['system', 'All'], ['SYSTEM', 'SqlRequest']), 'names a managed identity twice'],
    ['no usages', `'[{"ObjectId": "system"}]'`, 'has an ObjectId and AllowedUsages'],
    ['another property', `'[{"ObjectId": "system", "AllowedUsages": "All", "Other": 1}]'`, "no property 'Other'"],
    ['no array', `'{}'`, 'is not an array'],
  ])('is refused with %s', async (_what, text, message) => {
    for (const at of ['cluster', 'database db'])
      await expect(run(`.alter ${at} policy managed_identity ${text}`)).rejects.toMatchObject({
        code: 'InvalidPolicy',
        message: expect.stringContaining(message) as string,
      });
    expect(await policy('.show cluster policy managed_identity')).toBeNull();
  });

  it('is the business of who administers all databases, on a database, too', async () => {
    const admin = {
      clusterRoles: [],
      databases: cluster.context.databases.map((one) => ({ ...one, roles: ['Admin'] as const })),
    };
    await expect(
      cluster.run(`.alter database db policy managed_identity ${list(['system', 'All'])}`, admin),
    ).rejects.toThrow('is not authorized to perform operation');
  });
});
