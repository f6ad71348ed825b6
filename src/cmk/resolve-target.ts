import type { ClusterFacts, ClusterKey } from './facts.ts';
import { identityOf } from './gather.ts';
import { sameText } from './resource-id.ts';
import type { CmkTarget, GivenTarget, IdentityName, Parsed, VaultName } from './target.ts';
import { parseIdentity, parseVault } from './target.ts';

/** What a cluster has; without a key it is Microsoft's. */
export type HeldByCluster = Pick<ClusterFacts, 'key' | 'systemIdentity' | 'userIdentities'>;

/** What is given counts; the rest is as the cluster has it. */
export function resolveTarget(given: GivenTarget, cluster: HeldByCluster | undefined): Parsed<CmkTarget> {
  const key = cluster?.key;
  const vault = given.vault === undefined ? vaultOf(key) : { value: given.vault };
  if ('problem' in vault) return vault;
  const keyName = given.keyName ?? key?.keyName;
  if (keyName === undefined) return { problem: 'The cluster is under a Microsoft-managed key: name a key.' };
  const isOwnKey = key !== undefined && sameText(key.keyName, keyName) && isVaultOf(key, vault.value);
  const keyVersion = given.keyVersion ?? (isOwnKey ? key.keyVersion : undefined);
  const identity = given.identity === undefined ? identityOfCluster(cluster) : { value: given.identity };
  if ('problem' in identity) return identity;
  return {
    value: {
      cluster: given.cluster,
      vault: vault.value,
      keyName,
      ...(keyVersion === undefined ? {} : { keyVersion }),
      identity: identity.value,
    },
  };
}

/** How the cluster goes to its vault, or would: as the key says; else by its system-assigned identity; else by the only identity that it
 * has. One without any is to get a system-assigned one. */
export function identityOfCluster(cluster: HeldByCluster | undefined): Parsed<IdentityName> {
  const { key, systemIdentity, userIdentities = [] } = cluster ?? {};
  if (key !== undefined) {
    const named = identityOf(key);
    return named === undefined
      ? { problem: `The cluster names an identity that is none: ${key.userIdentity ?? ''}` }
      : { value: named };
  }
  const [only, ...others] = userIdentities;
  if (systemIdentity !== undefined || only === undefined) return { value: { kind: 'system' } };
  if (others.length === 0) return parseIdentity(only.id);
  return {
    problem: `The cluster has ${userIdentities.length} identities: name one of them (${userIdentities.map(({ id }) => id).join(', ')}).`,
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
