import { invariant } from '../../base/invariant.ts';
import type { ProgramSource } from '../../kql/data-dependent-schema.ts';
import type { Program } from '../../kql/plan/plan.ts';
import type { CommandContext } from './command-context.ts';
import { readableCatalog } from './readable-catalog.ts';

/** The query of a command, or the operators after it.
 * @param program what was made of `text` already
 * @param queryText the query inside of it, as the last words */
export function commandProgram(
  context: CommandContext,
  part: 'query' | 'pipe',
  { text, program, queryText }: { readonly text: string; readonly program: Program; readonly queryText?: string },
): ProgramSource {
  const queryStart = queryText === undefined ? -1 : text.lastIndexOf(queryText);
  return {
    text,
    queryStart: queryStart < 0 ? undefined : queryStart,
    compile: async (changed) => {
      if (changed === text) return program;
      const { engine, database } = context;
      const parsed = await engine.parseCommand({ text: changed, database, catalog: readableCatalog(context) });
      const found = parsed[part];
      invariant(found !== undefined, 'columns written into a command change none of its parts');
      return found;
    },
  };
}
