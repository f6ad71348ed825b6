import { Command } from 'commander';
import { requireInstance } from './control-client.ts';
import { hostsLines } from './hosts-lines.ts';
import { dataDirectoryOf, dataOption } from './options.ts';

export function hostsCommand(): Command {
  return new Command('hosts')
    .description(
      'Print hosts-file lines for clients that know no proxy. They need the TLS port to be 443 (kustody up --port 443), and new lines for each new vault and cluster.',
    )
    .addOption(dataOption())
    .option('--address <ADDRESS>', 'where the instance listens', '127.0.0.1')
    .addHelpText('after', '\nExample:\n  $ kustody hosts --data ./azure | sudo tee -a /etc/hosts')
    .action(async (options: { readonly data?: string; readonly address: string }) => {
      const { vaults, clusters } = await (await requireInstance(dataDirectoryOf(options))).environment();
      process.stdout.write(`${hostsLines({ address: options.address, vaults, clusters }).join('\n')}\n`);
    });
}
