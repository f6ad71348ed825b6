import { formatKeyId, parseKeyId } from '../../base/key-id.ts';
import type { ClusterDescription } from '../../server/cluster-inventory.ts';

/** Customer's keys of a cluster and of its databases. */
export const kidsOf = (cluster: ClusterDescription): readonly string[] => [
  ...(cluster.custody === 'customer' ? [cluster.kid] : []),
  ...(cluster.databaseKeys ?? []).map(({ kid }) => kid),
];

/** What the data of these clusters is under now, unversioned. */
export const keysUnderData = (clusters: readonly ClusterDescription[]): ReadonlySet<string> =>
  new Set(clusters.flatMap(kidsOf).map(unversioned));

/** `https://{vault host}/keys/{name}`, lower case. */
export function unversioned(kid: string): string {
  const { vaultHost, name } = parseKeyId(kid) ?? {};
  if (vaultHost === undefined || name === undefined) throw new Error(`'${kid}' is no key.`);
  return formatKeyId({ vaultHost, name }).toLowerCase();
}
