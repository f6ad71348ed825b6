import { Argument, Command } from 'commander';
import { bashCompletion } from './bash.ts';
import { commandTree } from './command-tree.ts';
import type { CommandNode } from './command-tree.ts';
import { fishCompletion } from './fish.ts';
import { zshCompletion } from './zsh.ts';

const shells: Readonly<Record<'bash' | 'zsh' | 'fish', (root: CommandNode) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export function completionCommand(): Command {
  return new Command('completion')
    .description('Print what makes a shell complete the commands and options of kustody.')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(shells)))
    .addHelpText(
      'after',
      '\nExamples:\n  $ eval "$(kustody completion bash)"\n  $ kustody completion fish > ~/.config/fish/completions/kustody.fish',
    )
    .action((shell: keyof typeof shells, _options: unknown, command: Command) => {
      const program = command.parent ?? command;
      process.stdout.write(shells[shell](commandTree(program)));
    });
}
