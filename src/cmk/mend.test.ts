import { describe, expect, it } from 'vitest';
import type { Mend } from './mend.ts';
import { mendByAz } from './mend-az.ts';
import { mendByPowerShell } from './mend-powershell.ts';
import { mendByTypeScript } from './mend-typescript.ts';

const cluster = {
  id: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Kusto/clusters/c',
  ...{ subscriptionId: 's', resourceGroup: 'g', type: 'Microsoft.Kusto/clusters', name: 'c' },
};
const vault = { subscriptionId: 's', group: "o'g", name: 'v' };
const key = { vault: 'v', vaultUri: 'https://v.vault.azure.net/', key: 'k' };
const user = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u';

const rows: readonly (readonly [mend: Mend, az: string, powershell: string])[] = [
  [
    { kind: 'createCluster', cluster, location: 'westus' },
    'az kusto cluster create --resource-group g --name c --location westus --sku name=Standard_E2ads_v5 tier=Standard capacity=2 --type SystemAssigned',
    "New-AzKustoCluster -ResourceGroupName 'g' -Name 'c' -Location 'westus' -SkuName 'Standard_E2ads_v5' -SkuTier 'Standard' -SkuCapacity 2 -IdentityType 'SystemAssigned'",
  ],
  [
    { kind: 'assignIdentity', cluster, type: 'SystemAssigned, UserAssigned', userIdentities: [user] },
    `az kusto cluster update --ids ${cluster.id} --type 'SystemAssigned, UserAssigned' --user-assigned '{"${user}":{}}'`,
    `Update-AzKustoCluster -ResourceGroupName 'g' -Name 'c' -IdentityType 'SystemAssigned, UserAssigned' -IdentityUserAssignedIdentity @{ '${user}' = @{} }`,
  ],
  [
    { kind: 'createVault', vault, location: 'westus', tenantId: 't' },
    String.raw`az keyvault create --resource-group 'o'\''g' --name v --location westus --enable-purge-protection true`,
    "New-AzKeyVault -ResourceGroupName 'o''g' -Name 'v' -Location 'westus' -EnablePurgeProtection",
  ],
  [
    { kind: 'protectVault', vault: { ...vault, group: 'g' }, what: 'softDelete' },
    'az resource update --ids /subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v --set properties.enableSoftDelete=true',
    `Invoke-AzRestMethod -Method PATCH -Path '/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v?api-version=2023-07-01' -Payload '{"properties":{"enableSoftDelete":true}}'`,
  ],
  [
    { kind: 'createKey', ...key, sizeBits: 3072 },
    'az keyvault key create --vault-name v --name k --kty RSA --size 3072',
    "Add-AzKeyVaultKey -VaultName 'v' -Name 'k' -Destination 'Software' -KeyType 'RSA' -Size 3072",
  ],
  [
    { kind: 'changeKey', ...key, version: 'n', change: { operations: ['sign', 'wrapKey'] } },
    'az keyvault key set-attributes --vault-name v --name k --version n --ops sign wrapKey',
    "Update-AzKeyVaultKey -VaultName 'v' -Name 'k' -Version 'n' -KeyOps sign,wrapKey",
  ],
  [
    { kind: 'grantRole', scope: '/subscriptions/s/x/keys/k', principalId: 'p' },
    "az role assignment create --role 'Key Vault Crypto Service Encryption User' --assignee-object-id p --assignee-principal-type ServicePrincipal --scope /subscriptions/s/x/keys/k",
    "New-AzRoleAssignment -ObjectId 'p' -ObjectType 'ServicePrincipal' -RoleDefinitionName 'Key Vault Crypto Service Encryption User' -Scope '/subscriptions/s/x/keys/k'",
  ],
  [
    { kind: 'setKey', cluster, key: 'k', vaultUri: key.vaultUri, userIdentity: user },
    `az kusto cluster update --ids ${cluster.id} --key-vault-properties key-name=k key-vault-uri=${key.vaultUri} user-identity=${user}`,
    `Update-AzKustoCluster -ResourceGroupName 'g' -Name 'c' -KeyVaultPropertyKeyName 'k' -KeyVaultPropertyKeyVaultUri '${key.vaultUri}' -KeyVaultPropertyUserIdentity '${user}'`,
  ],
];

describe('the commands that mend', () => {
  it.each(rows)('$kind', (mend, az, powershell) => {
    expect(mendByAz(mend)).toBe(az);
    expect(mendByPowerShell(mend)).toBe(powershell);
  });

  it('quote names in scripts', () => {
    const script = mendByTypeScript({ kind: 'protectVault', vault, what: 'purgeProtection' });
    expect(script).toContain(String.raw`client.vaults.update('o\'g', 'v', {`);
  });
});
