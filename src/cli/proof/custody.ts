import type { KeyHistory, RecordedStep } from '../custody/fold-history.ts';
import type { KeyedCluster } from '../custody/cluster-kids.ts';
import { kidsOf, unversioned } from '../custody/cluster-kids.ts';

/** Keys that clusters and their databases are or were under, as the audit tells: unversioned, lower case. Vaults outside keep a log of their own. */
export function keysEverUsed(clusters: readonly KeyedCluster[], { uses }: KeyHistory): ReadonlySet<string> {
  const ids = new Set(clusters.map(({ resourceId }) => resourceId.toLowerCase()));
  return new Set([
    ...clusters.flatMap(kidsOf).map(unversioned),
    ...uses.filter(({ cluster }) => cluster !== undefined && ids.has(cluster)).map(({ key }) => key),
  ]);
}

/** The history of custody, the oldest first: what was done to these keys, when each caller first used one, for which cluster, and when that was refused and answered again. */
export function custodyOf(keys: ReadonlySet<string>, { uses, steps }: KeyHistory): readonly RecordedStep[] {
  const first = uses.map(({ key, cluster, caller, first: time }): RecordedStep => {
    return { ...{ key, by: caller, time, step: 'first used' }, ...(cluster === undefined ? {} : { cluster }) };
  });
  return [...steps, ...first]
    .filter(({ key }) => keys.has(key))
    .toSorted((left, right) => (left.time < right.time ? -1 : left.time > right.time ? 1 : 0));
}

export const custodyTitles: readonly string[] = ['when', 'what', 'key', 'by', 'cluster'];

/** One step for a table, in the order of the titles. */
export const custodyCells = ({ time, step, key, version, by, cluster }: RecordedStep): readonly string[] => [
  ...[`${time.slice(0, 19)}Z`, step, version === undefined ? key : `${key}/${version}`, by, cluster ?? ''],
];
