import { Command } from 'commander';
import { join } from 'node:path';
import { runChild } from './child-command.ts';
import { interrupted } from './interrupted.ts';
import { environmentOf, openLiveInstance } from './live-instance.ts';
import { jsonOption } from './options.ts';
import type { RootKeySource } from './root-key-source.ts';
import { givenBy } from './root-key-source.ts';

export function articleCommand(rootKeys: RootKeySource): Command {
  return new Command('article')
    .description(
      'Perform Microsoft\'s article "Configure customer-managed keys" from end to end, through the official Azure SDKs, against a Kustody of its own.',
    )
    .addOption(jsonOption())
    .option(
      '--keep',
      'leave cluster, vault, key and data in place, say how to go on, and serve until interrupted',
      false,
    )
    .addHelpText('after', '\nExamples:\n  $ kustody article\n  $ kustody article --keep')
    .action(async (options: { readonly json: boolean; readonly keep: boolean }) => {
      const instance = await openLiveInstance(undefined, {
        rootKey: rootKeys.take(undefined),
        rootKeyBy: givenBy(undefined),
        expectsCluster: true,
      });
      try {
        // A process of its own: Node reads NODE_EXTRA_CA_CERTS only when it starts, as for any user's program.
        process.exitCode = await runChild({
          command: process.execPath,
          args: [
            join(import.meta.dirname, 'article.js'),
            ...(options.json ? ['--json'] : []),
            ...(options.keep ? ['--keep'] : []),
          ],
          environment: await environmentOf(instance, process.env),
        });
        if (options.keep && process.exitCode === 0) await interrupted();
      } finally {
        await instance.close();
      }
    });
}
