import Table from 'cli-table3';
import { Command } from 'commander';
import type { KeyId } from '../base/key-id.ts';
import { formatKeyId, isSameKey, parseKeyId } from '../base/key-id.ts';
import type { ClusterDescription } from '../server/cluster-inventory.ts';
import { bytesText, custodyText, extentsOf, listClusters, loggedRowsOf } from './clusters.ts';
import { requireInstance } from './control-client.ts';
import { dataDirectoryOf, dataOption, jsonOption } from './options.ts';
import { UserError } from './user-error.ts';

export function lineageCommand(): Command {
  return new Command('lineage')
    .description(
      'Tell what stops when a key goes away, before it does: clusters, databases, tables, extents. Without a version, all versions of the key. Exit code 3 when something depends on it.',
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
  if (clusters.length > 0) process.exitCode = 3;
  const kid = formatKeyId(key);
  process.stdout.write(
    options.json ? `${JSON.stringify({ kid, clusters }, undefined, 2)}\n` : lineageText(kid, clusters),
  );
}

/** The clusters whose cluster key is wrapped by this key, or by this version of it. */
export function dependants(clusters: readonly ClusterDescription[], key: KeyId): readonly ClusterDescription[] {
  return clusters.filter(({ kid }) => {
    const used = parseKeyId(kid);
    return used !== undefined && isSameKey(used, key) && (key.version === undefined || used.version === key.version);
  });
}

function lineageText(kid: string, clusters: readonly ClusterDescription[]): string {
  if (clusters.length === 0) return `Nothing depends on ${kid}.\n`;
  const parts = clusters.map((cluster) => [clusterLine(cluster), contents(cluster)].join('\n'));
  const count = clusters.length === 1 ? 'One cluster stops' : `${clusters.length} clusters stop`;
  return `${count} when ${kid} goes away.\n\n${parts.join('\n\n')}\n`;
}

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
  const table = new Table({
    head: ['database', 'table', 'extent', 'rows', 'sealed'],
    style: { head: [], border: [] },
  });
  for (const extent of extentsOf(cluster)) {
    table.push([
      extent.database,
      extent.table,
      extent.extentId,
      String(extent.rowCount),
      bytesText(extent.sealedBytes),
    ]);
  }
  for (const { name, tables } of cluster.databases ?? []) {
    if (tables.length === 0) table.push([name, '(no tables)', '', '', '']);
    for (const { name: tableName, extents, loggedRows } of tables) {
      if (loggedRows > 0) table.push([name, tableName, '(log of small writes)', String(loggedRows), '']);
      else if (extents.length === 0) table.push([name, tableName, '(empty)', '0', '']);
    }
  }
  return table.length === 0 ? '  It has no databases.' : `${table.toString()}\n${totalLine(cluster)}`;
}

function totalLine(cluster: ClusterDescription): string {
  const extents = extentsOf(cluster);
  const rows = extents.reduce((sum, { rowCount }) => sum + rowCount, loggedRowsOf(cluster));
  const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
  return `  ${counted(cluster.databases?.length ?? 0, 'database')}, ${counted(extents.length, 'extent')}, ${counted(rows, 'row')}`;
}
