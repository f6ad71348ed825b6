import type { ClusterDescription, DatabaseKeyDescription } from '../server/cluster-inventory.ts';
import type { ListedVaults } from '../server/vault-inventory.ts';
import type { ControlClient } from './control-client.ts';

/** All clusters of a live instance, each with its key, and what it holds unless that is not asked for. */
export async function listClusters(client: ControlClient, contents = true): Promise<readonly ClusterDescription[]> {
  // Both ends are of this package.
  const { clusters } = (await client.call('GET', `/clusters${contents ? '' : '?contents=false'}`)) as {
    readonly clusters: readonly ClusterDescription[];
  };
  return clusters;
}

export const listVaults = async (client: ControlClient): Promise<ListedVaults> =>
  (await client.call('GET', '/vaults')) as ListedVaults;

export const custodyText = (cluster: ClusterDescription): string =>
  cluster.custody === 'customer' ? customerText(cluster) : 'Microsoft-managed';

/** Of the key of a cluster or database. */
export function customerText({
  followsLatest,
  outsideVault,
}: Pick<DatabaseKeyDescription, 'followsLatest' | 'outsideVault'>): string {
  const version = followsLatest ? 'follows the latest version' : 'this version';
  const outside = outsideVault ? '; in a vault outside: nothing in this directory opens it, the root key included' : '';
  return `customer-managed, ${version}${outside}`;
}

export const unwrappedText = ({
  unwrappedOn,
  suspension,
}: Pick<DatabaseKeyDescription, 'unwrappedOn' | 'suspension'>): string => {
  if (unwrappedOn !== undefined) return `unwrapped last ${unwrappedOn}`;
  return suspension === undefined ? 'not unwrapped since it was stopped' : `not unwrapped since ${suspension.since}`;
};

/** An extent with where it belongs. Times are milliseconds on the Kustody clock. */
export interface ListedExtent {
  readonly cluster: string;
  readonly database: string;
  readonly table: string;
  readonly extentId: string;
  readonly dekId: string;
  readonly rowCount: number;
  readonly sealedBytes: number;
  readonly minCreatedOn: number;
  readonly maxCreatedOn: number;
}

export const extentsOf = (cluster: ClusterDescription): readonly ListedExtent[] =>
  (cluster.databases ?? []).flatMap((database) =>
    database.tables.flatMap((table) =>
      table.extents.map((extent) => ({ cluster: cluster.name, database: database.name, table: table.name, ...extent })),
    ),
  );

/** Rows in the log of small writes: in no extent yet. */
export const loggedRowsOf = (cluster: ClusterDescription): number =>
  (cluster.databases ?? []).flatMap(({ tables }) => tables).reduce((sum, { loggedRows }) => sum + loggedRows, 0);

/** What the cluster has left in storage that its key does not protect. */
export const exportLines = ({ exports = [] }: ClusterDescription): readonly string[] =>
  exports.length === 0
    ? []
    : [
        '  not taken away with the key: rows that were exported to',
        ...exports.map(
          ({ container, rows, blobs, bytes, lastOn, notEnded }) =>
            `    ${container}: ${rows} ${rows === 1 ? 'row' : 'rows'} in ${blobs} ${blobs === 1 ? 'blob' : 'blobs'} (${bytesText(bytes)}), last ${shortTime(Date.parse(lastOn))}${notEnded === 0 ? '' : `; ${notEnded} under way or never ended`}`,
        ),
      ];

/** `2026-11-25 01:43:31Z`. */
export const shortTime = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')}Z`;

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length);
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1] ?? 'B'}`;
}
