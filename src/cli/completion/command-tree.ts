import type { Argument, Command, Option } from 'commander';

/** What stands for the value of an option: one of some words, a file, a directory, or something that only the user knows. */
export type ValueKind = 'words' | 'file' | 'directory' | 'other';

export interface OptionNode {
  /** With its dashes: `--data`. */
  readonly long: string;
  readonly short: string | undefined;
  readonly description: string;
  /** As help shows it, such as `DIR`; undefined for an option without a value. */
  readonly valueName: string | undefined;
  /** Whether the option can also stand alone. */
  readonly isValueOptional: boolean;
  readonly valueKind: ValueKind;
  readonly choices: readonly string[];
  /** As help shows it; undefined where there is none worth a word. */
  readonly defaultValue: string | undefined;
}

export interface ArgumentNode {
  readonly name: string;
  readonly description: string;
  readonly choices: readonly string[];
  readonly isRequired: boolean;
  readonly isVariadic: boolean;
}

/** One command, read from commander's own tree: what help says, completion offers and the reference lists are the same. */
export interface CommandNode {
  /** Words after `kustody`; empty for itself. */
  readonly path: readonly string[];
  readonly description: string;
  readonly options: readonly OptionNode[];
  readonly arguments: readonly ArgumentNode[];
  readonly children: readonly CommandNode[];
}

export function commandTree(command: Command, path: readonly string[] = []): CommandNode {
  const help = command.createHelp();
  return {
    path,
    description: command.description(),
    options: help.visibleOptions(command).map(optionNode),
    arguments: command.registeredArguments.map(argumentNode),
    children: command.commands.map((child) => commandTree(child, [...path, child.name()])),
  };
}

/** The command itself, then those below it, in the order of help. */
export const allCommands = (node: CommandNode): readonly CommandNode[] => [node, ...node.children.flatMap(allCommands)];

/** The first sentence, which says what a command does. */
export const firstSentence = (text: string): string => /^.*?\.(?= |$)/s.exec(text)?.[0] ?? text;

function optionNode(option: Option): OptionNode {
  const takesValue = option.required || option.optional;
  const valueName = takesValue ? /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1] : undefined;
  const choices = option.argChoices ?? [];
  return {
    long: option.long ?? '',
    short: option.short,
    description: option.description,
    valueName,
    isValueOptional: option.optional,
    valueKind: valueKindOf(valueName ?? '', choices),
    choices,
    defaultValue: defaultOf(option, takesValue),
  };
}

function valueKindOf(valueName: string, choices: readonly string[]): ValueKind {
  if (choices.length > 0) return 'words';
  if (/^DIR\b/.test(valueName)) return 'directory';
  return /^FILE\b/.test(valueName) ? 'file' : 'other';
}

function defaultOf(option: Option, takesValue: boolean): string | undefined {
  const value: unknown = option.defaultValue;
  if (!takesValue || value === undefined || Array.isArray(value)) return option.defaultValueDescription;
  return option.defaultValueDescription ?? (typeof value === 'string' ? value : JSON.stringify(value));
}

const argumentNode = (argument: Argument): ArgumentNode => ({
  name: argument.name(),
  description: argument.description,
  choices: argument.argChoices ?? [],
  isRequired: argument.required,
  isVariadic: argument.variadic,
});
