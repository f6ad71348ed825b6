import { invariant } from '../../base/invariant.ts';
import type { Program } from '../kql/ir/plan.ts';
import type { SchemaSurroundings } from '../data-dependent-schema.ts';
import { withSchemas } from '../data-dependent-schema.ts';
import type { CommandContext } from './command-context.ts';
import { readableCatalog } from './readable-catalog.ts';

/** Does some work with the query of a command, or with the operators after it.
 * @param program what was made of `text` already
 * @param queryText the query inside of it, as the last words */
export function withCommandProgram<T>(
  context: CommandContext,
  part: 'query' | 'pipe',
  { text, program, queryText }: { readonly text: string; readonly program: Program; readonly queryText?: string },
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
  const queryStart = queryText === undefined ? -1 : text.lastIndexOf(queryText);
  const surroundings: SchemaSurroundings = {
    database: context.database,
    catalog: () => readableCatalog(context),
    queryStart: queryStart < 0 ? undefined : queryStart,
  };
  return withSchemas(text, surroundings, compile, work);
}
