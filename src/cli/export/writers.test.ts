import { describe, expect, it } from 'vitest';
import { writeArm } from './arm-writer.ts';
import { writeBicep } from './bicep-writer.ts';
import { buildGroup } from './build-group.ts';
import { exporter, gathered, withOwnKeys } from './gathered.fixture.ts';
import { blockText } from './hcl.ts';
import { rotationBlock } from './terraform-rotation.ts';
import { writeTerraform } from './terraform-writer.ts';

const group = buildGroup(gathered, exporter);
const texts = { arm: writeArm(group), bicep: writeBicep(group), terraform: writeTerraform(group) };

/** What is left of a text when strings and comments are gone: brackets that are closed, each by its own kind. */
function bracketsOf(text: string, strings: RegExp, comments: RegExp): string {
  let left = text
    .replaceAll(strings, '')
    .replaceAll(comments, '')
    .replaceAll(/[^[\](){}]/g, '');
  for (let before = ''; before !== left;) {
    before = left;
    left = left.replaceAll(/\(\)|\[\]|\{\}/g, '');
  }
  return left;
}

describe.each(Object.entries(texts))('%s', (language, text) => {
  it('has what is in the group, and tells what it leaves out', () => {
    for (const name of ['contoso-keys', 'telemetry-key', 'Telemetry', 'principal_ada', 'Standard_E8ads_v5', 'P365D'])
      expect(text).toContain(name);
    expect(text).toMatch(/not ?Exported|not exported/);
    expect(text).toContain("Microsoft.Storage/storageAccounts 'logs'");
  });

  it('has no id of the instance and nothing that is only read', () => {
    expect(text).not.toMatch(/[1-5]{8}-[1-5]{4}-/);
    expect(text).not.toMatch(/provisioningState|isFollowed|keyUri\b|vault\.azure\.net/);
  });

  it('closes what it opens', () => {
    const strings = language === 'bicep' ? /'(?:\\.|[^'\\])*'/g : /"(?:\\.|[^"\\])*"/g;
    const comments = language === 'arm' ? /$^/g : /^(?:\/\/|#).*$/gm;
    expect(bracketsOf(text, strings, comments)).toBe('');
    expect(text.replaceAll(strings, '').replaceAll(comments, '')).not.toMatch(/['"]/);
  });
});

it('a cluster whose own identity opens its key gets the key at last', () => {
  const { resources } = JSON.parse(texts.arm) as { resources: { type: string; dependsOn?: string[] }[] };
  const second = resources.find(({ type }) => type === 'Microsoft.Resources/deployments');
  expect(second?.dependsOn).toHaveLength(6);
  expect(texts.bicep).toContain('objectId: cluster_telemetry.identity.principalId');
  expect(texts.terraform).toContain('azurerm_kusto_cluster.cluster_telemetry.identity[0].principal_id');
});

it('a role that is given under a condition is given under it there, too', () => {
  const condition =
    '@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] GuidEquals acdd72a7-3385-48ef-bd42-f606fba81ae7';
  const properties = {
    ...{ scope: gathered.id, principalId: exporter.objectId, principalType: 'ServicePrincipal' },
    roleDefinitionId: '/providers/Microsoft.Authorization/roleDefinitions/f58310d9-a9f6-439a-9e8d-f62e7b41a168',
    ...{ condition, conditionVersion: '2.0', description: null },
  };
  const conditional = buildGroup({ ...gathered, roleAssignments: [{ properties }] }, exporter);
  expect(writeArm(conditional)).toContain(`"condition": "${condition}"`);
  expect(writeBicep(conditional)).toContain(`condition: '${condition}'`);
  expect(writeTerraform(conditional)).toMatch(new RegExp(`condition += "${condition.replaceAll(/[.[\]]/g, '.')}"`));
  expect(writeTerraform(conditional)).toMatch(/condition_version += "2\.0"/);
});

it('a vault says who decides who may use it, as azurerm 5 wants to be told', () => {
  expect(texts.terraform).toContain('version = "~> 5.0"');
  expect(texts.terraform).toMatch(/rbac_authorization_enabled += (?:true|false)/);
});

it('what azurerm refuses to be told as an empty text is left out', () => {
  expect(texts.terraform).not.toContain('description = ""');
  expect(texts.terraform).not.toMatch(/key_version = (?:""|var\.\w+$)/m);
});

describe('the rotation policy of a key', () => {
  const action = (type: string, trigger: Record<string, string>) => ({ action: { type }, trigger });

  it('is told to azurerm', () => {
    const lifetimeActions = [
      action('Rotate', { timeBeforeExpiry: 'P30D' }),
      action('notify', { timeBeforeExpiry: 'P29D' }),
    ];
    const policy = { attributes: { expiryTime: 'P90D' }, lifetimeActions };
    expect(blockText(['x'], rotationBlock(policy))).toBe(
      `x {\n  rotation_policy {\n    expire_after = "P90D"\n    notify_before_expiry = "P29D"
    automatic {\n      time_before_expiry = "P30D"\n    }\n  }\n}\n`,
    );
  });

  it.each([
    { attributes: { expiryTime: 'P90D' }, lifetimeActions: [action('rotate', { timeBeforeExpiry: 'P30D' })] },
    { attributes: {}, lifetimeActions: [action('notify', { timeBeforeExpiry: 'P30D' })] },
    { attributes: {}, lifetimeActions: [] },
    undefined,
  ])('unless azurerm has no words for it: %j', (policy) => {
    expect(rotationBlock(policy)).toEqual({});
  });
});

it('texts that look like expressions stay texts', () => {
  expect(texts.arm).toContain('"[[name]": "[[value]"');
  expect(texts.bicep).toContain(String.raw`'it\'s': '\${odd}'`);
  expect(texts.terraform).toContain('"it\'s" = "$${odd}"');
});

describe('a cluster and a database under keys, with texts that look like expressions', () => {
  const odd = buildGroup(withOwnKeys(exporter.tenantId, exporter.objectId), exporter);

  it('marks texts of a template within a template for two evaluations', () => {
    const { resources } = JSON.parse(writeArm(odd)) as {
      resources: { type: string; tags?: object; properties: { template?: { resources: { tags: object }[] } } }[];
    };
    expect(resources.find(({ type }) => type === 'Microsoft.Kusto/clusters')?.tags).toEqual({
      '[[name]': '[[value]',
      twice: '[[[x]',
      call: "[[concat('a', 'b')]",
    });
    const second = resources.find(({ type }) => type === 'Microsoft.Resources/deployments');
    expect(second?.properties.template?.resources[0]?.tags).toEqual({
      '[[[name]': '[[[value]',
      twice: '[[[[x]',
      call: "[[[concat('a', 'b')]",
    });
  });

  it('leaves one mark to the compiler of Bicep', () => {
    const [own, again] = writeBicep(odd).split("'Microsoft.Resources/deployments@");
    expect(own).toContain("'[name]': '[value]'");
    expect(again).toContain("'[[name]': '[[value]'");
    expect(again).toContain("twice: '[[[x]'");
  });

  it('has the key of the database, after what lets the identity of the cluster use it', () => {
    const { resources } = JSON.parse(writeArm(odd)) as {
      resources: { type: string; dependsOn?: string[]; properties: object }[];
    };
    const database = resources.find(({ type }) => type === 'Microsoft.Kusto/clusters/databases');
    expect(database?.properties).toMatchObject({ keyVaultProperties: { keyName: 'telemetry-key', keyVersion: '' } });
    expect(database?.dependsOn?.join()).toMatch(
      /vaults\/keys.*vaults\/accessPolicies|vaults\/accessPolicies.*vaults\/keys/,
    );
    expect(writeBicep(odd).split('databases@')[1]).toContain('keyVaultUri: vault_contosoKeys.properties.vaultUri');
    expect(writeTerraform(odd)).toMatch(/# not exported: keyVaultProperties of \w*Telemetry/);
  });
});
