import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { ViewWindow } from '../../kql/plan/view-lookback.ts';
import { CommitRefusedError, DataError } from '../catalog/data-error.ts';
import type { CatalogDraft } from '../catalog/catalog-draft.ts';
import type { IngestedAt } from '../catalog/ingestion-order.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';
import { currentView } from '../catalog/materialized-view.ts';
import type { ExtentRecord } from '../catalog/records.ts';
import type { ViewFailure } from '../catalog/view-facts.ts';
import { lookbackOf } from '../catalog/view-facts.ts';
import { withoutSecurity, withViewStates } from '../catalog/views.ts';
import type { WrittenExtent } from '../extents/extent-writer.ts';
import { hasRowsToCome } from '../extents/view-rows.ts';
import type { FollowingParts } from './followed-schema.ts';
import { followSource, isBehindSource } from './followed-schema.ts';
import { otherGroups } from './other-groups.ts';
import type { StatesRequest } from './view-states.ts';
import { databaseOfView, readStates, writeStates } from './view-states.ts';

export interface MaterializerParts extends FollowingParts {
  readonly randomBytes: RandomBytes;
}

/** A view, and how far its source is to be taken into it. */
interface Run {
  readonly record: ViewRecord;
  readonly until: IngestedAt;
}

const failuresMax = 10;

/** Takes new rows of sources into views. Of a group that they change the view has one row afterwards, as before, unless a lookback keeps rows of
 * it apart. Order: rows of the source up
 * to the newest commit → the groups that they change, merged with what the view has of them → blob → for each extent of the view that has
 * rows of these groups: its other rows → blob → one commit with the new extents, without the old ones, and with how far the view is now.
 * Whatever comes between, a row of the source is either in the stored part or in what is added to it when it is read. */
export class Materializer {
  readonly #parts: MaterializerParts;
  readonly #running = new Map<Guid, Promise<boolean>>();

  constructor(parts: MaterializerParts) {
    this.#parts = parts;
  }

  /** Whether an enabled view has rows to take in, or columns. */
  isDue({ databaseId, tableId }: ViewRecord): boolean {
    const { catalog } = this.#parts.store.parts;
    const record = catalog.image.get(`t/${tableId}`);
    if (record?.kind !== 'table' || record.view === undefined || catalog.keys.isLocked(databaseId)) return false;
    const { view } = record;
    if (!view.isEnabled) return false;
    return isBehindSource(catalog.image, { ...record, view }) || this.#hasRowsToCome({ ...record, view });
  }

  #hasRowsToCome(record: ViewRecord): boolean {
    const { store } = this.#parts;
    return store.parts.catalog.ingestedTo > record.view.materializedTo && hasRowsToCome(store.viewRows(), record);
  }

  /** What fails is in the failures of the view; what will fail again disables it.
   * @returns whether there was something to take in
   * @throws CommitRefusedError */
  run(record: ViewRecord): Promise<boolean> {
    const running = this.#running.get(record.tableId);
    if (running !== undefined) return running;
    const run = this.#run(record).finally(() => this.#running.delete(record.tableId));
    this.#running.set(record.tableId, run);
    return run;
  }

  async #run(record: ViewRecord): Promise<boolean> {
    if (!this.isDue(record)) return false;
    const { catalog, writer } = this.#parts.store.parts;
    try {
      if (isBehindSource(catalog.image, record)) await followSource(this.#parts, record);
      if (!this.#hasRowsToCome(currentView(catalog.image, record))) return true;
      await writer.retried(() => {
        const now = currentView(catalog.image, record);
        return this.#materialize({ record: now, until: catalog.ingestedTo });
      });
      return true;
    } catch (error) {
      if (error instanceof CommitRefusedError) throw error;
      await this.#recordFailure(record, error);
      return true;
    }
  }

  async #materialize(run: Run): Promise<void> {
    const { store } = this.#parts;
    const { catalog, now, operations } = store.parts;
    const { record, until } = run;
    const note = operations.begin('MaterializedView');
    const written: WrittenExtent[] = [];
    try {
      // A group that the view has is no new one to a view that takes any row: so records must not go from it meanwhile.
      const seen = record.view.picks === 'take_any' ? catalog.image.extentsOf(record.tableId) : [];
      const window = await this.#windowOf(run);
      const changed = await this.#changedGroups(run, window);
      if (changed !== undefined) written.push(changed);
      const touched: ExtentRecord[] = [];
      if (changed !== undefined && record.view.picks !== 'take_any')
        for (const extent of catalog.image.extentsOf(record.tableId)) {
          const others = await otherGroups(store, record, extent, { changed: changed.record, window });
          if (others === 'all') continue;
          touched.push(extent);
          if (others !== undefined) written.push(others);
        }
      await catalog.change((draft) => {
        const found = currentView(draft, record);
        const isAsItWas = found.view.materializedTo === record.view.materializedTo && found.epoch === record.epoch;
        if (!isAsItWas || [...touched, ...seen].some(({ extentId }) => draft.get(`e/${extentId}`) === undefined))
          return;
        for (const { extentId } of touched) draft.delete(`e/${extentId}`);
        this.#put(draft, written);
        note(
          draft,
          found,
          written.map((extent) => extent.record),
        );
        draft.put({ ...found, view: { ...found.view, materializedTo: until, lastRunOn: now() } });
      });
    } finally {
      await this.#settle(written);
    }
  }

  /** Blobs that nothing names after all go. */
  async #settle(written: readonly WrittenExtent[]): Promise<void> {
    const { catalog, writer } = this.#parts.store.parts;
    for (const extent of written) {
      // Whether a commit that failed was made may be unknown: then the next collection asks the catalog.
      if (catalog.broken || catalog.image.get(`e/${extent.record.extentId}`) !== undefined) writer.settled(extent);
      else await writer.abandon(extent);
    }
  }

  #put(draft: CatalogDraft, written: readonly WrittenExtent[]): void {
    for (const extent of written) draft.put(this.#parts.store.parts.writer.recordNow(extent));
  }

  /** From when until when the new rows are, by what a lookback is measured by. @returns undefined for a view without one */
  async #windowOf(run: Run): Promise<ViewWindow | undefined> {
    if (lookbackOf(run.record.view) === undefined) return undefined;
    const [row] = await readStates(this.#parts, this.#request(run, 'window'));
    const [from, to] = row ?? [];
    return typeof from === 'bigint' && typeof to === 'bigint' ? [String(from), String(to)] : null;
  }

  /** The groups of a view that new rows change, as they are with these. */
  #changedGroups(run: Run, window: ViewWindow | undefined): Promise<WrittenExtent | undefined> {
    return writeStates(this.#parts, this.#request(run, 'merged', window));
  }

  #request({ record, until }: Run, states: 'window' | 'merged', window?: ViewWindow): StatesRequest {
    const { store } = this.#parts;
    const database = databaseOfView(store, record);
    return {
      record,
      catalog: withViewStates(withoutSecurity(this.#parts.catalog()), database, record.name, states, window),
      open: (other, table, uses) => store.openNamed(other, table, undefined, uses, until),
    };
  }

  async #recordFailure(record: ViewRecord, error: unknown): Promise<void> {
    const { store, randomBytes } = this.#parts;
    const { catalog, now } = store.parts;
    const isPermanent =
      error instanceof DataError || (error instanceof KqlError && error.code !== 'internal' && error.code !== 'limits');
    const failure: ViewFailure = {
      ...{ operationId: newGuid(randomBytes), failedOn: now(), isPermanent },
      // Of our own faults nothing is told.
      details:
        isPermanent || error instanceof KqlError ? error.message.slice(0, 1000) : 'An unexpected error occurred.',
    };
    await catalog.change((draft) => {
      const found = currentView(draft, record);
      const failures = [failure, ...(found.view.failures ?? [])].slice(0, failuresMax);
      const isEnabled = found.view.isEnabled && !isPermanent;
      draft.put({ ...found, view: { ...found.view, failures, isEnabled, lastRunOn: failure.failedOn } });
    });
  }
}
