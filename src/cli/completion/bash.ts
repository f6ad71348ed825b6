import type { CommandNode, OptionNode } from './command-tree.ts';
import { allCommands } from './command-tree.ts';

/** Completion for bash 3.2 and later, the one that macOS has included: no package and no `compopt` is needed.
 * @see bash(1), "Programmable Completion" */
export function bashCompletion(root: CommandNode): string {
  const nodes = allCommands(root);
  const withValue = nodes.flatMap((node) =>
    node.options.filter(({ valueName }) => valueName !== undefined).map((option) => ({ node, option })),
  );
  // An option whose value may be left out has none before another option, or before --.
  const standingAlone = withValue
    .filter(({ option }) => option.isValueOptional)
    .map(({ node, option }) => `${quoted(`${keyOf(node, option)} -`)}*`);
  return [
    '# Completion of kustody for bash. In ~/.bashrc: eval "$(kustody completion bash)"',
    '_kustody() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" place= option= words= index=1 IFS=$\'\\n\'',
    '  COMPREPLY=()',
    '  if [[ $current == = ]]; then current=; fi # bash splits --format=json at the sign',
    '  while ((index < COMP_CWORD)); do',
    '    option=',
    '    case "$place ${COMP_WORDS[index]}" in',
    `      ${patterns(nodes.filter(({ path }) => path.length > 0).map(({ path }) => ` ${path.join(' ')}`))})`,
    '        place="$place ${COMP_WORDS[index]}" ;;',
    `      ${patterns(withValue.map(({ node, option }) => keyOf(node, option)))})`,
    '        option="$place ${COMP_WORDS[index]}"',
    `        case "$option \${COMP_WORDS[index + 1]}" in ${standingAlone.join(' | ')}) option= ;; *) ((index += 1)) ;; esac`,
    '        if [[ ${COMP_WORDS[index]} == = ]]; then ((index += 1)); fi ;;',
    "      *' --')", // after it stands a command of the user's
    '        if ((index + 1 == COMP_CWORD)); then COMPREPLY=($(compgen -c -- "$current"))',
    '        else COMPREPLY=($(compgen -f -- "$current")); fi',
    '        return ;;',
    '    esac',
    '    ((index += 1))',
    '  done',
    '  if ((index <= COMP_CWORD)); then option=; fi',
    '  case "$option" in',
    "    '') ;;",
    ...withValue.flatMap(({ node, option }) => valueCase(keyOf(node, option), option)),
    '    *) return ;;',
    '  esac',
    '  if [[ -z $words ]]; then',
    '    case "$place" in',
    ...nodes.map((node) => `      ${quoted(placeOf(node))}) words=${wordList(wordsOf(node))} ;;`),
    '    esac',
    '  fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -F _kustody kustody',
    '',
  ].join('\n');
}

const placeOf = ({ path }: CommandNode): string => path.map((word) => ` ${word}`).join('');
const keyOf = (node: CommandNode, option: OptionNode): string => `${placeOf(node)} ${option.long}`;
const quoted = (text: string): string => `'${text}'`;
const patterns = (texts: readonly string[]): string => texts.map(quoted).join(' | ');
/** Words are parted by line ends, as `IFS` says. */
const wordList = (words: readonly string[]): string => `$'${words.join('\\n')}'`;

const wordsOf = (node: CommandNode): readonly string[] => [
  ...node.children.map(({ path }) => path.at(-1) ?? ''),
  ...node.arguments.flatMap(({ choices }) => choices),
  ...node.options.map(({ long }) => long),
];

function valueCase(key: string, { valueKind, choices }: OptionNode): readonly string[] {
  const reply = (flag: string): string => `COMPREPLY=($(compgen ${flag} -- "$current")); return`;
  if (valueKind === 'words') return [`    ${quoted(key)}) words=${wordList(choices)} ;;`];
  if (valueKind === 'directory') return [`    ${quoted(key)}) ${reply('-d')} ;;`];
  return valueKind === 'file' ? [`    ${quoted(key)}) ${reply('-f')} ;;`] : [];
}
