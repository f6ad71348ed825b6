import type { ClusterKey } from './facts.ts';
import { identityOf } from './gather.ts';
import { sameText } from './resource-id.ts';
import type { CmkTarget, GivenTarget, Parsed, VaultName } from './target.ts';
import { parseVault } from './target.ts';

/** What is given counts; the rest is as the cluster has it. @param key what the cluster has; absent: Microsoft's key */
export function resolveTarget(given: GivenTarget, key: ClusterKey | undefined): Parsed<CmkTarget> {
  const vault = given.vault === undefined ? vaultOf(key) : { value: given.vault };
  if ('problem' in vault) return vault;
  const keyName = given.keyName ?? key?.keyName;
  if (keyName === undefined) return { problem: 'The cluster is under a Microsoft-managed key: name a key.' };
  const isOwnKey = key !== undefined && sameText(key.keyName, keyName) && isVaultOf(key, vault.value);
  const keyVersion = given.keyVersion ?? (isOwnKey ? key.keyVersion : undefined);
  const identity = given.identity ?? (key === undefined ? { kind: 'system' as const } : identityOf(key));
  if (identity === undefined)
    return { problem: `The cluster names an identity that is none: ${key?.userIdentity ?? ''}` };
  return {
    value: {
      cluster: given.cluster,
      vault: vault.value,
      keyName,
      ...(keyVersion === undefined ? {} : { keyVersion }),
      identity,
    },
  };
}

/** Names of vaults are unique in the world. */
const isVaultOf = (key: ClusterKey, vault: VaultName): boolean => {
  const own = parseVault(key.keyVaultUri);
  return 'value' in own && sameText(own.value.name, vault.name);
};

const vaultOf = (key: ClusterKey | undefined): ReturnType<typeof parseVault> =>
  key === undefined
    ? { problem: 'The cluster is under a Microsoft-managed key: name a vault.' }
    : parseVault(key.keyVaultUri);
