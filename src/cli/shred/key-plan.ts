import { parseKeyId } from '../../base/key-id.ts';
import type { ClusterDescription } from '../../server/cluster-inventory.ts';
import type { KeyDescription, VaultDescription } from '../../server/vault-inventory.ts';
import { kidsOf, unversioned } from '../custody/cluster-kids.ts';
import type { KeyHistory, RecordedUse } from '../custody/fold-history.ts';

/** One key that goes, with all its versions. */
export interface DoomedKey {
  /** `https://{vault}.vault.azure.net/keys/{name}`, lower case. */
  readonly key: string;
  /** Those that were used, and those that were there when it was looked at first. */
  readonly versions: readonly string[];
  /** Names of the clusters. */
  readonly usedBy: readonly string[];
  /** ISO on the Kustody clock; missing where the audit tells of no use. */
  readonly firstUsed?: string;
  readonly lastUsed?: string;
}

/** Of the clusters that are shredded. */
export interface Target {
  readonly clusterId: string;
  readonly resourceId: string;
  readonly name: string;
  readonly follower: boolean;
  /** Object ids of the identities that it has now. */
  readonly principals: readonly string[];
}

/** Keys that the clusters and their databases are under, and those that they ever were, as the audit tells.
 * @param before of an earlier run: nothing of it is forgotten */
export function doomedKeys(
  targets: readonly Target[],
  clusters: readonly ClusterDescription[],
  history: KeyHistory,
  vaults: readonly VaultDescription[],
  before: readonly DoomedKey[] = [],
): readonly DoomedKey[] {
  const keys = new Map<string, DoomedKey>(before.map((one) => [one.key, one]));
  const add = (key: string, target: Target, versions: Iterable<string>, use?: RecordedUse): void => {
    const known = keys.get(key);
    const firstUsed = least(known?.firstUsed, use?.first);
    const lastUsed = greatest(known?.lastUsed, use?.last);
    keys.set(key, {
      key,
      versions: [...new Set([...(known?.versions ?? []), ...versions])].toSorted(),
      usedBy: [...new Set([...(known?.usedBy ?? []), target.name])].toSorted(),
      ...(firstUsed === undefined ? {} : { firstUsed }),
      ...(lastUsed === undefined ? {} : { lastUsed }),
    });
  };
  for (const target of targets) {
    const cluster = clusters.find(({ clusterId }) => clusterId === target.clusterId);
    for (const kid of cluster === undefined ? [] : kidsOf(cluster)) add(unversioned(kid), target, versionIn(kid));
    for (const use of history.uses) if (isUseOf(use, target, history)) add(use.key, target, use.versions, use);
  }
  const isNew = (key: DoomedKey): boolean => !before.some((one) => one.key === key.key);
  // A key that came later under the name of one that is gone is another one.
  return [...keys.values()]
    .map((key) => {
      const found = find(vaults, key.key)[1];
      if (found === undefined || !isNew(key)) return key;
      if (key.versions.length > 0 && !hasSome(found, key.versions)) return key;
      const there = found.versions.map(({ version }) => version);
      return { ...key, versions: [...new Set([...key.versions, ...there])].toSorted() };
    })
    .toSorted((left, right) => (left.key < right.key ? -1 : 1));
}

/** By what the token said; without that by whose the identity is, unless others alone are known to use that key. */
function isUseOf({ cluster, caller, key }: RecordedUse, target: Target, { uses }: KeyHistory): boolean {
  const id = target.resourceId.toLowerCase();
  if (cluster !== undefined) return cluster === id;
  if (!target.principals.includes(caller)) return false;
  const named = uses.filter((use) => use.key === key && use.cluster !== undefined);
  return named.length === 0 || named.some((use) => use.cluster === id);
}

/** Who else has used these keys: what they have wrapped opens no more, either. */
export function otherUsers(
  keys: readonly DoomedKey[],
  targets: readonly Target[],
  history: KeyHistory,
): readonly { readonly key: string; readonly caller: string; readonly last: string }[] {
  const doomed = new Set(keys.map(({ key }) => key));
  return history.uses
    .filter((use) => doomed.has(use.key) && !targets.some((target) => isUseOf(use, target, history)))
    .filter((use) => use.cluster === undefined)
    .map(({ key, caller, last }) => ({ key, caller, last }));
}

/** Clusters that would lose what they hold, and were not named. */
export function othersUnder(
  keys: readonly DoomedKey[],
  targets: readonly Target[],
  clusters: readonly ClusterDescription[],
): readonly string[] {
  const doomed = new Set(keys.map(({ key }) => key));
  return clusters
    .filter(({ clusterId }) => !targets.some((target) => target.clusterId === clusterId))
    .filter((cluster) => kidsOf(cluster).some((kid) => doomed.has(unversioned(kid))))
    .map(({ name }) => name);
}

export interface KeyState {
  /** `unknown`: it is in no vault here, and the audit tells of nothing that was done with it. */
  readonly state: 'there' | 'deleted' | 'vaultDeleted' | 'purged' | 'unknown';
  /** When it can be brought back no more; ISO on the Kustody clock. */
  readonly purgedOn?: string;
}

/** A key that has the name and none of the versions is another one: ours is gone. */
export function stateOf(
  { key, versions }: Pick<DoomedKey, 'key' | 'versions'>,
  vaults: readonly VaultDescription[],
  { uses, steps }: Pick<KeyHistory, 'uses' | 'steps'>,
): KeyState {
  const [vault, found] = find(vaults, key);
  if (vault === undefined || !hasSome(found, versions))
    return { state: [...uses, ...steps].some((one) => one.key === key) ? 'purged' : 'unknown' };
  const dates = [vault.purgedOn, found.purgedOn].filter((date) => date !== undefined);
  const purgedOn = dates.reduce<string | undefined>(least, undefined);
  if (vault.state === 'deleted') return { state: 'vaultDeleted', ...(purgedOn === undefined ? {} : { purgedOn }) };
  return found.purgedOn === undefined ? { state: 'there' } : { state: 'deleted', purgedOn: found.purgedOn };
}

function find(vaults: readonly VaultDescription[], key: string) {
  const parsed = parseKeyId(key);
  const name = parsed?.vaultHost.split('.')[0];
  const vault = vaults.find((one) => one.name.toLowerCase() === name);
  return [vault, vault?.keys.find((one) => one.name.toLowerCase() === parsed?.name.toLowerCase())] as const;
}

const hasSome = (found: KeyDescription | undefined, versions: readonly string[]): found is KeyDescription =>
  found?.versions.some(({ version }) => versions.includes(version)) === true;

function versionIn(kid: string): readonly string[] {
  const version = parseKeyId(kid)?.version;
  return version === undefined ? [] : [version];
}

const least = (left: string | undefined, right: string | undefined): string | undefined =>
  left === undefined || (right !== undefined && right < left) ? right : left;

const greatest = (left: string | undefined, right: string | undefined): string | undefined =>
  left === undefined || (right !== undefined && right > left) ? right : left;
