import { Command } from 'commander';
import { existsSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { findInstance } from './control-client.ts';
import { isDataDirectory } from './data-directory.ts';
import { dataDirectoryOf, dataOption } from './options.ts';
import { ask } from './question.ts';
import { UserError } from './user-error.ts';

export function resetCommand(): Command {
  return new Command('reset')
    .description('Delete a data directory with everything in it: vaults, keys, clusters, data. Nothing brings it back.')
    .addOption(dataOption())
    .option('--yes', 'do not ask', false)
    .addHelpText('after', '\nExample:\n  $ kustody reset --data ./azure --yes')
    .action(reset);
}

async function reset(options: { readonly data?: string; readonly yes: boolean }): Promise<void> {
  const directory = resolve(dataDirectoryOf(options));
  if (!existsSync(directory)) throw new UserError(`${directory} does not exist.`);
  if (!isDataDirectory(directory))
    throw new UserError(`${directory} is not a data directory of Kustody; nothing was deleted.`);
  if ((await findInstance(directory)) !== undefined) {
    throw new UserError(`A Kustody runs on ${directory}.`, 'Stop it first.');
  }
  if (!options.yes && !(await confirmed(directory))) throw new UserError('Nothing was deleted.');
  rmSync(directory, { recursive: true });
  process.stdout.write(`Deleted ${directory}.\n`);
}

const confirmed = (directory: string): Promise<boolean> =>
  ask(`Delete ${directory} with all its keys and data?`, {
    message: 'Nobody is there to ask.',
    hint: 'Give --yes to delete without asking.',
  });
