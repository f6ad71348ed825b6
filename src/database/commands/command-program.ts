import { invariant } from '../../base/invariant.ts';
import type { ProgramSource } from '../../kql/open-schemas.ts';
import type { Program } from '../../kql/plan/plan.ts';
import type { CommandContext } from './command-context.ts';
import { readableCatalog } from './readable-catalog.ts';

/** The query of a command, or the operators after it.
 * @param program what was made of `text` already */
export const commandProgram = (
  context: CommandContext,
  part: 'query' | 'pipe',
  { text, program }: { readonly text: string; readonly program: Program },
): ProgramSource => ({
  compile: async (told) => {
    if (told.length === 0) return program;
    const { engine, database, caller, signal } = context;
    const asked = { text, database, catalog: readableCatalog(context), told, caller: caller.fqn, signal };
    const parsed = await engine.parseCommand(asked);
    const found = parsed[part];
    invariant(found !== undefined, 'columns that are told change no part of a command');
    return found;
  },
});
