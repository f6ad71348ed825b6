import { commandTable } from '../../kql/plan/command.ts';
import { externalDataOf, externalTableOf, inlineExternalTableOf } from '../../kql/plan/external-data.ts';
import type { Program } from '../../kql/plan/plan.ts';
import { tablesOf } from '../../kql/plan/walk.ts';
import type { EngineSources, QueryRequest } from '../../kql/query-request.ts';
import type { ChangedTables } from '../ingest/row-changes.ts';
import { requireUnbarred } from './barred-tables.ts';
import type { CommandContext } from './command-context.ts';
import { ticksOf } from './instants.ts';
import { ForbiddenError } from './forbidden-error.ts';
import { refusalToRead } from './restricted-view.ts';
import { requirePermission } from './permissions.ts';
import { readableCatalog } from './readable-catalog.ts';

/** A query on behalf of a command: over a snapshot of its own.
 * @param changed tables that are as the command found them */
export function queryRequest(context: CommandContext, text: string, changed?: ChangedTables): QueryRequest {
  return {
    text,
    database: context.database,
    catalog: readableCatalog(context),
    now: ticksOf(context.clock.now()),
    principal: context.caller.fqn,
    principalDetails: context.caller,
    cursor: context.data.cursor(),
    ...(context.caller.memberOf === undefined ? {} : { memberOf: context.caller.memberOf }),
    sources: readableSources(context, changed),
    ...(context.memoryBytes === undefined ? {} : { memoryBytes: context.memoryBytes }),
    ...(context.hotOnly === undefined ? {} : { hotOnly: context.hotOnly }),
    ...(context.threadsPercent === undefined ? {} : { threadsPercent: context.threadsPercent }),
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  };
}

/** No table opens whose rows the caller may not read, however a query came to name it. */
function readableSources(context: CommandContext, changed?: ChangedTables): EngineSources {
  const sources = context.data.sources(context.caller.fqn);
  return {
    open: async (database, table, uses, signal, turn) => {
      requireUnbarred(context.barred ?? {}, context.data, database, table);
      const external = externalDataOf(table);
      const { sourceOf } = context;
      if (external !== undefined && sourceOf !== undefined) {
        await turn;
        return context.data.readExternal({ data: external, database, sourceOf, signal });
      }
      const inline = inlineExternalTableOf(table);
      if (inline !== undefined && sourceOf !== undefined) {
        await turn;
        return context.data.readInlineTable({ inline, database, uses, sourceOf, signal });
      }
      requirePermission(context, 'read', database, 'Query');
      const named = externalTableOf(table);
      if (named !== undefined && sourceOf !== undefined) {
        await turn;
        return context.data.readExternalTable(database, { named, uses, sourceOf, signal });
      }
      const refusal = refusalToRead(context, context.data, database, table, context.caller.fqn);
      if (refusal !== undefined) throw new ForbiddenError(refusal);
      return changed?.(database, table, uses) ?? sources.open(database, table, uses, signal, turn);
    },
  };
}

/** A query reads only what the caller may read, in whatever database.
 * @throws ForbiddenError */
export function requireReadable(context: CommandContext, program: Program, command: string): void {
  for (const { database, table } of tablesOf(program)) {
    // The rows of a command that the query goes on from were checked by the command.
    if (database !== '' || table !== commandTable) requirePermission(context, 'read', database, command);
  }
}
