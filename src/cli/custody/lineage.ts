import { Command } from 'commander';
import type { KeyId } from '../../base/key-id.ts';
import { formatKeyId, isSameKey, parseKeyId } from '../../base/key-id.ts';
import type { ClusterDescription } from '../../server/cluster-inventory.ts';
import type { VaultDescription } from '../../server/vault-inventory.ts';
import {
  bytesText,
  custodyText,
  customerText,
  exportLines,
  extentsOf,
  listClusters,
  listVaults,
  loggedRowsOf,
} from '../clusters.ts';
import { requireInstance } from '../control-client.ts';
import { copiesBeside } from './copies.ts';
import { copyText } from './copy-table.ts';
import { unversioned } from './cluster-kids.ts';
import { readKeyHistory } from './key-history.ts';
import { nearest } from '../../base/edit-distance.ts';
import { dataDirectoryOf, dataOption, jsonOption } from '../options.ts';
import { textTable } from '../text-table.ts';
import { UserError } from '../user-error.ts';

export function lineageCommand(): Command {
  return new Command('lineage')
    .description(
      'Tell what stops when a key goes away, before it does: clusters, databases, tables, extents; and what the audit tells of that is not taken away with it: backups, moves, exports. Without a version, all versions of the key. Exit code 3 when something depends on it.',
    )
    .argument('<kid>', 'https://{vault}.vault.azure.net/keys/{name}[/{version}]')
    .addOption(dataOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody lineage https://kustody-keys.vault.azure.net/keys/cluster-key\n  $ kustody lineage https://kustody-keys.vault.azure.net/keys/cluster-key/0123456789abcdef0123456789abcdef --json',
    )
    .action(lineage);
}

async function lineage(text: string, options: { readonly data?: string; readonly json: boolean }): Promise<void> {
  const key = parseKeyId(text);
  if (key === undefined) {
    throw new UserError(
      `'${text}' is no key identifier.`,
      'Write https://{vault}.vault.azure.net/keys/{name}, or that and /{version} (32 hexadecimal digits).',
    );
  }
  const client = await requireInstance(dataDirectoryOf(options));
  const clusters = dependants(await listClusters(client), key);
  const listed = await listVaults(client);
  const isOutside = listed.outside.includes(key.vaultHost);
  if (clusters.length === 0 && !isOutside) requireKnown(listed.vaults, key);
  if (clusters.length > 0) process.exitCode = 3;
  const kid = formatKeyId(key);
  const copies = copiesBeside(await readKeyHistory(client), [unversioned(kid)], clusters);
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ kid, clusters, copies }, undefined, 2)}\n`
      : [lineageText(key, clusters, isOutside), ...copyText(copies).map((text) => `${text}\n`)].join('\n'),
  );
}

/** "Nothing depends on it" is said only of what is there: a name that is misspelt would be a false comfort.
 * @throws UserError with the names that come near */
export function requireKnown(vaults: readonly VaultDescription[], key: KeyId): void {
  const vaultName = key.vaultHost.split('.')[0] ?? '';
  const vault = vaults.find(({ name }) => name.toLowerCase() === vaultName.toLowerCase());
  if (vault === undefined)
    throw unknown(
      `There is no vault '${vaultName}'.`,
      vaultName,
      vaults.map(({ name }) => name),
    );
  const found = vault.keys.find(({ name }) => name.toLowerCase() === key.name.toLowerCase());
  const names = vault.keys.map(({ name }) => name);
  if (found === undefined) throw unknown(`The vault '${vault.name}' has no key '${key.name}'.`, key.name, names);
  const { version } = key;
  if (version === undefined || found.versions.some((known) => known.version === version)) return;
  const versions = found.versions.map((known) => known.version);
  throw unknown(`The key '${found.name}' has no version ${version}.`, version, versions);
}

function unknown(message: string, wanted: string, names: readonly string[]): UserError {
  if (names.length === 0) return new UserError(message, 'There are none.');
  const near = nearest(wanted, names, 5);
  return new UserError(message, `There ${near.length === 1 ? 'is' : 'are'}: ${near.join(', ')}`);
}

/** The clusters whose cluster key is wrapped by this key, or by this version of it; and those of which only databases are under it, with
 * these databases alone. */
export function dependants(clusters: readonly ClusterDescription[], key: KeyId): readonly ClusterDescription[] {
  return clusters.flatMap((cluster) => {
    if (isWrappedBy(cluster, key)) return [cluster];
    const databaseKeys = (cluster.databaseKeys ?? []).filter((own) => isWrappedBy(own, key));
    if (databaseKeys.length === 0) return [];
    const names = new Set(databaseKeys.map(({ name }) => name));
    const databases = cluster.databases?.filter(({ name }) => names.has(name));
    return [{ ...cluster, databaseKeys, ...(databases === undefined ? {} : { databases }) }];
  });
}

function isWrappedBy({ kid }: { readonly kid: string }, key: KeyId): boolean {
  const used = parseKeyId(kid);
  return used !== undefined && isSameKey(used, key) && (key.version === undefined || used.version === key.version);
}

function lineageText(key: KeyId, clusters: readonly ClusterDescription[], isOutside: boolean): string {
  const kid = formatKeyId(key);
  if (clusters.length === 0) {
    const outside = isOutside ? ' The vault is outside: whether it has such a key is not known here.' : '';
    return `Nothing here depends on ${kid}.${outside}\n`;
  }
  const whole = clusters.filter((cluster) => isWrappedBy(cluster, key));
  const inOthers = clusters.filter((cluster) => !whole.includes(cluster));
  const databases = inOthers.reduce((sum, { databaseKeys = [] }) => sum + databaseKeys.length, 0);
  const parts = clusters.map((cluster) =>
    [clusterLine(cluster), ...databaseLines(cluster), contents(cluster), ...exportLines(cluster)].join('\n'),
  );
  const stopping = [
    ...(whole.length === 0 ? [] : [counted(whole.length, 'cluster')]),
    ...(databases === 0 ? [] : [counted(databases, 'database')]),
  ].join(' and ');
  const verb = whole.length + databases === 1 ? 'stops' : 'stop';
  return `${stopping} ${verb} when ${kid} goes away.\n\n${parts.join('\n\n')}\n`;
}

const databaseLines = ({ databaseKeys = [] }: ClusterDescription): readonly string[] =>
  databaseKeys.map(
    ({ name, kid, suspension, ...key }) =>
      `  database ${name}${suspension === undefined ? '' : ' (suspended already)'}: ${customerText(key)}, wrapped by ${kid}`,
  );

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

function clusterLine(cluster: ClusterDescription): string {
  const { name, resourceId, kid, state, suspension } = cluster;
  return [
    `Cluster ${name} (${suspension === undefined ? state : 'suspended already'}): ${custodyText(cluster)}`,
    `  ${resourceId}`,
    `  wrapped by ${kid}`,
  ].join('\n');
}

function contents(cluster: ClusterDescription): string {
  if (cluster.notListed !== undefined) return `  ${cluster.notListed}`;
  const cells: string[][] = [];
  for (const extent of extentsOf(cluster)) {
    cells.push([
      extent.database,
      extent.table,
      extent.extentId,
      String(extent.rowCount),
      bytesText(extent.sealedBytes),
    ]);
  }
  for (const { name, tables } of cluster.databases ?? []) {
    if (tables.length === 0) cells.push([name, '(no tables)', '', '', '']);
    for (const { name: tableName, extents, loggedRows } of tables) {
      if (loggedRows > 0) cells.push([name, tableName, '(log of small writes)', String(loggedRows), '']);
      else if (extents.length === 0) cells.push([name, tableName, '(empty)', '0', '']);
    }
  }
  if (cells.length === 0) return '  It has no databases.';
  return `${textTable(['database', 'table', 'extent', 'rows', 'sealed'], cells)}\n${totalLine(cluster)}`;
}

function totalLine(cluster: ClusterDescription): string {
  const extents = extentsOf(cluster);
  const rows = extents.reduce((sum, { rowCount }) => sum + rowCount, loggedRowsOf(cluster));
  return `  ${counted(cluster.databases?.length ?? 0, 'database')}, ${counted(extents.length, 'extent')}, ${counted(rows, 'row')}`;
}
