import { describe, expect, it } from 'vitest';
import { parseSeedPlan } from './seed-plan.ts';

const lines = (...all: readonly string[]): string => `${all.join('\n')}\n`;
const vaults = lines('vaults:', '  - name: contoso-keys', '    keys:', '      - name: telemetry-key');
const clusters = lines('clusters:', '  - name: telemetry', '    databases:', '      - name: Telemetry');

describe('kustody.yaml', () => {
  it('may say nothing', () => {
    expect(parseSeedPlan('# nothing yet\n').document).toEqual({});
  });

  it('knows where each of its values stands, and what is missing at what encloses it', () => {
    const plan = parseSeedPlan(`${vaults}${clusters}`);
    expect(plan.place(['clusters', 0, 'databases', 0])).toBe('kustody.yaml:8: clusters[0].databases[0]');
    expect(plan.place(['vaults', 0, 'keys', 0, 'name'])).toBe('kustody.yaml:4: vaults[0].keys[0].name');
    expect(plan.place(['clusters', 0, 'key', 'vault'])).toBe('kustody.yaml:6: clusters[0].key.vault');
    expect(plan.place(['resourceGroup'])).toBe('kustody.yaml:1: resourceGroup');
  });

  it.each([
    ['clustrs: []\n', 'kustody.yaml:1: clustrs: there is no such member. Near it: clusters, '],
    [
      `${clusters}    databses: []\n`,
      'kustody.yaml:5: clusters[0].databses: there is no such member. Near it: databases',
    ],
    ['vaults:\n  - location: eastus\n', 'kustody.yaml:2: vaults[0]: name is missing.'],
    ['vaults: contoso\n', 'kustody.yaml:1: vaults: must be a list of vaults.'],
    ['- vaults\n', 'kustody.yaml:1: must have members: resourceGroup, '],
    ['location: Atlantis\n', "kustody.yaml:1: location: 'Atlantis' is not a region of Azure."],
    [
      'clusters:\n  - name: telemetry\n    sku: Standard_E8ads_v6\n',
      "kustody.yaml:3: clusters[0].sku: 'Standard_E8ads_v6' is not a size of clusters. Near it: Standard_E8ads_v5",
    ],
    [
      'vaults:\n  - name: contoso-keys\n    softDeleteRetentionInDays: 6\n',
      "vaults[0].softDeleteRetentionInDays: '6' is not a whole number, 7 to 90.",
    ],
    ['vaults:\n  - name: a-vault\n    enablePurgeProtection: yes\n', "'yes' is not true or false."],
    ['vaults:\n  - name:\n', 'kustody.yaml:2: vaults[0].name: nothing is not a text.'],
    ['vaults:\n  - name: 2026\n', "kustody.yaml:2: vaults[0].name: '2026' is not a text."],
    ['principals:\n  users:\n    - name: ada\n      password: x\n', 'users[0].password: there is no such member.'],
    [
      'principals:\n  users: [{ name: ada }]\n  groups: [{ name: Ada }]\n',
      "kustody.yaml:3: principals.groups[0].name: 'Ada' is there already.",
    ],
    [
      `${vaults}${clusters}    key: { vault: contoso-key, name: telemetry-key }\n`,
      "kustody.yaml:9: clusters[0].key.vault: there is no vault 'contoso-key' in this file. Near it: contoso-keys.",
    ],
    [
      `${vaults}${clusters}    key:\n      vault: contoso-keys\n      name: telemetry\n`,
      "kustody.yaml:11: clusters[0].key.name: there is no key of vault contoso-keys 'telemetry' in this file.",
    ],
    [
      `${vaults}${clusters}    key: { vault: contoso-keys, name: telemetry-key, managedIdentity: other }\n`,
      'kustody.yaml:9: clusters[0].key.managedIdentity: is none of the managedIdentities of the cluster.',
    ],
    [
      `${vaults}${clusters}    systemAssignedIdentity: false\n    key: { vault: contoso-keys, name: telemetry-key }\n`,
      'kustody.yaml:10: clusters[0].key: the cluster has no system-assigned identity',
    ],
    [
      `${clusters}roles:\n  - principal: clusters/telemetri\n    role: Reader\n    scope: subscription\n`,
      "kustody.yaml:6: roles[0].principal: there is no principal 'clusters/telemetri' in this file. Near it: clusters/telemetry.",
    ],
    [
      `${clusters}roles:\n  - { principal: clusters/telemetry, role: Reder, scope: subscription }\n`,
      "kustody.yaml:6: roles[0].role: 'Reder' is not the name of a role. Near it: Reader, ",
    ],
    [
      `${clusters}roles:\n  - { principal: clusters/telemetry, role: Viewer, scope: clusters/telemetry }\n`,
      'kustody.yaml:6: roles[0].scope: role Viewer is given on clusters/CLUSTER/databases/DATABASE.',
    ],
    [
      `${clusters}roles:\n  - { principal: clusters/telemetry, role: Reader, scope: telemetry }\n`,
      "roles[0].scope: 'telemetry' is no scope. There are: subscription, resourceGroup, vaults/VAULT",
    ],
    [
      'vaults:\n  - name: contoso-keys\n    accessPolicies: [{ principal: x, keys: [get] }]\n',
      'kustody.yaml:3: vaults[0].accessPolicies: count only in a vault with enableRbacAuthorization: false.',
    ],
    ['vaults: [\n', 'kustody.yaml:2: '],
    ['location: !region eastus\n', 'kustody.yaml:1: Unresolved tag: !region'],
    ['location: eastus\nlocation: westus\n', 'kustody.yaml:2: Map keys must be unique'],
    ['a: &a [x]\nb: *a\n', 'kustody.yaml: aliases are not taken.'],
    ['---\na: 1\n---\nb: 1\n', 'kustody.yaml:3: '],
    [`vaults: ${'['.repeat(20_000)}\n`, 'kustody.yaml'],
    [`vaults:\n${'  - name: v\n'.repeat(201)}`, 'kustody.yaml:1: vaults: has more than 200 entries.'],
    ['__proto__: {}\n', 'kustody.yaml:1: __proto__: there is no such member.'],
    ['constructor: {}\n', 'kustody.yaml:1: constructor: there is no such member.'],
  ])('is refused with the place and what is near: %#', (text, message) => {
    expect(() => parseSeedPlan(text)).toThrow(expect.objectContaining({ name: 'SeedFilesError' }) as Error);
    expect(() => parseSeedPlan(text)).toThrow(message);
  });
});
