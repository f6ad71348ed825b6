import { KqlError } from '../../kql/plan/kql-error.ts';
import type { CommandContext } from './command-context.ts';
import { splitCommand } from './words.ts';

/** `T.c` or `D.T.c`, each name with brackets if need be. */
export function columnPath(
  text: string,
  context: CommandContext,
): { readonly database: string; readonly table: string; readonly column: string } {
  const names = (splitCommand(`.${text}`) ?? [])
    .filter(({ kind }) => kind !== 'mark')
    .map((word) => word.value ?? word.text);
  const [column, table, database] = names.reverse();
  if (column === undefined || table === undefined) throw new KqlError('semantic', 'A column is named as Table.Column.');
  return { database: database ?? context.database, table, column };
}
