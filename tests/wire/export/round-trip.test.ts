import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeArm } from '../../../src/cli/export/arm-writer.ts';
import type { ExportedGroup } from '../../../src/cli/export/model.ts';
import { readGroup } from '../../../src/cli/export/read-group.ts';
import { defaultSeed, seed } from '../../../src/server/seed.ts';
import { startServerFixture } from '../../support/server-fixture.ts';

type Fixture = Awaited<ReturnType<typeof startServerFixture>>;
let first: Fixture;
let group: ExportedGroup;

beforeAll(async () => {
  first = await startServerFixture({ virtualTime: false });
  await seed(first.environment, defaultSeed);
  group = await readGroup(first.environment, undefined);
}, 120_000);

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
    const path = `/subscriptions/${second.environment.subscriptionId}/resourcegroups/kustody`;
    const token = await second.tokenFor('https://management.azure.com');
    const send = (method: string, below: string, version: string, body?: unknown) =>
      second.send({
        ...{ host: 'management.azure.com', method, token, path: `${path}${below}?api-version=${version}` },
        ...(body === undefined ? {} : { body }),
      });
    await send('PUT', '', '2021-04-01', { location: 'eastus' });
    const deployment = '/providers/Microsoft.Resources/deployments/main';
    const begun = await send('PUT', deployment, '2021-04-01', {
      properties: { mode: 'Incremental', template: JSON.parse(template) as unknown },
    });
    expect(begun.status, begun.text).toBe(201);
    const state = async () => (await send('GET', deployment, '2021-04-01')).body as { properties: Deployed };
    await expect
      .poll(async () => (await state()).properties.provisioningState, { timeout: 60_000 })
      .toMatch(/^(Succeeded|Failed)$/);
    const { provisioningState, error } = (await state()).properties;
    expect({ provisioningState, error }).toEqual({ provisioningState: 'Succeeded', error: undefined });
    expect(writeArm(await readGroup(second.environment, undefined))).toBe(template);
  }, 120_000);
});

interface Deployed {
  readonly provisioningState: string;
  readonly error?: unknown;
}
