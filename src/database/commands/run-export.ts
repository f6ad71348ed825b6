import { newGuid } from '../../base/new-guid.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { Program } from '../../kql/plan/plan.ts';
import type { ExportLayout } from '../exports/export-layout.ts';
import type { ExportNote, ExportPlaces } from '../exports/export-places.ts';
import type { ExportRequest } from '../exports/export-rows.ts';
import type { ExportedBlob, ExportTarget } from '../exports/export-target.ts';
import type { ChangedTables } from '../ingest/row-changes.ts';
import type { CommandContext } from './command-context.ts';
import { commandProgram } from './command-program.ts';
import { queryRequest } from './query-request.ts';

export interface ExportWork {
  /** Of the whole command. */
  readonly text: string;
  readonly query: Program;
  readonly queryText: string;
  readonly layout: ExportLayout;
  readonly targets: readonly ExportTarget[];
  /** Of the rows, for the external table that is written to; of these the first `written` go into files. */
  readonly columns?: readonly Column[];
  readonly written?: number;
  readonly foldersOf?: ExportRequest['foldersOf'];
  /** Tables of which not all rows are exported. */
  readonly changed?: ChangedTables;
}

/** @throws KqlError where there is no storage */
export function exportPlaces({ exports }: CommandContext): ExportPlaces {
  if (exports === undefined) throw new KqlError('notSupported', 'Nothing is written elsewhere on this cluster.');
  return exports;
}

/** A place that rows are written to. @throws KqlError, DataError `SourceNotAllowed` */
export const targetIn = (context: CommandContext, address: string, usage?: 'ExternalTable'): ExportTarget =>
  exportPlaces(context).targetOf(address, { usage, database: context.database });

/** Runs a query and leaves its rows in the user's storage. Order: that they will be in a container is durable → its blobs, and what each
 * has → how it ended. So there is never a blob in a container that nobody was told of. */
export async function runExport(
  work: ExportWork,
  context: CommandContext,
  wrote: (blob: ExportedBlob) => void = () => undefined,
): Promise<readonly ExportedBlob[]> {
  const places = exportPlaces(context);
  const signal = context.signal === undefined ? places.ended : AbortSignal.any([context.signal, places.ended]);
  const containers = new Map(work.targets.map(({ container }) => [container, { rows: 0, bytes: 0 }]));
  const tell = (step: ExportNote['step'], container: string, { rows, bytes }: { rows: number; bytes: number }) =>
    places.tell({ step, database: context.database, container, rows, bytes });
  const begun: string[] = [];
  const end = async (step: 'completed' | 'failed'): Promise<void> => {
    for (const container of begun) await tell(step, container, containers.get(container) ?? { rows: 0, bytes: 0 });
  };
  try {
    for (const container of containers.keys()) {
      await tell('begun', container, { rows: 0, bytes: 0 });
      begun.push(container);
    }
    const written = await exported(work, { ...context, signal }, async (blob) => {
      const sum = containers.get(blob.container);
      if (sum !== undefined) {
        sum.rows += blob.rows;
        sum.bytes += blob.bytes;
      }
      await tell('written', blob.container, blob);
      wrote(blob);
    });
    await end('completed');
    return written;
  } catch (error) {
    // The failure itself matters more than that it could not be told.
    await end('failed').catch(() => undefined);
    throw error;
  }
}

/** @throws KqlError */
export function requireSameTypes(query: readonly Column[], table: readonly Column[]): void {
  if (query.length === table.length && query.every(({ type }, index) => type === table[index]?.type)) return;
  throw new KqlError('semantic', 'The schema of the query does not match the schema of the external table.');
}

async function exported(
  { text, query, queryText, layout, targets, columns: wanted, written, foldersOf, changed }: ExportWork,
  context: CommandContext & { readonly signal: AbortSignal },
  wrote: ExportRequest['wrote'],
): Promise<readonly ExportedBlob[]> {
  const { data, engine, randomBytes, signal } = context;
  const source = commandProgram(context, 'query', { text, program: query });
  const execution = await engine.executeProgram(source, queryRequest(context, queryText, changed));
  try {
    const [first] = execution.results;
    if (first === undefined) throw new KqlError('semantic', 'The query of this command has no result.');
    const { chunks } = first;
    const columns = wanted ?? first.columns;
    requireSameTypes(first.columns, columns);
    return await data.exportRows({
      ...{ columns: columns.slice(0, written), chunks, layout, targets, signal, wrote },
      newId: () => newGuid(randomBytes).replaceAll('-', ''),
      ...(foldersOf === undefined ? {} : { foldersOf }),
    });
  } finally {
    execution.close();
  }
}
