import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import type { OpenTable } from '../../kql/query-request.ts';
import type {
  ContinuousExport,
  ContinuousExportDefinition,
  ExportHistoryRecord,
} from '../catalog/continuous-export.ts';
import { exportDueOn, exportUntil } from '../catalog/continuous-export.ts';
import { CommitRefusedError, dataError, DataError } from '../catalog/data-error.ts';
import { requireEntityName } from '../catalog/entity-name.ts';
import type { CatalogDraft } from '../catalog/catalog-draft.ts';
import type { CatalogReader } from '../catalog/image.ts';
import type { IngestedAt } from '../catalog/ingestion-order.ts';
import type { TableStore } from '../extents/table-store.ts';
import type { ExportedBlob } from './export-target.ts';

/** A continuous export as it is shown. */
export type ContinuousExportView = ContinuousExport & { readonly isRunning: boolean };

export interface ContinuousExports {
  continuousExports(database: string): readonly ContinuousExportView[];
  /** @throws DataError `ContinuousExportNotFound` */
  continuousExport(database: string, name: string): ContinuousExportView;
  /** One that is there keeps its cursor. */
  putContinuousExport(
    database: string,
    definition: ContinuousExportDefinition,
    isDisabled: boolean | undefined,
  ): Promise<ContinuousExportView>;
  changeContinuousExport(
    database: string,
    name: string,
    change: Partial<Pick<ContinuousExport, 'isDisabled' | 'exportedTo'>>,
  ): Promise<ContinuousExportView>;
  dropContinuousExport(database: string, name: string): Promise<void>;
  exportHistory(database: string, name: string): Pick<ExportHistoryRecord, 'artifacts' | 'failures'>;
  /** When a continuous export has something to do next; undefined: none has. */
  exportsDueOn(): number | undefined;
  /** Runs those that are due, one after the other. @throws CommitRefusedError */
  exportDue(work: ExportRun): Promise<void>;
}

/** Exports the rows of one run. @throws whatever goes wrong */
export type ExportRun = (
  database: string,
  definition: ContinuousExport,
  parts: {
    /** Of a fact table: the rows of this run. Undefined for other tables. */
    readonly open: (database: string, table: string, uses?: TableUses) => Promise<OpenTable> | undefined;
    /** Called for each artifact. */
    readonly wrote: (blob: ExportedBlob) => void;
  },
) => Promise<void>;

const exportsMax = 100;
const artifactsMax = 1_000;
const failuresMax = 100;
/** One that fails for so long is disabled. @see Kusto "Continuous data export overview", monitoring */
const failingMaxMs = 7 * 24 * 3_600_000;

export function createContinuousExports(store: TableStore, randomBytes: RandomBytes): ContinuousExports {
  const { catalog, now } = store.parts;
  const running = new Set<Guid>();
  const idOf = (database: string): Guid => store.database(database).databaseId;
  const shown = (one: ContinuousExport): ContinuousExportView => ({ ...one, isRunning: running.has(one.exportId) });
  const found = (database: string, name: string): ContinuousExport =>
    requireExport(catalog.image, idOf(database), name);
  const runs = new ExportRuns(store, randomBytes, running);

  return {
    continuousExports: (database) => exportsOf(catalog.image, idOf(database)).map(shown),
    continuousExport: (database, name) => shown(found(database, name)),
    putContinuousExport: async (database, definition, isDisabled) => {
      requireEntityName(definition.name);
      const databaseId = idOf(database);
      await catalog.change((draft) => {
        const before = exportsOf(draft, databaseId);
        const same = before.find(({ name }) => name === definition.name);
        if (same === undefined && before.length >= exportsMax)
          throw dataError('InvalidSchema', `A database has at most ${exportsMax} continuous exports.`);
        const kept = same ?? {
          ...{ exportId: newGuid(randomBytes), createdOn: now(), isDisabled: false },
          ...{ startCursor: catalog.ingestedTo, exportedTo: catalog.ingestedTo },
        };
        const state = stateOf(kept);
        putExport(draft, databaseId, { ...definition, ...state, isDisabled: isDisabled ?? state.isDisabled });
      });
      return shown(found(database, definition.name));
    },
    changeContinuousExport: async (database, name, change) => {
      const databaseId = idOf(database);
      await catalog.change((draft) => {
        const { failingSince, ...before } = requireExport(draft, databaseId, name);
        // Whoever enables one has done something about what was wrong.
        const kept = change.isDisabled !== false && failingSince !== undefined ? { failingSince } : {};
        putExport(draft, databaseId, { ...before, ...kept, ...change });
      });
      return shown(found(database, name));
    },
    dropContinuousExport: async (database, name) => {
      const databaseId = idOf(database);
      await catalog.change((draft) => {
        const { exportId } = requireExport(draft, databaseId, name);
        putExports(
          draft,
          databaseId,
          exportsOf(draft, databaseId).filter((one) => one.exportId !== exportId),
        );
        if (draft.get(historyId(exportId)) !== undefined) draft.delete(historyId(exportId));
      });
    },
    exportHistory: (database, name) => historyOf(catalog.image, found(database, name).exportId),
    exportsDueOn: () => runs.dueOn(),
    exportDue: (work) => runs.run(work),
  };
}

/** Runs what is due. Order of a run: up to where it goes is fixed → artifacts, each there whole → one commit that lists them and moves the
 * cursor. One that ends before leaves artifacts that nobody lists, and its rows go out again: of those that are listed each row is in one. */
class ExportRuns {
  readonly #store: TableStore;
  readonly #randomBytes: RandomBytes;
  readonly #running: Set<Guid>;

  constructor(store: TableStore, randomBytes: RandomBytes, running: Set<Guid>) {
    this.#store = store;
    this.#randomBytes = randomBytes;
    this.#running = running;
  }

  dueOn(): number | undefined {
    const times = this.#all().flatMap(({ one }) => exportDueOn(one, this.#store.parts.catalog.ingestedTo) ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  async run(work: ExportRun): Promise<void> {
    const { catalog, now } = this.#store.parts;
    for (const { database, databaseId, one } of this.#all()) {
      const dueOn = exportDueOn(one, catalog.ingestedTo);
      if (dueOn === undefined || dueOn > now() || this.#running.has(one.exportId)) continue;
      this.#running.add(one.exportId);
      try {
        await this.#runOne(database, databaseId, one, work);
      } finally {
        this.#running.delete(one.exportId);
      }
    }
  }

  #all(): { readonly database: string; readonly databaseId: Guid; readonly one: ContinuousExport }[] {
    const { catalog } = this.#store.parts;
    return this.#store
      .databases()
      .filter(({ databaseId }) => !catalog.keys.isLocked(databaseId))
      .flatMap(({ databaseId, name }) =>
        exportsOf(catalog.image, databaseId).map((one) => ({ database: name, databaseId, one })),
      );
  }

  async #runOne(database: string, databaseId: Guid, one: ContinuousExport, work: ExportRun): Promise<void> {
    const { catalog, now } = this.#store.parts;
    const startedOn = now();
    const until = exportUntil(one, catalog.ingestedTo, startedOn);
    const written: ExportedBlob[] = [];
    let failure: unknown;
    try {
      await work(database, one, {
        open: (other, table, uses) => {
          if (other.toLowerCase() !== database.toLowerCase() || !one.factTables.includes(table)) return undefined;
          return this.#store.openBetween(database, table, { after: one.exportedTo, until }, uses);
        },
        wrote: (blob) => void written.push(blob),
      });
    } catch (error) {
      if (error instanceof CommitRefusedError) throw error;
      failure = error;
    }
    await this.#settle({ databaseId, one, startedOn, until, written, failure });
  }

  async #settle(run: EndedRun): Promise<void> {
    const { databaseId, one, startedOn, until, written, failure } = run;
    const { catalog, now } = this.#store.parts;
    await catalog.change((draft) => {
      const found = exportsOf(draft, databaseId).find(({ exportId }) => exportId === one.exportId);
      // It was dropped, or its cursor was set: what this run left is not of what it is now.
      if (found === undefined) return;
      const { failingSince: before, ...state } = found;
      if (failure !== undefined) {
        const isPermanent =
          failure instanceof DataError ||
          (failure instanceof KqlError && failure.code !== 'internal' && failure.code !== 'limits');
        const failingSince = isPermanent ? (before ?? startedOn) : undefined;
        const isTooLong = failingSince !== undefined && now() - failingSince > failingMaxMs;
        putExport(draft, databaseId, {
          ...{
            ...state,
            lastRunOn: startedOn,
            lastRunResult: 'Failed' as const,
            isDisabled: state.isDisabled || isTooLong,
          },
          ...(failingSince !== undefined && { failingSince }),
        });
        this.#keepFailure(draft, run);
        return;
      }
      const isAsItWas = found.exportedTo === one.exportedTo;
      putExport(draft, databaseId, {
        ...{ ...state, lastRunOn: startedOn, lastRunResult: 'Completed' as const, lastSuccessOn: startedOn },
        ...(isAsItWas && { exportedTo: until }),
      });
      if (!isAsItWas || written.length === 0) return;
      const history = historyOf(draft, one.exportId);
      const artifacts = written.map(({ path, rows }) => ({
        on: now(),
        externalTable: one.externalTable,
        path,
        rows,
      }));
      draft.put({ ...history, artifacts: [...artifacts.reverse(), ...history.artifacts].slice(0, artifactsMax) });
    });
  }

  #keepFailure(draft: CatalogDraft, { one, startedOn, written, failure }: EndedRun): void {
    const isTold = failure instanceof DataError || failure instanceof KqlError;
    const history = historyOf(draft, one.exportId);
    const kept = {
      ...{ on: startedOn, operationId: newGuid(this.#randomBytes), isPartial: written.length > 0 },
      ...(one.lastSuccessOn !== undefined && { lastSuccessOn: one.lastSuccessOn }),
      // Of our own faults nothing is told.
      details: isTold ? failure.message.slice(0, 1_000) : 'An unexpected error occurred.',
    };
    draft.put({ ...history, failures: [kept, ...history.failures].slice(0, failuresMax) });
  }
}

interface EndedRun {
  readonly databaseId: Guid;
  readonly one: ContinuousExport;
  readonly startedOn: Instant;
  readonly until: IngestedAt;
  readonly written: readonly ExportedBlob[];
  /** Absent: it was completed. */
  readonly failure: unknown;
}

const exportsId = (databaseId: Guid): string => `v/${databaseId}`;
const historyId = (exportId: Guid): string => `y/${exportId}`;

export function exportsOf(reader: Pick<CatalogReader, 'get'>, databaseId: Guid): readonly ContinuousExport[] {
  const record = reader.get(exportsId(databaseId));
  return record?.kind === 'continuousExports' ? record.exports : [];
}

function requireExport(reader: Pick<CatalogReader, 'get'>, databaseId: Guid, name: string): ContinuousExport {
  const found = exportsOf(reader, databaseId).find((one) => one.name === name);
  if (found === undefined) throw dataError('ContinuousExportNotFound', name.slice(0, 200));
  return found;
}

function historyOf(reader: Pick<CatalogReader, 'get'>, exportId: Guid): ExportHistoryRecord {
  const record = reader.get(historyId(exportId));
  return record?.kind === 'exportHistory' ? record : { kind: 'exportHistory', exportId, artifacts: [], failures: [] };
}

const stateOf = (one: Omit<ContinuousExport, keyof ContinuousExportDefinition>) => {
  const { exportId, createdOn, startCursor, exportedTo, isDisabled, lastRunOn, lastRunResult, lastSuccessOn } = one;
  return {
    ...{ exportId, createdOn, startCursor, exportedTo, isDisabled },
    ...(lastRunOn !== undefined && { lastRunOn }),
    ...(lastRunResult !== undefined && { lastRunResult }),
    ...(lastSuccessOn !== undefined && { lastSuccessOn }),
  };
};

function putExport(draft: CatalogDraft, databaseId: Guid, one: ContinuousExport): void {
  const others = exportsOf(draft, databaseId).filter(({ exportId }) => exportId !== one.exportId);
  putExports(
    draft,
    databaseId,
    [...others, one].sort((left, right) => (left.name < right.name ? -1 : 1)),
  );
}

function putExports(draft: CatalogDraft, databaseId: Guid, exports: readonly ContinuousExport[]): void {
  if (exports.length > 0) draft.put({ kind: 'continuousExports', databaseId, exports });
  else if (draft.get(exportsId(databaseId)) !== undefined) draft.delete(exportsId(databaseId));
}

/** What a database had that is deleted. */
export function forgetExports(draft: CatalogDraft, databaseId: Guid): void {
  for (const { exportId } of exportsOf(draft, databaseId))
    if (draft.get(historyId(exportId)) !== undefined) draft.delete(historyId(exportId));
  putExports(draft, databaseId, []);
}
