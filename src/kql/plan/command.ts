import type { Column } from './types.ts';
import type { Program } from './plan.ts';

/** A management command as the official parser reads it. `kind` is its name there: `ShowTables`, `CreateTable` …
 * `parts`: its words and arguments in order. */
export interface ParsedCommand {
  readonly kind: string;
  /** The result schema the parser knows for the command; may be empty or shorter than the documented one. */
  readonly columns: readonly Column[];
  readonly parts: readonly CommandPart[];
  /** The query after `<|`, if there is one, and its text. */
  readonly query?: Program;
  readonly queryText?: string;
  /** A query over what the command answers: operators after it (`.show tables | project X`), statements after a semicolon, or both. A
   * program over the table `$command`. */
  readonly pipe?: Program;
}

/** `name`: what the argument is called (`TableName`, `ColumnType`, `PropertyValue` …); keywords and punctuation have none.
 * `text` as written; `value` decoded: names unquoted, literals as in IR. `children`: parts of a group or list. */
export interface CommandPart {
  readonly name?: string;
  readonly text: string;
  readonly value?: string | boolean | null;
  /** UTF-16 offsets in the text. */
  readonly start: number;
  readonly end: number;
  readonly children?: readonly CommandPart[];
}

/** The name under which the rows of a command stand in `pipe`. */
export const commandTable = '$command';

/** What statements after the command call its rows. */
export const commandResults = '$command_results';

/** All parts with a name, at any depth, in order. */
export function partsNamed(parts: readonly CommandPart[], name: string): CommandPart[] {
  return parts.flatMap((part) => [...(part.name === name ? [part] : []), ...partsNamed(part.children ?? [], name)]);
}
