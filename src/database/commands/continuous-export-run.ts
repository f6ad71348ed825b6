import { newGuid } from '../../base/new-guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { ContinuousExport } from '../catalog/continuous-export.ts';
import type { ClusterIdentity } from '../catalog/managed-identity.ts';
import { CommitRefusedError, dataError } from '../catalog/data-error.ts';
import { guardOf } from '../catalog/read-policies.ts';
import { isExternal } from '../../kql/plan/external-data.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Program } from '../../kql/plan/plan.ts';
import { tablesOf } from '../../kql/plan/walk.ts';
import type { ExportPlaces } from '../exports/export-places.ts';
import type { ContinuousExports, ExportRun } from '../exports/continuous-exports.ts';
import { automatedIdentity } from './automated-identity.ts';
import type { CommandAccess, CommandContext } from './command-context.ts';
import { destinationOf } from './export-destination.ts';
import { ForbiddenError } from './forbidden-error.ts';
import { readableCatalog } from './readable-catalog.ts';
import { runExport } from './run-export.ts';
import { quotedName } from './schema-text.ts';

/** What runs of continuous exports need of the process that they are in. */
export interface ContinuousExportParts extends Pick<
  CommandContext,
  'data' | 'engine' | 'clock' | 'randomBytes' | 'cluster' | 'sourceOf'
> {
  /** Who is told of a run: whoever made the export, and the id of the run. */
  readonly placesOf: (creator: ContinuousExport['creator'], activityId: CommandContext['activityId']) => ExportPlaces;
  /** Managed identities of the cluster. Absent: there are none. */
  readonly managed?: {
    readonly identities: () => Promise<readonly ClusterIdentity[]>;
    /** What one of them is, and may do, now. @throws DataError where the directory does not know it */
    readonly accessOf: (identity: ClusterIdentity) => Promise<RunAccess>;
  };
  /** Whether something failed because the cluster may not use its key: then it goes on when it may. */
  readonly isRefusal: (error: unknown) => boolean;
}

type RunAccess = Pick<CommandAccess, 'caller' | 'clusterRoles' | 'databases'>;

/** Runs the continuous exports that are due, in the name of the service or of the managed identity that they name: those who made them need no
 * rights any more.
 * @throws CommitRefusedError */
export const runContinuousExports = (parts: ContinuousExportParts): Promise<void> =>
  (parts.data satisfies Pick<ContinuousExports, 'exportDue'>).exportDue(
    async (database, definition, { open, wrote }) => {
      const access = await accessOf(parts, database, definition);
      const context = contextOf(parts, database, definition, access);
      const table = parts.data.externalTable(database, definition.externalTable);
      const text = `.export to table ${quotedName(table.name)} <| ${definition.query}`;
      const parsed = await parts.engine.parseCommand({ text, database, catalog: readableCatalog(context) });
      const { query, queryText } = parsed;
      if (query === undefined || queryText === undefined)
        throw new KqlError('semantic', 'The query of the continuous export has no result.');
      requireFacts(query, definition, context);
      const work = { text, query, queryText, ...destinationOf(table, definition.properties, context), changed: open };
      try {
        await runExport(work, context, wrote);
      } catch (error) {
        if (parts.isRefusal(error)) throw new CommitRefusedError('suspended');
        // What an identity may not do is told to those who look after the export.
        throw error instanceof ForbiddenError ? new KqlError('semantic', error.message) : error;
      }
    },
  );

type Named = Parameters<ExportRun>[1];

async function accessOf(
  parts: ContinuousExportParts,
  database: string,
  { creator, identity }: Named,
): Promise<RunAccess> {
  const { data, managed, isRefusal } = parts;
  if (identity !== undefined)
    try {
      const found = await automatedIdentity(identity, { data, database, ...managed });
      invariant(managed !== undefined, 'what there is not allows nothing');
      return await managed.accessOf(found);
    } catch (error) {
      throw isRefusal(error) ? new CommitRefusedError('suspended') : error;
    }
  return {
    caller: creator,
    clusterRoles: ['AllDatabasesViewer'],
    databases: data.databases().map(({ databaseId, name }) => ({ databaseId, name, roles: [] })),
  };
}

function contextOf(
  parts: ContinuousExportParts,
  database: string,
  { creator }: Named,
  access: RunAccess,
): CommandContext {
  const { data, engine, clock, randomBytes, cluster, sourceOf } = parts;
  const activityId = newGuid(parts.randomBytes);
  return {
    ...{ data, engine, clock, randomBytes, cluster },
    ...(sourceOf && { sourceOf }),
    ...{ database, activityId, clientRequestId: `RunContinuousExports;${activityId}` },
    ...access,
    ...{ principals: [], streamingIngestEnabled: false, purgeEnabled: false },
    exports: parts.placesOf(creator, activityId),
    requests: { cancel: () => Promise.resolve(0) },
    background: () => undefined,
  };
}

/** What the service says of queries of continuous exports.
 * @see Kusto "Continuous data export overview", limitations
 * @throws KqlError, DataError */
export function requireFacts(
  program: Program,
  { factTables, isScoped, identity }: Pick<Named, 'factTables' | 'isScoped' | 'identity'>,
  { data, database }: Pick<CommandContext, 'data' | 'database'>,
): void {
  const { tables, views } = data.database(database);
  const read = tablesOf(program);
  for (const { database: other, table } of read) {
    if (isExternal(table))
      throw new KqlError(
        'notSupported',
        'A continuous export whose query reads data outside of the cluster is not built.',
      );
    if (other !== database) {
      if (identity === undefined)
        throw new KqlError(
          'semantic',
          'A continuous export whose query reads another database needs a managed identity (managedIdentity).',
        );
      if (!isScoped)
        throw new KqlError(
          'notSupported',
          'A continuous export whose query reads another database has to name its fact tables, over (T): rows of other databases have no cursor here.',
        );
      continue;
    }
    const guard = identity === undefined ? guardOf(data.database(database), table) : undefined;
    if (guard !== undefined)
      throw new KqlError(
        'semantic',
        `A continuous export cannot read the table '${guard.name.slice(0, 200)}', which has a ${guard.policy} policy.`,
      );
  }
  for (const fact of factTables) {
    if (views.has(fact))
      throw new KqlError('semantic', `A continuous export is of tables; '${fact}' is a materialized view.`);
    if (!tables.has(fact)) throw dataError('TableNotFound', fact.slice(0, 200));
    if (tables.get(fact)?.policies.ingestiontime?.IsEnabled === false)
      throw new KqlError(
        'semantic',
        `A continuous export is of tables whose IngestionTime policy is enabled; that of '${fact}' is not.`,
      );
    if (!read.some(({ database: other, table }) => other === database && table === fact))
      throw new KqlError(
        'semantic',
        `The query of the continuous export does not read the table '${fact.slice(0, 200)}'.`,
      );
  }
  if (factTables.length === 0)
    throw new KqlError('semantic', 'The query of a continuous export reads at least one fact table.');
}
