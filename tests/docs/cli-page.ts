import type { CommandNode, OptionNode } from '../../src/cli/completion/command-tree.ts';
import { allCommands, commandTree } from '../../src/cli/completion/command-tree.ts';
import { createProgram } from '../../src/cli/program/program.ts';
import { RootKeySource } from '../../src/cli/root-key-source.ts';
import { code, madeFrom, table, wrapped } from './markdown.ts';

/** The page docs/cli.md: what `--help` says, of all commands at once. */
export function cliPage(): string {
  const root = commandTree(createProgram(new RootKeySource({})));
  return [
    '# Commands of `kustody`',
    '',
    madeFrom('the commands themselves'),
    '',
    wrapped(
      'In a clone the command is `node bin/kustody.cjs`; inside `kustody run` it is on the PATH. `kustody completion bash`, `zsh` or `fish` prints what makes a shell complete all of this.',
    ),
    '',
    ...allCommands(root)
      .filter((node) => node.path.length > 0 && runsItself(node))
      .flatMap(section),
  ].join('\n');
}

/** What only holds others has no options but help. */
const runsItself = ({ children, options }: CommandNode): boolean =>
  children.length === 0 || options.some(({ long }) => long !== '--help');

function section(node: CommandNode): readonly string[] {
  const options = node.options.filter(({ long }) => long !== '--help');
  return [
    `## ${node.path.join(' ')}`,
    '',
    '```',
    usage(node),
    '```',
    '',
    wrapped(node.description),
    '',
    ...(node.arguments.length + options.length === 0
      ? []
      : [
          ...table(
            ['Argument', 'Means'],
            [
              ...node.arguments.map(({ name, description, choices }) => [
                code(name),
                choices.length === 0 ? description : `${description}: ${choices.map(code).join(', ')}`,
              ]),
              ...options.map((option) => [code(flags(option)), meaning(option)]),
            ],
          ),
          '',
        ]),
  ];
}

const usage = ({ path, options, arguments: given }: CommandNode): string =>
  [
    'kustody',
    ...path,
    ...(options.length > 1 ? ['[options]'] : []),
    ...given.map(({ name, isRequired, isVariadic }) => {
      const text = `${name}${isVariadic ? '...' : ''}`;
      return isRequired ? `<${text}>` : `[${text}]`;
    }),
  ].join(' ');

const flags = ({ short, long, valueName, isValueOptional }: OptionNode): string => {
  const value = valueName === undefined ? '' : isValueOptional ? ` [${valueName}]` : ` ${valueName}`;
  return `${short === undefined ? '' : `${short}, `}${long}${value}`;
};

function meaning({ description, choices, defaultValue }: OptionNode): string {
  const among = choices.length === 0 ? '' : `: ${choices.map(code).join(', ')}`;
  return `${description}${among}${defaultValue === undefined ? '' : ` (default: ${defaultValue})`}`;
}
