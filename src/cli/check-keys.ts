import { Command } from 'commander';
import type { CheckedKey } from '../server/control-plane.ts';
import { requireInstance } from './control-client.ts';
import { dataDirectoryOf, dataOption, jsonOption } from './options.ts';
import { textTable } from './text-table.ts';

export function checkKeysCommand(): Command {
  return new Command('check-keys')
    .description(
      'Ask the vaults now whether every cluster and every database with a key of its own can still use its key. Exit code 3 when one is suspended.',
    )
    .addOption(dataOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  $ kustody check-keys')
    .action(async (options: { readonly data?: string; readonly json: boolean }) => {
      const client = await requireInstance(dataDirectoryOf(options));
      const { clusters } = (await client.call('POST', '/check-keys')) as { readonly clusters: readonly CheckedKey[] };
      if (clusters.some((cluster) => cluster.suspended || cluster.databases?.some(({ suspended }) => suspended)))
        process.exitCode = 3;
      process.stdout.write(options.json ? `${JSON.stringify({ clusters })}\n` : `${tableOf(clusters)}\n`);
    });
}

function tableOf(clusters: readonly CheckedKey[]): string {
  if (clusters.length === 0) return 'There are no clusters.';
  const rows = clusters.flatMap((cluster) => {
    const name = cluster.resourceId.split('/').at(-1) ?? cluster.clusterId;
    const own = cluster.databases ?? [];
    return [
      [
        name,
        cluster.custody === 'customer' ? customerText(cluster) : 'Microsoft-managed',
        cluster.kid,
        stateText(cluster),
      ],
      ...own.map((database) => [`${name}/${database.name}`, customerText(database), database.kid, stateText(database)]),
    ];
  });
  return textTable(['cluster', 'custody', 'key', 'state'], rows);
}

type Standing = Pick<CheckedKey, 'suspended' | 'reason' | 'warning' | 'outsideVault'>;

const customerText = ({ outsideVault }: Standing): string => (outsideVault ? 'customer, vault outside' : 'customer');
const stateText = ({ suspended, reason = '', warning = 'usable' }: Standing): string =>
  suspended ? `suspended: ${reason}` : warning;
