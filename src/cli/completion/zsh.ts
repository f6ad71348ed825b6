import type { CommandNode, OptionNode } from './command-tree.ts';
import { allCommands, firstSentence } from './command-tree.ts';

/** Completion for zsh, with what each word does. @see zshcompsys(1) */
export function zshCompletion(root: CommandNode): string {
  const nodes = allCommands(root);
  return [
    '#compdef kustody',
    '# Completion of kustody for zsh. In ~/.zshrc, after compinit: eval "$(kustody completion zsh)"',
    '_kustody() {',
    "  local place='' index=2",
    '  while (( index < CURRENT )); do',
    '    case "$place ${words[index]}" in',
    `      ${patterns(nodes.filter(({ path }) => path.length > 0).map(({ path }) => ` ${path.join(' ')}`))})`,
    '        place="$place ${words[index]}" ;;',
    "      *' --') shift $index words; (( CURRENT -= index )); _normal; return ;;",
    '    esac',
    '    (( index += 1 ))',
    '  done',
    '  case "$place" in',
    ...nodes.flatMap((node) => [
      `    ${quoted(placeOf(node))})`,
      ...(node.children.length === 0
        ? [
            `      shift ${node.path.length} words; (( CURRENT -= ${node.path.length} ))`, // _arguments counts from the command
            `      _arguments -S : ${node.options.map(optionSpec).join(' ')} ${argumentSpecs(node)} ;;`,
          ]
        : [
            `      local -a found=(${node.children.map(childSpec).join(' ')})`,
            `      _describe command found; _arguments -S : ${node.options.map(optionSpec).join(' ')} ;;`,
          ]),
    ]),
    '  esac',
    '}',
    'if [[ "${funcstack[1]}" == _kustody ]]; then _kustody "$@"; else compdef _kustody kustody; fi',
    '',
  ].join('\n');
}

const placeOf = ({ path }: CommandNode): string => path.map((word) => ` ${word}`).join('');
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const patterns = (texts: readonly string[]): string => texts.map(quoted).join(' | ');
/** Brackets and colons part the pieces of a specification. */
const plain = (text: string): string => text.replaceAll(/[[\]:\\]/g, '\\$&');

const childSpec = ({ path, description }: CommandNode): string =>
  quoted(`${path.at(-1) ?? ''}:${plain(firstSentence(description))}`);

function optionSpec({ long, description, valueName, isValueOptional, valueKind, choices }: OptionNode): string {
  const value =
    valueName === undefined ? '' : `${isValueOptional ? '::' : ':'}${plain(valueName)}:${actions[valueKind](choices)}`;
  return quoted(`${long}${valueName === undefined ? '' : '='}[${plain(description)}]${value}`);
}

const actions = {
  words: (choices: readonly string[]) => `(${choices.join(' ')})`,
  file: () => '_files',
  directory: () => '_files -/',
  other: () => '',
};

const argumentSpecs = (node: CommandNode): string =>
  node.arguments
    .map(({ name, choices, isVariadic }) =>
      quoted(`${isVariadic ? '*' : ''}:${plain(name)}:${choices.length === 0 ? '' : `(${choices.join(' ')})`}`),
    )
    .join(' ');
