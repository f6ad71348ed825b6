import { Command } from 'commander';
import { realpathSync } from 'node:fs';
import { isDataDirectory } from './data-directory.ts';
import { dataDirectoryOf, dataOption, stateAnchorOption, stateOption, statePasswordOption } from './options.ts';
import { ask } from './question.ts';
import type { PostgresAddress } from '../state/postgres/postgres-address.ts';
import { statePlaceOf } from './state-place.ts';
import type { RootKeySource } from './root-key-source.ts';
import type { RootKeyOptions } from './root-key-options.ts';
import { withRootKeyOptions } from './root-key-options.ts';
import { UserError } from './user-error.ts';

interface AcceptOptions extends RootKeyOptions {
  readonly data?: string;
  readonly stateAnchor?: string;
  readonly state?: PostgresAddress;
  readonly statePasswordFd?: number;
  readonly yes: boolean;
}

export function stateCommand(rootKeys: RootKeySource): Command {
  const state = new Command('state')
    .description('Look after the sealed state of a data directory.')
    .addHelpText('after', '\nExample:\n  $ kustody state accept --data ./azure');
  withRootKeyOptions(state.command('accept'), 'both')
    .description(
      'Take a state that was refused as older or changed (a backup that you put back yourself) for the right one, and move its anchor there. Whatever was revoked since is in force again. Records that do not open stay refused. The server is stopped.',
    )
    .addOption(dataOption())
    .addOption(stateAnchorOption())
    .addOption(stateOption())
    .addOption(statePasswordOption())
    .option('--yes', 'do not ask', false)
    .addHelpText('after', '\nExample:\n  $ kustody state accept --data ./azure --state-anchor /media/token/anchor')
    .action((options: AcceptOptions) => accept(rootKeys, options));
  return state;
}

async function accept(rootKeys: RootKeySource, options: AcceptOptions): Promise<void> {
  const statePlace = statePlaceOf(options);
  const directory = dataDirectoryOf(options);
  if (!isDataDirectory(directory)) throw new UserError(`${directory} is not a data directory of Kustody.`);
  const question = `Accept the state in ${directory} as it lies there, with every key and right that was revoked since?`;
  if (!options.yes && !(await ask(question))) throw new UserError('Nothing was accepted.');
  const dataDirectory = realpathSync(directory);
  const { explain } = await import('./instance.ts');
  const { acceptState } = await import('../server/start-server.ts');
  const { stoppedRootKeys } = await import('./stopped-root-keys.ts');
  const at = { dataDirectory, ...(statePlace && { statePlace }) };
  try {
    const { rootKey, oldRootKey } = await stoppedRootKeys(rootKeys, options, at);
    await acceptState({
      ...at,
      ...(rootKey && { rootKey }),
      ...(oldRootKey && { oldRootKey }),
      ...(options.stateAnchor === undefined ? {} : { stateAnchor: options.stateAnchor }),
    });
  } catch (error) {
    throw explain(error, { dataDirectory });
  }
  process.stdout.write(`The state in ${directory} is accepted.\n`);
}
