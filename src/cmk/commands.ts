/** Commands of the Azure CLI with the caller's names in them: what helps where this tool does nothing. */

const quote = (text: string): string => (/^[\w.:/@=+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

export const command = (...words: readonly string[]): string => words.map(quote).join(' ');

export const encryptionRole = {
  name: 'Key Vault Crypto Service Encryption User',
  id: 'e147488a-f6f5-4113-8e2d-b22465e65bf6',
} as const;

interface ClusterRef {
  readonly id: string;
}
interface KeyRef {
  readonly vault: string;
  readonly key: string;
}

export const az = {
  createCluster: (group: string, name: string): string =>
    `${command('az', 'kusto', 'cluster', 'create', '--resource-group', group, '--name', name)} --location REGION --sku name=Standard_E2ads_v5 tier=Standard capacity=2`,
  showCluster: ({ id }: ClusterRef): string => command('az', 'kusto', 'cluster', 'show', '--ids', id),
  startCluster: ({ id }: ClusterRef): string => command('az', 'kusto', 'cluster', 'start', '--ids', id),
  /** The type must say of what is there already, or that would go. */
  assignIdentity: ({ id }: ClusterRef, type: string, userIdentities: readonly string[]): string =>
    command(
      ...['az', 'kusto', 'cluster', 'update', '--ids', id, '--type', type],
      ...(userIdentities.length === 0
        ? []
        : ['--user-assigned', JSON.stringify(Object.fromEntries(userIdentities.map((one) => [one, {}])))]),
    ),
  setKey: ({ id }: ClusterRef, key: string, vaultUri: string): string =>
    command(
      'az',
      'kusto',
      'cluster',
      'update',
      '--ids',
      id,
      '--key-vault-properties',
      `key-name=${key}`,
      `key-vault-uri=${vaultUri}`,
    ),
  createIdentity: (subscription: string, group: string, name: string): string =>
    command('az', 'identity', 'create', '--subscription', subscription, '--resource-group', group, '--name', name),
  createVault: (group: string, vault: string, location: string): string =>
    command(
      'az',
      'keyvault',
      'create',
      '--resource-group',
      group,
      '--name',
      vault,
      '--location',
      location,
      '--enable-purge-protection',
      'true',
    ),
  showVault: (vault: string): string => command('az', 'keyvault', 'show', '--name', vault),
  recoverVault: (vault: string): string => command('az', 'keyvault', 'recover', '--name', vault),
  softDelete: (vaultId: string): string =>
    command('az', 'resource', 'update', '--ids', vaultId, '--set', 'properties.enableSoftDelete=true'),
  purgeProtection: (vault: string): string =>
    command('az', 'keyvault', 'update', '--name', vault, '--enable-purge-protection', 'true'),
  networkRules: (vault: string): string => command('az', 'keyvault', 'network-rule', 'list', '--name', vault),
  letAddressIn: (vault: string): string =>
    `${command('az', 'keyvault', 'network-rule', 'add', '--name', vault)} --ip-address YOUR_ADDRESS`,
  /** For whoever runs this: enough to read, create and rotate keys. */
  grantYourself: (vault: { readonly id: string; readonly name: string; readonly model: string }): string =>
    vault.model === 'roles'
      ? `az role assignment create --role 'Key Vault Crypto Officer' --assignee-object-id YOUR_OBJECT_ID --scope ${quote(vault.id)}`
      : `${command('az', 'keyvault', 'set-policy', '--name', vault.name)} --object-id YOUR_OBJECT_ID --key-permissions get list create update`,
  showKey: ({ vault, key }: KeyRef): string =>
    command('az', 'keyvault', 'key', 'show', '--vault-name', vault, '--name', key),
  createKey: ({ vault, key }: KeyRef, sizeBits: number): string =>
    command(
      'az',
      'keyvault',
      'key',
      'create',
      '--vault-name',
      vault,
      '--name',
      key,
      '--kty',
      'RSA',
      '--size',
      String(sizeBits),
    ),
  recoverKey: ({ vault, key }: KeyRef): string =>
    command('az', 'keyvault', 'key', 'recover', '--vault-name', vault, '--name', key),
  listVersions: ({ vault, key }: KeyRef): string =>
    command('az', 'keyvault', 'key', 'list-versions', '--vault-name', vault, '--name', key),
  setAttributes: ({ vault, key }: KeyRef, version: string, ...change: readonly string[]): string =>
    command(
      'az',
      'keyvault',
      'key',
      'set-attributes',
      '--vault-name',
      vault,
      '--name',
      key,
      '--version',
      version,
      ...change,
    ),
  grantPolicy: (vault: string, principalId: string): string =>
    command(
      'az',
      'keyvault',
      'set-policy',
      '--name',
      vault,
      '--object-id',
      principalId,
      '--key-permissions',
      'get',
      'wrapKey',
      'unwrapKey',
    ),
  grantRole: (principalId: string, scope: string): string =>
    command(
      'az',
      'role',
      'assignment',
      'create',
      '--role',
      encryptionRole.name,
      '--assignee-object-id',
      principalId,
      '--assignee-principal-type',
      'ServicePrincipal',
      '--scope',
      scope,
    ),
  listRoles: (principalId: string, scope: string): string =>
    command('az', 'role', 'assignment', 'list', '--assignee', principalId, '--scope', scope, '--include-inherited'),
} as const;
