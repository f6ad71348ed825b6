import { formatKeyId, parseKeyId } from '../../base/key-id.ts';

/** What a cluster's data is under. No types from elsewhere: the portal's pages take this, too. */
export interface KeyedCluster {
  readonly resourceId: string;
  readonly custody: 'microsoftManaged' | 'customer';
  readonly kid: string;
  readonly databaseKeys?: readonly { readonly kid: string }[];
}

/** Customer's keys of a cluster and of its databases. */
export const kidsOf = (cluster: KeyedCluster): readonly string[] => [
  ...(cluster.custody === 'customer' ? [cluster.kid] : []),
  ...(cluster.databaseKeys ?? []).map(({ kid }) => kid),
];

/** What the data of these clusters is under now, unversioned. */
export const keysUnderData = (clusters: readonly KeyedCluster[]): ReadonlySet<string> =>
  new Set(clusters.flatMap(kidsOf).map(unversioned));

/** `https://{vault host}/keys/{name}`, lower case. */
export function unversioned(kid: string): string {
  const { vaultHost, name } = parseKeyId(kid) ?? {};
  if (vaultHost === undefined || name === undefined) throw new Error(`'${kid}' is no key.`);
  return formatKeyId({ vaultHost, name }).toLowerCase();
}
