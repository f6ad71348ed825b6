import { Command } from 'commander';
import { dataOption } from './options.ts';
import type { ResetOptions } from './reset-action.ts';

export function resetCommand(): Command {
  return new Command('reset')
    .description('Delete a data directory with everything in it: vaults, keys, clusters, data. Nothing brings it back.')
    .addOption(dataOption())
    .option('--yes', 'do not ask', false)
    .addHelpText('after', '\nExample:\n  $ kustody reset --data ./azure --yes')
    .action(async (options: ResetOptions) => {
      const { reset } = await import('./reset-action.ts');
      await reset(options);
    });
}
