import { Command } from 'commander';
import { version } from '../server/version.ts';
import { jsonOption } from './options.ts';

export function versionCommand(): Command {
  return new Command('version')
    .description('Print the version.')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  $ kustody version --json')
    .action((options: { readonly json: boolean }) => {
      const described = {
        kustody: version,
        node: process.versions.node,
        platform: `${process.platform}-${process.arch}`,
      };
      const text = options.json
        ? JSON.stringify(described)
        : `kustody ${version} (Node.js ${described.node}, ${described.platform})`;
      process.stdout.write(`${text}\n`);
    });
}
