import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FleetFinding } from './fleet-findings.ts';
import { parseFleetPolicy, policyMembers, presetPolicy } from './fleet-policy.ts';
import { fleetRules } from './fleet-rules.ts';
import { policyDefinitions } from './policy-definitions.ts';
import { sarifOf } from './sarif.ts';

describe('policy file of a fleet', () => {
  it('counts what it has, and presets for the rest', () => {
    const parsed = parseFleetPolicy('{"minimumKeySizeBits": 3072, "allowedVaults": ["a"]}');
    expect(parsed).toEqual({ value: { ...presetPolicy, minimumKeySizeBits: 3072, allowedVaults: ['a'] } });
  });

  it.each([
    ['{', /not JSON/],
    ['[]', /one object/],
    ['{"daysBeforeExpriy": 3}', /no member 'daysBeforeExpriy'. Near it: daysBeforeExpiry/],
    ['{"daysBeforeExpiry": "3"}', /daysBeforeExpiry must be a whole number, 0 to 36500/],
    ['{"daysBeforeExpiry": 1.5}', /must be a whole number/],
    ['{"expiryRequired": 1}', /must be true or false/],
    ['{"allowedVaults": [1]}', /must be a list/],
    ['{"__proto__": 1}', /no member '__proto__'/],
  ])('refuses %s', (text, says) => {
    expect(parseFleetPolicy(text)).toEqual({ problem: expect.stringMatching(says) as string });
  });

  it('has presets that it would take itself', () => {
    for (const { preset, holds } of Object.values(policyMembers)) expect(holds(preset)).toBe(true);
  });
});

const finding: FleetFinding = {
  rule: 'key-size',
  severity: 'medium',
  cluster: '/subscriptions/s/resourceGroups/a group/providers/Microsoft.Kusto/clusters/c',
  database: 'db',
  message: '2048 bits, fewer than 3072.',
};

interface Sarif {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly locations: readonly {
        readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } };
      }[];
      readonly partialFingerprints: Readonly<Record<string, string>>;
    }[];
  }[];
}

describe('SARIF of a fleet', () => {
  const of = (findings: readonly FleetFinding[]) => (sarifOf(findings, '1.2.3') as unknown as Sarif).runs[0];

  it('has a rule for every finding, a level, and a place that is an address', () => {
    const run = of([finding]);
    const [result] = run?.results ?? [];
    expect(result?.level).toBe('warning');
    expect(run?.tool.driver.rules[result?.ruleIndex ?? -1]?.id).toBe('key-size');
    expect(result?.locations[0]?.physicalLocation.artifactLocation.uri).toBe(
      'subscriptions/s/resourceGroups/a%20group/providers/Microsoft.Kusto/clusters/c/databases/db',
    );
  });

  it('keeps the fingerprint of a finding, whatever stands beside it', () => {
    const print = (findings: readonly FleetFinding[], rule: string): unknown =>
      of(findings)?.results.find(({ ruleId }) => ruleId === rule)?.partialFingerprints;
    const other = { ...finding, rule: 'key-expiry' };
    expect(print([finding], 'key-size')).toEqual(print([other, finding], 'key-size'));
    expect(print([finding], 'key-size')).not.toEqual(print([other], 'key-expiry'));
  });
});

describe('policy definitions of a fleet', () => {
  it('are of rules that there are, with names of their own', () => {
    const all = policyDefinitions({
      ...presetPolicy,
      ...{ expiryRequired: true, doubleEncryptionRequired: true, allowedVaults: ['https://a.vault.example/'] },
    });
    expect(all.every(({ rule }) => fleetRules.some(({ id }) => id === rule))).toBe(true);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    expect(JSON.stringify(all)).toContain('"like":"https://a.*"');
  });

  it('are left out where the policy does not ask', () => {
    const names = (change: Partial<typeof presetPolicy>): readonly string[] =>
      policyDefinitions({ ...presetPolicy, ...change }).map(({ name }) => name);
    expect(names({})).not.toContain('kusto-double-encryption');
    expect(names({ customerManagedKeyRequired: false })).not.toContain('kusto-customer-managed-key');
    expect(names({ diagnosticSettingsRequired: false }).filter((name) => name.includes('diagnostic'))).toEqual([]);
  });

  it('say of keys what the policy says', () => {
    const size = policyDefinitions({ ...presetPolicy, minimumKeySizeBits: 3072 }).find(
      ({ name }) => name === 'key-size',
    );
    expect(size?.properties['mode']).toBe('Microsoft.KeyVault.Data');
    expect(JSON.stringify(size?.properties['policyRule'])).toContain('"less":3072');
  });
});

describe('the language of the policy definitions', () => {
  // Fields that Microsoft's built-in definitions of Data Explorer and Key Vault have (Azure/azure-policy), with the operators of the
  // reference and what either mode can do; the retention has an alias that none of them asks.
  const fields = [
    ...['type', 'Microsoft.Kusto/clusters/keyVaultProperties.keyName'],
    ...['Microsoft.Kusto/clusters/keyVaultProperties.keyVaultUri', 'Microsoft.Kusto/clusters/enableDiskEncryption'],
    ...['Microsoft.Kusto/clusters/enableDoubleEncryption', 'Microsoft.KeyVault/vaults/enableSoftDelete'],
    ...['Microsoft.KeyVault/vaults/enablePurgeProtection', 'Microsoft.KeyVault/vaults/softDeleteRetentionInDays'],
    ...['attributes.expiresOn', 'keyType', 'keySize'].map((name) => `Microsoft.KeyVault.Data/vaults/keys/${name}`),
  ];
  const operators = ['equals', 'notEquals', 'like', 'in', 'exists', 'less', 'lessOrEquals'];
  type Condition = Readonly<Record<string, unknown>>;

  /** What of a condition is none. */
  function wrongIn(condition: Condition): readonly string[] {
    const [[name, value] = ['', undefined], ...more] = Object.entries(condition).filter(([key]) => key !== 'field');
    if (!('field' in condition)) {
      if (more.length > 0) return [`several of ${Object.keys(condition).join(', ')}`];
      if (name === 'not') return wrongIn(value as Condition);
      const parts = value as readonly Condition[];
      return ['allOf', 'anyOf'].includes(name) && parts.length > 0 ? parts.flatMap(wrongIn) : [`operator ${name}`];
    }
    return [
      ...(fields.includes(String(condition['field'])) ? [] : [`field ${String(condition['field'])}`]),
      ...(more.length === 0 && operators.includes(name) ? [] : [`operator ${name}`]),
      // A list for `in`, and one value for everything else; functions in brackets, of those that both modes know.
      ...(Array.isArray(value) === (name === 'in') ? [] : [`value of ${name}`]),
      ...(typeof value !== 'string' || !value.startsWith('[') || /^\[addDays\(utcNow\(\), \d+\)\]$/.test(value)
        ? []
        : [`function ${value}`]),
    ];
  }
  const all = policyDefinitions({
    ...presetPolicy,
    ...{ expiryRequired: true, doubleEncryptionRequired: true, allowedVaults: ['a', 'b'] },
  });

  it('is that of Azure, in every definition', () => {
    expect(all).toHaveLength(11);
    for (const { name, properties } of all) {
      const { mode, policyRule } = properties as { mode: string; policyRule: { if: Condition; then: Condition } };
      expect([name, wrongIn(policyRule.if)]).toEqual([name, []]);
      const { effect, details } = policyRule.then;
      const possible = mode === 'Indexed' ? ['audit', 'auditIfNotExists'] : ['audit'];
      expect(possible).toContain(effect);
      expect(effect === 'auditIfNotExists').toBe(details !== undefined);
      expect(JSON.stringify(policyRule.if).includes('KeyVault.Data')).toBe(mode === 'Microsoft.KeyVault.Data');
    }
  });

  it.each<[string, Condition]>([
    ['field Microsoft.Kusto/clusters/keyName', { field: 'Microsoft.Kusto/clusters/keyName', exists: 'false' }],
    ['operator smaller', { allOf: [{ field: 'type', smaller: 3 }] }],
    ['value of in', { not: { field: 'type', in: 'a' } }],
    ['several of allOf, anyOf', { allOf: [], anyOf: [] }],
  ])('is not when there is %s', (says, condition) => {
    expect(wrongIn(condition)).toEqual([says]);
  });
});

describe('the page of the fleet', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'cmk.md'), 'utf8');

  it('has every rule', () => {
    const missing = fleetRules.filter(({ id }) => !page.includes(`\`${id}\``)).map(({ id }) => id);
    expect(missing).toEqual([]);
  });

  it('has the policy as it counts without a file', () => {
    const shown = /```json\n(\{[^`]*customerManagedKeyRequired[^`]*\})\n```/.exec(page)?.[1] ?? '';
    expect(JSON.parse(shown)).toEqual(presetPolicy);
  });
});
