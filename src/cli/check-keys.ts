import { Command } from 'commander';
import type { CheckedKey } from '../server/control-plane.ts';
import { requireInstance } from './control-client.ts';
import { dataDirectoryOf, dataOption, jsonOption } from './options.ts';
import { textTable } from './text-table.ts';

export function checkKeysCommand(): Command {
  return new Command('check-keys')
    .description('Ask the vaults now whether every cluster can still use its key. Exit code 3 when one is suspended.')
    .addOption(dataOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  $ kustody check-keys')
    .action(async (options: { readonly data?: string; readonly json: boolean }) => {
      const client = await requireInstance(dataDirectoryOf(options));
      const { clusters } = (await client.call('POST', '/check-keys')) as { readonly clusters: readonly CheckedKey[] };
      if (clusters.some((cluster) => cluster.suspended)) process.exitCode = 3;
      process.stdout.write(options.json ? `${JSON.stringify({ clusters })}\n` : `${tableOf(clusters)}\n`);
    });
}

function tableOf(clusters: readonly CheckedKey[]): string {
  if (clusters.length === 0) return 'There are no clusters.';
  const rows = clusters.map((cluster) => {
    const name = cluster.resourceId.split('/').at(-1) ?? cluster.clusterId;
    const state = cluster.suspended ? `suspended: ${cluster.reason ?? ''}` : (cluster.warning ?? 'usable');
    const customer = cluster.outsideVault ? 'customer, vault outside' : 'customer';
    return [name, cluster.custody === 'customer' ? customer : 'Microsoft-managed', cluster.kid, state];
  });
  return textTable(['cluster', 'custody', 'key', 'state'], rows);
}
