import { Command } from 'commander';
import { dataOption, jsonOption, stateAnchorOption, stateOption, statePasswordOption } from './options.ts';
import type { RotateOptions } from './root-key-action.ts';
import type { RootKeySource } from './root-key-source.ts';
import { withRootKeyOptions } from './root-key-options.ts';

const examples = `
Examples:
  $ kustody root-key rotate --data ./azure
  $ kustody root-key rotate --data ./azure --root-key-fd 3 --old-root-key-fd 4 3< new-key 4< old-key`;
const rewrapExample = `
Examples:
  $ kustody root-key rewrap --data ./azure \\
      --root-key-vault https://keys.vault.azure.net/keys/root/fedcba9876543210fedcba9876543210
  $ kustody root-key rewrap --data ./azure --vault keys.vault.azure.net=file:./app.json \\
      --old-root-key-vault https://keys.vault.azure.net/keys/root/0123456789abcdef0123456789abcdef \\
      --root-key-vault https://keys.vault.azure.net/keys/root/fedcba9876543210fedcba9876543210`;

export function rootKeyCommand(rootKeys: RootKeySource): Command {
  const command = new Command('root-key')
    .description('Look after the root key, which seals every record of the state.')
    .addHelpText('after', examples);
  withRootKeyOptions(command.command('rotate'), 'both')
    .description(
      'Seal every record of the state under another root key; then the one before opens nothing of it, and can be destroyed. A key in root.key is made anew and the old file overwritten; one that is kept elsewhere is given together with the old one. An instance that runs does it itself, and goes on serving: it was started with both keys. Whatever interrupts it, the same command goes on; until then both keys are needed.',
    )
    .addOption(dataOption())
    .addOption(stateAnchorOption())
    .addOption(stateOption('', 'where the state is, if that is in PostgreSQL'))
    .addOption(statePasswordOption())
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action(async (options: RotateOptions) => {
      const { rotate } = await import('./root-key-action.ts');
      await rotate(rootKeys, options);
    });
  withRootKeyOptions(command.command('rewrap'), 'both')
    .description(
      'Let another key in a vault wrap the root key, such as the new version of one that was rotated: from --old-root-key-vault to --root-key-vault. The root key stays, and nothing is sealed anew. When the command has ended, the state does not need the old version any more. An instance that runs does it itself, and goes on serving: it asks the vaults that it was started with, and takes the old version from its state. One that is stopped is given both versions and the vault; a start with both does the same.',
    )
    .addOption(dataOption())
    .addOption(stateAnchorOption())
    .addOption(stateOption('', 'where the state is, if that is in PostgreSQL'))
    .addOption(statePasswordOption())
    .addOption(jsonOption())
    .addHelpText('after', rewrapExample)
    .action(async (options: RotateOptions) => {
      const { rewrap } = await import('./root-key-action.ts');
      await rewrap(rootKeys, options);
    });
  return command;
}
