import { holdersOf } from '../../authz/kusto-roles.ts';
import { findBy } from '../../base/find-by.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { DatabaseView } from '../catalog/catalog-view.ts';
import type { CommandContext, IngestionEndpoint } from './command-context.ts';
import { ForbiddenError } from './forbidden-error.ts';
import { isAllowed } from './permissions.ts';

/** For whoever may ingest somewhere. @throws ForbiddenError */
export function endpointOf(context: CommandContext): IngestionEndpoint {
  if (context.ingestion === undefined) throw new KqlError('notSupported', 'Queued ingestion is not served here.');
  if (!context.databases.some(({ name }) => mayIngestInto(context, name)))
    throw new ForbiddenError(
      `Principal '${context.caller.fqn}' is not authorized to ingest: it needs one of the roles ${holdersOf('tableIngest')}.`,
    );
  return context.ingestion;
}

const viewNamed = findBy(({ name }: DatabaseView) => name);

/** Into the database or one of its tables. */
const mayIngestInto = (context: CommandContext, database: string): boolean =>
  isAllowed(context, 'ingest', database) ||
  [...(viewNamed(context.data.databases(), database)?.tables.keys() ?? [])].some((table) =>
    isAllowed(context, 'tableIngest', database, table),
  );
