import { Command, Option } from 'commander';
import { blobsCredentialOption, blobsOption } from './blobs-place.ts';
import type { MigrateOptions } from './migrate-action.ts';
import { jsonOption, stateOption, statePasswordOption } from './options.ts';
import type { RootKeySource } from './root-key-source.ts';
import { withRootKeyOptions } from './root-key-options.ts';

const examples = `
Examples:
  $ kustody migrate --from ./azure --to ./new --plan
  $ kustody migrate --from ./azure --to ./new --to-state postgres://kustody@db.example.org/kustody --root-key-fd 3 3< key
  $ kustody migrate --from ./new --from-state postgres://kustody@db.example.org/kustody --to ./back --root-key-fd 3 3< key
  $ kustody migrate --from ./azure --to ./new --to-blobs https://account.blob.core.windows.net/extents
  $ kustody migrate --from ./azure --to ./new --take-back`;

export function migrateCommand(rootKeys: RootKeySource): Command {
  return withRootKeyOptions(new Command('migrate'), 'now')
    .description(
      'Move an instance: from a data directory to PostgreSQL and Azure Blob Storage, back, or to another directory. Sealed records and extents are copied as they are and read back, under the same root key; then the source says that it was moved, and is not served any more. The server is stopped. Whatever interrupts it, the same command goes on.',
    )
    .addOption(new Option('--from <DIR>', 'the data directory that is moved').makeOptionMandatory())
    .addOption(stateOption('from-', 'where its state is, if that is in PostgreSQL'))
    .addOption(statePasswordOption('from-'))
    .addOption(blobsOption('from-', 'where its sealed extents are, if that is a container of Azure Blob Storage'))
    .addOption(blobsCredentialOption('from-'))
    .addOption(new Option('--to <DIR>', 'a new data directory').makeOptionMandatory())
    .addOption(
      stateOption(
        'to-',
        'move the state to PostgreSQL, into a schema of its own: postgres://USER@HOST/DATABASE?schema=NAME',
      ),
    )
    .addOption(statePasswordOption('to-'))
    .addOption(
      blobsOption(
        'to-',
        'move the sealed extents to this empty container; the one of --from-blobs keeps them where they are',
      ),
    )
    .addOption(blobsCredentialOption('to-'))
    .option('--plan', 'say what would be moved; opens the source alone, and changes nothing', false)
    .option(
      '--take-back',
      'serve the source of a move again, since its target is lost: name both ends as the move did; refused while the target answers',
      false,
    )
    .option('--yes', 'do not ask before --take-back', false)
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action(async (options: MigrateOptions) => {
      const { migrate } = await import('./migrate-action.ts');
      await migrate(rootKeys, options);
    });
}
