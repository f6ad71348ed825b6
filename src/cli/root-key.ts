import { Command } from 'commander';
import { dataOption, jsonOption, stateAnchorOption, stateOption, statePasswordOption } from './options.ts';
import type { RotateOptions } from './root-key-action.ts';
import type { RootKeySource } from './root-key-source.ts';
import { oldRootKeyOption, rootKeyOption } from './root-key-source.ts';

const examples = `
Examples:
  $ kustody root-key rotate --data ./azure
  $ kustody root-key rotate --data ./azure --root-key-fd 3 --old-root-key-fd 4 3< new-key 4< old-key`;

export function rootKeyCommand(rootKeys: RootKeySource): Command {
  const command = new Command('root-key')
    .description('Look after the root key, which seals every record of the state.')
    .addHelpText('after', examples);
  command
    .command('rotate')
    .description(
      'Seal every record of the state under another root key; then the one before opens nothing of it, and can be destroyed. A key in root.key is made anew and the old file overwritten; one that is kept elsewhere is given together with the old one. An instance that runs does it itself, and goes on serving: it was started with both keys. Whatever interrupts it, the same command goes on; until then both keys are needed.',
    )
    .addOption(dataOption())
    .addOption(rootKeyOption())
    .addOption(oldRootKeyOption())
    .addOption(stateAnchorOption())
    .addOption(stateOption('', 'where the state is, if that is in PostgreSQL'))
    .addOption(statePasswordOption())
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action(async (options: RotateOptions) => {
      const { rotate } = await import('./root-key-action.ts');
      await rotate(rootKeys, options);
    });
  return command;
}
