import { az, command } from './commands.ts';
import type { KeyChange, Mend } from './mend.ts';

/** The command of the Azure CLI that does it. */
export function mendByAz(mend: Mend): string {
  switch (mend.kind) {
    case 'createCluster': {
      const { resourceGroup, name } = mend.cluster;
      return `${az.createCluster(resourceGroup, name).replace('REGION', mend.location)} --type SystemAssigned`;
    }
    case 'assignIdentity':
      return az.assignIdentity(mend.cluster, mend.type, mend.userIdentities);
    case 'createIdentity': {
      const { subscriptionId, resourceGroup, name } = mend.identity;
      return az.createIdentity(subscriptionId, resourceGroup, name);
    }
    case 'createVault':
      return az.createVault(mend.vault.group, mend.vault.name, mend.location);
    case 'recoverVault':
      return az.recoverVault(mend.vault.name);
    case 'protectVault': {
      const { subscriptionId, group, name } = mend.vault;
      const id = `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/Microsoft.KeyVault/vaults/${name}`;
      return mend.what === 'softDelete' ? az.softDelete(id) : az.purgeProtection(name);
    }
    case 'createKey':
      return az.createKey(mend, mend.sizeBits);
    case 'recoverKey':
      return az.recoverKey(mend);
    case 'changeKey':
      return az.setAttributes(mend, mend.version, ...changeWords(mend.change));
    case 'grantPolicy':
      return az.grantPolicy(mend.vault.name, mend.principalId);
    case 'grantRole':
      return az.grantRole(mend.principalId, mend.scope);
    case 'setKey':
      return mend.userIdentity === undefined
        ? az.setKey(mend.cluster, mend.key, mend.vaultUri)
        : `${az.setKey(mend.cluster, mend.key, mend.vaultUri)} ${command(`user-identity=${mend.userIdentity}`)}`;
  }
}

function changeWords(change: KeyChange): readonly string[] {
  if ('enabled' in change) return ['--enabled', 'true'];
  if ('notBefore' in change) return ['--not-before', `${change.notBefore.toISOString().slice(0, 19)}Z`];
  return ['--ops', ...change.operations];
}
