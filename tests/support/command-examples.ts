import type { CommandRow } from '../../src/database/commands/command.ts';
import { commandRows } from '../../src/database/commands/command-rows.ts';

/** Names of the commands of a row, each with its example. */
export const examplesOf = ({ kinds }: CommandRow): readonly (readonly [string, string])[] =>
  Object.entries(kinds).map(([kind, texts]) => [kind, typeof texts === 'string' ? texts : texts[0]]);

export const commandExamples: ReadonlyMap<string, string> = new Map(commandRows.flatMap(examplesOf));
