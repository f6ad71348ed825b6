import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeArm } from '../../../src/cli/export/arm-writer.ts';
import { buildGroup } from '../../../src/cli/export/build-group.ts';
import { oddTags, withOwnKeys } from '../../../src/cli/export/gathered.fixture.ts';
import type { ExportedGroup } from '../../../src/cli/export/model.ts';
import { readGroup } from '../../../src/cli/export/read-group.ts';
import { deploy } from '../../../src/cli/import/deploy.ts';
import { readParameters } from '../../../src/cli/import/parameters.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import { defaultSeed, seed } from '../../../src/server/seed.ts';
import { startServerFixture } from '../../support/server-fixture.ts';

type Fixture = Awaited<ReturnType<typeof startServerFixture>>;
let first: Fixture;
let group: ExportedGroup;

beforeAll(async () => {
  first = await startServerFixture({ virtualTime: false });
  await seed(first.environment, defaultSeed);
  group = await readGroup(first.environment, undefined);
});

afterAll(() => first[Symbol.asyncDispose]());

interface Template {
  readonly resources: readonly { readonly type: string; readonly dependsOn?: readonly string[] }[];
}

describe('an exported resource group', () => {
  it('holds the identity, the vault with its key, and the cluster under that key with its database', () => {
    const { resources } = JSON.parse(writeArm(group)) as Template;
    expect(resources.map(({ type }) => type)).toEqual([
      'Microsoft.ManagedIdentity/userAssignedIdentities',
      'Microsoft.KeyVault/vaults',
      'Microsoft.KeyVault/vaults/keys',
      'Microsoft.Kusto/clusters',
      'Microsoft.Kusto/clusters/principalAssignments',
      'Microsoft.Kusto/clusters/databases',
    ]);
    const [, , , cluster] = resources;
    expect(cluster?.dependsOn).toContain(
      "[resourceId('Microsoft.KeyVault/vaults/keys', parameters('vault_kustodyKeys_name'), 'cluster-key')]",
    );
  });

  it('holds no secret, no id of this instance and nothing that was drawn at random', () => {
    const text = writeArm(group);
    const { clientSecret, subscriptionId, tenantId, objectId, clientId } = first.environment;
    for (const own of [clientSecret, subscriptionId, tenantId, objectId, clientId]) expect(text).not.toContain(own);
    expect(text).not.toMatch(/"(?:n|d|keyUri|provisioningState|etag|createdOn)":/);
  });

  it('is the same when it is exported again, and from an instance that it was deployed into', async () => {
    const template = writeArm(group);
    expect(writeArm(await readGroup(first.environment, 'KUSTODY'))).toBe(template);
    await using second = await startServerFixture({ virtualTime: false });
    const lines: string[] = [];
    const deployment = { resourceGroup: 'kustody', location: 'eastus', name: 'import', parameters: {} };
    const parsed = JSON.parse(template) as JsonObject;
    await deploy(second.environment, { ...deployment, template: parsed }, (line) => lines.push(line));
    expect(lines).toContain('Succeeded Microsoft.KeyVault/vaults/keys kustody-keys/cluster-key');
    expect(lines).toHaveLength(6);
    expect(writeArm(await readGroup(second.environment, undefined))).toBe(template);
  });

  it('that cannot be deployed says the code, the resource and the reason', async () => {
    const template = JSON.parse(writeArm(group).replaceAll('Standard_E8ads_v5', 'Standard_Nothing')) as JsonObject;
    const target = { resourceGroup: 'other', location: 'eastus', name: 'import' };
    const parameters = readParameters(['vault_kustodyKeys_name=other-keys', 'cluster_kustody_name=other']);
    const failed = deploy(first.environment, { ...target, template, parameters }, () => undefined);
    await expect(failed).rejects.toThrow(/^\w+: [^]+\n +\w+: [^]*Standard_Nothing/);
  });

  it('of a cluster whose own identity opens its key and that of a database, and whose texts look like expressions', async () => {
    const { tenantId, objectId } = first.environment;
    const written = buildGroup(withOwnKeys(tenantId, objectId), { tenantId, objectId, names: new Map() });
    const target = { resourceGroup: 'own', location: 'westeurope', name: 'import', parameters: {} };
    const deployTo = ({ environment }: Fixture, exported: ExportedGroup) =>
      deploy(environment, { ...target, template: JSON.parse(writeArm(exported)) as JsonObject }, () => undefined);
    await deployTo(first, written);
    const read = await readGroup(first.environment, 'own');
    const cluster = read.resources.find(({ type }) => type === 'Microsoft.Kusto/clusters');
    expect(cluster?.again?.body).toMatchObject({
      tags: oddTags,
      properties: { keyVaultProperties: { keyName: 'telemetry-key' } },
    });
    const database = read.resources.find(({ type }) => type === 'Microsoft.Kusto/clusters/databases');
    expect(database?.body).toMatchObject({ properties: { keyVaultProperties: { keyName: 'telemetry-key' } } });
    await using second = await startServerFixture({ virtualTime: false });
    await deployTo(second, read);
    expect(writeArm(await readGroup(second.environment, 'own'))).toBe(writeArm(read));
  });
});
