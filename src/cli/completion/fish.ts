import type { CommandNode, OptionNode } from './command-tree.ts';
import { allCommands, firstSentence } from './command-tree.ts';

/** Completion for fish, with what each word does. @see complete(1) of fish */
export function fishCompletion(root: CommandNode): string {
  return [
    '# Completion of kustody for fish: kustody completion fish > ~/.config/fish/completions/kustody.fish',
    'complete -c kustody -f',
    ...allCommands(root).flatMap((node) => {
      const where = quoted(condition(node));
      return [
        ...node.children.map(
          (child) =>
            `complete -c kustody -n ${where} -a ${child.path.at(-1) ?? ''} -d ${quoted(firstSentence(child.description))}`,
        ),
        ...node.arguments
          .flatMap(({ choices }) => choices)
          .map((choice) => `complete -c kustody -n ${where} -a ${choice}`),
        ...node.options.map((option) => `complete -c kustody -n ${where} ${optionParts(option)}`),
      ];
    }),
    '',
  ].join('\n');
}

/** Whether the words before the cursor name this command and none of those below it. */
function condition({ path, children }: CommandNode): string {
  const seen = (words: readonly string[]): string => `__fish_seen_subcommand_from ${words.join(' ')}`;
  const below = children.map((child) => child.path.at(-1) ?? '');
  const parts = [
    ...path.map((word) => seen([word])),
    ...(path.length === 0 ? ['__fish_use_subcommand'] : below.length === 0 ? [] : [`not ${seen(below)}`]),
  ];
  return parts.join('; and ');
}

function optionParts({ long, description, valueName, valueKind, choices }: OptionNode): string {
  const value = valueName === undefined ? [] : valueKind === 'words' ? [`-x -a ${quoted(choices.join(' '))}`] : [];
  const path = valueKind === 'directory' || valueKind === 'file' ? ['-r -F'] : [];
  const other = valueName !== undefined && valueKind === 'other' ? ['-x'] : [];
  return [`-l ${long.replace(/^--/, '')}`, ...value, ...path, ...other, `-d ${quoted(description)}`].join(' ');
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
