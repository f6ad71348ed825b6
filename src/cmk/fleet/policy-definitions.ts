import type { FleetPolicy } from './fleet-policy.ts';

/** A rule of the fleet in the language of Azure Policy. Which rules have one, and which cannot (what lies in a vault's roles, or what two
 * resources say of each other), stands in docs/cmk.md. */
export interface PolicyDefinition {
  /** The rule of the fleet. */
  readonly rule: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

type Condition = Readonly<Record<string, unknown>>;

interface DefinitionRow {
  readonly rule: string;
  readonly name: string;
  readonly displayName: string;
  /** `Indexed` for resources, `Microsoft.KeyVault.Data` for what lies in a vault. */
  readonly mode: 'Indexed' | 'Microsoft.KeyVault.Data';
  readonly type: string;
  /** What a resource that breaks the rule is like; undefined: the policy does not ask for it. */
  readonly wrong: (policy: FleetPolicy) => Condition | undefined;
  /** What must exist beside the resource instead: then the effect is AuditIfNotExists. */
  readonly besides?: Condition;
}

const clusters = 'Microsoft.Kusto/clusters';
const vaults = 'Microsoft.KeyVault/vaults';
const keys = 'Microsoft.KeyVault.Data/vaults/keys';

const isNotTrue = (field: string): Condition => ({
  anyOf: [
    { field, exists: 'false' },
    { field, notEquals: 'true' },
  ],
});

const rows: readonly DefinitionRow[] = [
  {
    rule: 'customer-managed-key',
    name: 'kusto-customer-managed-key',
    displayName: 'Data Explorer clusters should have a customer-managed key',
    ...{ mode: 'Indexed', type: clusters },
    wrong: ({ customerManagedKeyRequired }) =>
      customerManagedKeyRequired
        ? {
            anyOf: ['keyName', 'keyVaultUri'].map((member) => ({
              field: `${clusters}/keyVaultProperties.${member}`,
              exists: 'false',
            })),
          }
        : undefined,
  },
  {
    rule: 'vault-allowed',
    name: 'kusto-allowed-vaults',
    displayName: 'Keys of Data Explorer clusters should lie in allowed vaults',
    ...{ mode: 'Indexed', type: clusters },
    wrong: ({ allowedVaults }) => {
      const names = allowedVaults.map(vaultNameOf);
      if (names.length === 0) return undefined;
      const field = `${clusters}/keyVaultProperties.keyVaultUri`;
      // The address begins with the name in every cloud.
      return {
        allOf: [
          { field, exists: 'true' },
          { not: { anyOf: names.map((name) => ({ field, like: `https://${name}.*` })) } },
        ],
      };
    },
  },
  {
    rule: 'disk-encryption',
    name: 'kusto-disk-encryption',
    displayName: 'Data Explorer clusters should have disk encryption',
    ...{ mode: 'Indexed', type: clusters },
    wrong: ({ diskEncryptionRequired }) =>
      diskEncryptionRequired ? isNotTrue(`${clusters}/enableDiskEncryption`) : undefined,
  },
  {
    rule: 'double-encryption',
    name: 'kusto-double-encryption',
    displayName: 'Data Explorer clusters should have double encryption',
    ...{ mode: 'Indexed', type: clusters },
    wrong: ({ doubleEncryptionRequired }) =>
      doubleEncryptionRequired ? isNotTrue(`${clusters}/enableDoubleEncryption`) : undefined,
  },
  {
    rule: 'vault-protection',
    name: 'vault-purge-protection',
    displayName: 'Vaults should have soft delete and purge protection',
    ...{ mode: 'Indexed', type: vaults },
    wrong: () => ({
      anyOf: [
        // Absent means on, as the service takes it.
        { field: `${vaults}/enableSoftDelete`, equals: 'false' },
        ...(isNotTrue(`${vaults}/enablePurgeProtection`)['anyOf'] as readonly Condition[]),
      ],
    }),
  },
  {
    rule: 'vault-retention',
    name: 'vault-retention',
    displayName: 'Vaults should keep what is deleted long enough',
    ...{ mode: 'Indexed', type: vaults },
    wrong: ({ minimumRetentionDays }) => ({
      field: `${vaults}/softDeleteRetentionInDays`,
      less: minimumRetentionDays,
    }),
  },
  {
    rule: 'key-expiry',
    name: 'key-expiry',
    displayName: 'Keys should not expire soon',
    ...{ mode: 'Microsoft.KeyVault.Data', type: keys },
    wrong: ({ daysBeforeExpiry }) => ({
      field: `${keys}/attributes.expiresOn`,
      lessOrEquals: `[addDays(utcNow(), ${daysBeforeExpiry})]`,
    }),
  },
  {
    rule: 'key-expires',
    name: 'key-expires',
    displayName: 'Keys should expire once',
    ...{ mode: 'Microsoft.KeyVault.Data', type: keys },
    wrong: ({ expiryRequired }) =>
      expiryRequired ? { field: `${keys}/attributes.expiresOn`, exists: 'false' } : undefined,
  },
  {
    rule: 'key-size',
    name: 'key-size',
    displayName: 'RSA keys should be long enough',
    ...{ mode: 'Microsoft.KeyVault.Data', type: keys },
    wrong: ({ minimumKeySizeBits }) => ({
      allOf: [
        { field: `${keys}/keyType`, in: ['RSA', 'RSA-HSM'] },
        { field: `${keys}/keySize`, less: minimumKeySizeBits },
      ],
    }),
  },
  ...[
    { type: clusters, name: 'kusto-diagnostic-settings', of: 'Data Explorer clusters' },
    { type: vaults, name: 'vault-diagnostic-settings', of: 'Vaults' },
  ].map(({ type, name, of }): DefinitionRow => ({
    rule: 'diagnostic-settings',
    name,
    displayName: `${of} should send their events somewhere`,
    ...{ mode: 'Indexed', type },
    wrong: ({ diagnosticSettingsRequired }) => (diagnosticSettingsRequired ? {} : undefined),
    besides: { type: 'Microsoft.Insights/diagnosticSettings' },
  })),
];

/** The same rules as Azure Policy definitions: the body that `az policy definition create` or a PUT takes. They only audit.
 * @see https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-basics */
export function policyDefinitions(policy: FleetPolicy): readonly PolicyDefinition[] {
  return rows.flatMap(({ rule, name, displayName, mode, type, wrong, besides }) => {
    const condition = wrong(policy);
    if (condition === undefined) return [];
    const about = { field: 'type', equals: type };
    const isEmpty = Object.keys(condition).length === 0;
    const properties = {
      displayName,
      policyType: 'Custom',
      mode,
      metadata: { category: mode === 'Indexed' && type === clusters ? 'Azure Data Explorer' : 'Key Vault' },
      policyRule: {
        if: isEmpty ? about : { allOf: [about, condition] },
        then: besides === undefined ? { effect: 'audit' } : { effect: 'auditIfNotExists', details: besides },
      },
    };
    return [{ rule, name, properties }];
  });
}

/** Of a name, an address or a resource id. */
const vaultNameOf = (text: string): string =>
  (text.startsWith('/') ? text.split('/').at(-1) : text.replace(/^https:\/\//i, '').split('.')[0]) ?? text;
