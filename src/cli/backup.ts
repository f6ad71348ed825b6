import { Argument, Command, Option } from 'commander';
import { blobsCredentialOption, blobsOption } from './blobs-place.ts';
import type { BackupOptions, RestoreOptions } from './backup-action.ts';
import { dataOption, jsonOption, stateOption, statePasswordOption } from './options.ts';
import type { RootKeySource } from './root-key-source.ts';
import { withRootKeyOptions } from './root-key-options.ts';

export function backupCommand(rootKeys: RootKeySource): Command {
  return withRootKeyOptions(new Command('backup'), 'now')
    .description(
      'Copy a whole instance, or one cluster of it, into a directory: sealed records and extents as they are, read back. One that runs copies itself, as of one moment between two commits, and goes on serving. The root key is not in it, or only as a key in a vault has wrapped it, and nothing opens without. An earlier backup of the instance there is brought up to date. `rewrap` moves the backup of a cluster to the version of the key that the cluster has now, while the instance runs. Whatever interrupts it, the same command goes on.',
    )
    .addArgument(new Argument('[what]', 'with --cluster: what to do with the backup that is there').choices(['rewrap']))
    .addOption(dataOption())
    .addOption(stateOption('', 'where the state is, if that is in PostgreSQL'))
    .addOption(statePasswordOption())
    .addOption(blobsOption('', 'where the sealed extents are, if that is a container of Azure Blob Storage'))
    .addOption(blobsCredentialOption())
    .addOption(new Option('--to <DIR>', 'a new directory, or one with an earlier backup').makeOptionMandatory())
    .option(
      '--cluster <NAME>',
      'this cluster alone: its sealed records and extents, and no key of a vault, role or identity; it opens with the key that the cluster has now',
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody backup --data ./azure --to /media/disk/azure-backup\n  $ kustody backup --data ./azure --cluster kustody --to /media/disk/cluster-backup\n  $ kustody backup rewrap --data ./azure --cluster kustody --to /media/disk/cluster-backup',
    )
    .action(async (what: 'rewrap' | undefined, options: BackupOptions) => {
      const { backup, rewrap } = await import('./backup-action.ts');
      await (what === undefined ? backup : rewrap)(rootKeys, options);
    });
}

export function restoreCommand(rootKeys: RootKeySource): Command {
  return withRootKeyOptions(new Command('restore'), 'now')
    .description(
      'Make an instance of a backup, where there is none, or set one cluster back to its own (--cluster). It is set back as a whole: keys, roles and access that were taken away since are there again, unless a key is in a vault outside. Verified before it can be served.',
    )
    .addOption(new Option('--from <DIR>', 'the directory of the backup').makeOptionMandatory())
    .addOption(
      new Option('--to <DIR>', 'a new data directory; with --cluster the one of the instance').makeOptionMandatory(),
    )
    .option(
      '--cluster <NAME>',
      'set this cluster of the stopped instance at --to back to a backup of it; vaults, keys, roles, identities and suspensions stay as they are now',
    )
    .addOption(stateOption('to-', 'put the state into PostgreSQL'))
    .addOption(statePasswordOption('to-'))
    .addOption(blobsOption('to-', 'put the sealed extents into this empty container'))
    .addOption(blobsCredentialOption('to-'))
    .option('--accept-rollback', 'the instance is set back, and that is wanted', false)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody restore --from /media/disk/azure-backup --to ./azure --accept-rollback --root-key-fd 3 3< key\n  $ kustody restore --from /media/disk/cluster-backup --cluster kustody --to ./azure --accept-rollback',
    )
    .action(async (options: RestoreOptions) => {
      const { restore } = await import('./backup-action.ts');
      await restore(rootKeys, options);
    });
}
