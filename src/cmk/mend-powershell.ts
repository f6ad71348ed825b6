import { encryptionRole } from './commands.ts';
import type { KeyChange, Mend } from './mend.ts';
import { keyPermissions } from './plan-permissions.ts';

/** The command of Azure PowerShell that does it. */
export function mendByPowerShell(mend: Mend): string {
  switch (mend.kind) {
    case 'createCluster': {
      const { resourceGroup, name } = mend.cluster;
      return words(
        ...['New-AzKustoCluster', '-ResourceGroupName', value(resourceGroup), '-Name', value(name)],
        ...['-Location', value(mend.location), '-SkuName', "'Standard_E2ads_v5'", '-SkuTier', "'Standard'"],
        ...['-SkuCapacity', '2', '-IdentityType', "'SystemAssigned'"],
      );
    }
    case 'assignIdentity': {
      const { resourceGroup, name } = mend.cluster;
      const user = mend.userIdentities.map((id) => `${value(id)} = @{}`).join('; ');
      return words(
        ...['Update-AzKustoCluster', '-ResourceGroupName', value(resourceGroup), '-Name', value(name)],
        ...['-IdentityType', value(mend.type)],
        ...(user === '' ? [] : ['-IdentityUserAssignedIdentity', `@{ ${user} }`]),
      );
    }
    case 'createIdentity': {
      const { resourceGroup, name } = mend.identity;
      return words(
        ...['New-AzUserAssignedIdentity', '-ResourceGroupName', value(resourceGroup), '-Name', value(name)],
        ...['-Location', value(mend.location)],
      );
    }
    case 'createVault': {
      const { group, name } = mend.vault;
      return words(
        ...['New-AzKeyVault', '-ResourceGroupName', value(group), '-Name', value(name)],
        ...['-Location', value(mend.location), '-EnablePurgeProtection'],
      );
    }
    case 'recoverVault': {
      const named = ['-VaultName', value(mend.vault.name), '-Location', value(mend.location)];
      return [
        words('$deleted =', 'Get-AzKeyVault', ...named, '-InRemovedState'),
        words('Undo-AzKeyVaultRemoval', ...named, '-ResourceGroupName', "$deleted.ResourceId.Split('/')[4]"),
      ].join('\n');
    }
    case 'protectVault': {
      const { subscriptionId, group, name } = mend.vault;
      if (mend.what === 'purgeProtection')
        return words(
          ...['Update-AzKeyVault', '-ResourceGroupName', value(group), '-VaultName', value(name)],
          '-EnablePurgeProtection',
        );
      const path = `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/Microsoft.KeyVault/vaults/${name}`;
      return words(
        ...['Invoke-AzRestMethod', '-Method', 'PATCH', '-Path', value(`${path}?api-version=2023-07-01`)],
        ...['-Payload', value('{"properties":{"enableSoftDelete":true}}')],
      );
    }
    case 'createKey':
      return words(
        ...['Add-AzKeyVaultKey', '-VaultName', value(mend.vault), '-Name', value(mend.key)],
        ...['-Destination', "'Software'", '-KeyType', "'RSA'", '-Size', String(mend.sizeBits)],
      );
    case 'recoverKey':
      return words('Undo-AzKeyVaultKeyRemoval', '-VaultName', value(mend.vault), '-Name', value(mend.key));
    case 'changeKey':
      return words(
        ...['Update-AzKeyVaultKey', '-VaultName', value(mend.vault), '-Name', value(mend.key)],
        ...['-Version', value(mend.version), ...changeWords(mend.change)],
      );
    case 'grantPolicy':
      return words(
        ...['Set-AzKeyVaultAccessPolicy', '-ResourceGroupName', value(mend.vault.group)],
        ...['-VaultName', value(mend.vault.name), '-ObjectId', value(mend.principalId)],
        ...['-PermissionsToKeys', keyPermissions.join(','), '-BypassObjectIdValidation'],
      );
    case 'grantRole':
      return words(
        ...['New-AzRoleAssignment', '-ObjectId', value(mend.principalId), '-ObjectType', "'ServicePrincipal'"],
        ...['-RoleDefinitionName', value(encryptionRole.name), '-Scope', value(mend.scope)],
      );
    case 'setKey': {
      const { resourceGroup, name } = mend.cluster;
      return words(
        ...['Update-AzKustoCluster', '-ResourceGroupName', value(resourceGroup), '-Name', value(name)],
        ...['-KeyVaultPropertyKeyName', value(mend.key), '-KeyVaultPropertyKeyVaultUri', value(mend.vaultUri)],
        ...(mend.userIdentity === undefined ? [] : ['-KeyVaultPropertyUserIdentity', value(mend.userIdentity)]),
      );
    }
  }
}

function changeWords(change: KeyChange): readonly string[] {
  if ('enabled' in change) return ['-Enable', '$true'];
  if ('notBefore' in change)
    return ['-NotBefore', `([datetime]${value(`${change.notBefore.toISOString().slice(0, 19)}Z`)})`];
  return ['-KeyOps', change.operations.join(',')];
}

const words = (...all: readonly string[]): string => all.join(' ');

const value = (text: string): string => `'${text.replaceAll("'", "''")}'`;
