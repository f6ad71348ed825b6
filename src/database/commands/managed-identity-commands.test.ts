import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { clusterIdentities, openCommandFixture } from '../../../tests/support/command-fixture.ts';

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

  it('is added to by .alter-merge, set anew by .alter, of the cluster and of a database apart', async () => {
    await run(`.alter database db policy managed_identity ${list([String(assigned?.objectId), 'NativeIngestion'])}`);
    await run(`.alter-merge cluster policy managed_identity ${list(['system', 'ExternalTable'])}`);
    await run(
      `.alter-merge cluster policy managed_identity ${list(['system', 'All'], [String(assigned?.objectId), 'AutomatedFlows'])}`,
    );
    expect(await policy('.show cluster policy managed_identity')).toMatchObject([
      { ObjectId: system?.objectId, IsSystem: true, AllowedUsages: 'ExternalTable, All' },
      { ObjectId: assigned?.objectId, AllowedUsages: 'AutomatedFlows' },
    ]);
    expect(await policy('.show database db policy managed_identity')).toMatchObject([
      { ObjectId: assigned?.objectId, AllowedUsages: 'NativeIngestion' },
    ]);
    expect(await policy('.delete cluster policy managed_identity')).toBeNull();
    expect(await policy('.delete database db policy managed_identity')).toBeNull();
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
