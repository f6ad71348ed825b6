import type { ClusterKey, Facts } from './facts.ts';
import type { PlanInput, PlanStep } from './plan-step.ts';
import { done, toDo, unknown } from './plan-step.ts';
import { sameText, sameVaultUri } from './resource-id.ts';
import type { CmkTarget } from './target.ts';

export function clusterKeyStep({ target, facts }: PlanInput): PlanStep {
  const { cluster } = facts;
  if (cluster === undefined) return unknown('clusterKey', 'There is no cluster.');
  const found = clusterKeyText(cluster.key);
  const wanted = wantedKey(target, facts);
  if (wanted === undefined) return unknown('clusterKey', 'There is no vault.');
  if (cluster.key !== undefined && isSameClusterKey(cluster.key, wanted)) return done('clusterKey', found);
  const replaces = cluster.key === undefined ? '' : ' instead';
  return toDo('clusterKey', found, {
    note: `Set ${clusterKeyText(wanted)}${replaces}.`,
    change: { kind: 'setKey', key: wanted },
  });
}

/** keyVaultProperties as they are asked for; undefined while the address of the vault is not known. */
function wantedKey(target: CmkTarget, { vault }: Facts): ClusterKey | undefined {
  if (vault === undefined) return undefined;
  return {
    keyName: target.keyName,
    keyVaultUri: vault.uri,
    ...(target.keyVersion === undefined ? {} : { keyVersion: target.keyVersion }),
    ...(target.identity.kind === 'system' ? {} : { userIdentity: target.identity.id.id }),
  };
}

export const isSameClusterKey = (left: ClusterKey, right: ClusterKey): boolean =>
  sameText(left.keyName, right.keyName) &&
  sameVaultUri(left.keyVaultUri, right.keyVaultUri) &&
  sameText(left.keyVersion ?? '', right.keyVersion ?? '') &&
  sameText(left.userIdentity ?? '', right.userIdentity ?? '');

export function clusterKeyText(key: ClusterKey | undefined): string {
  if (key === undefined) return 'Microsoft-managed key';
  const identity = key.userIdentity === undefined ? 'system-assigned identity' : `identity ${key.userIdentity}`;
  const version = key.keyVersion === undefined ? 'always the newest' : `version ${key.keyVersion}`;
  return `${key.keyVaultUri.replace(/\/+$/, '')}/keys/${key.keyName}, ${version}, ${identity}`;
}
