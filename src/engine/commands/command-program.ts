import { invariant } from '../../base/invariant.ts';
import type { Program } from '../kql/ir/plan.ts';
import { withSchemas } from '../data-dependent-schema.ts';
import type { CommandContext } from './command-context.ts';
import { readableCatalog } from './readable-catalog.ts';

/** Does some work with the query of a command, or with the operators after it. @param program what was made of `text` already */
export function withCommandProgram<T>(
  context: CommandContext,
  part: 'query' | 'pipe',
  { text, program }: { readonly text: string; readonly program: Program },
  work: (program: Program) => Promise<T>,
): Promise<T> {
  const compile = async (changed: string): Promise<Program> => {
    if (changed === text) return program;
    const { engine, database } = context;
    const parsed = await engine.parseCommand({ text: changed, database, catalog: readableCatalog(context) });
    const found = parsed[part];
    invariant(found !== undefined, 'columns written into a command change none of its parts');
    return found;
  };
  return withSchemas(text, compile, work);
}
