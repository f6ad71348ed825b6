import type { Guid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import { CommitRefusedError } from '../catalog/data-error.ts';
import type { TableRecord } from '../catalog/records.ts';
import type { Merger } from './merger.ts';
import type { Sweeper } from './sweeper.ts';
import { UnreadableExtentsError } from './unreadable-extents-error.ts';

/** In the order in which they are done. `databases`: what databases held that were deleted. `retention`: extents, and tables whose day has come.
 * `tags`: of extents. `dropped`: tables that can be had back no more. `sweep`: rows of tables that were dropped or
 * emptied. `queued`: what was put into the storage accounts long ago. `views`: new rows of their sources. */
export const upkeepSteps = [
  'databases',
  'retention',
  'tags',
  'dropped',
  'history',
  'queued',
  'sweep',
  'flush',
  'views',
  'merge',
  'collection',
] as const;
export type UpkeepStep = (typeof upkeepSteps)[number];

export interface UpkeepOptions {
  /** Deleted by the resource manager. */
  readonly droppedDatabases?: readonly Guid[];
  /** Nothing goes for its age: the clock is doubtful. */
  readonly destructionHeld?: boolean;
  /** All nodes that live know of pages of extents. */
  readonly packsExtents?: boolean;
}

/** Something that upkeep could not do, and has not done since. Ids and the class of an error only: it goes to logs. */
export interface UpkeepProblem {
  readonly step: UpkeepStep;
  /** Absent: the step is about the whole cluster. */
  readonly table?: { readonly databaseId: Guid; readonly tableId: Guid };
  readonly error: string;
  readonly since: Instant;
  /** How often it was tried in vain. */
  readonly times: number;
  /** Of a merge: extents that do not open, and are left out of it. */
  readonly unreadableExtents?: number;
}

export interface UpkeepParts {
  readonly merger: Merger;
  readonly sweeper: Sweeper;
  /** Puts extents that are merged no more into pages. */
  readonly packExtents: (table: TableRecord) => Promise<void>;
  readonly expireQueued: () => Promise<void>;
  /** Of a materialized view: takes in the new rows of its source. */
  readonly materialize: (view: TableRecord) => Promise<void>;
  readonly tables: () => readonly TableRecord[];
  readonly removeDatabases: (databaseIds: readonly Guid[]) => Promise<void>;
  readonly now: () => Instant;
}

/** Does what is to be done from time to time, each step and each table by itself: what fails for one is kept as a problem until it
 * succeeds, and the others go on. */
export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #problems = new Map<string, UpkeepProblem>();

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  get problems(): readonly UpkeepProblem[] {
    return [...this.#problems.values()];
  }

  /** @throws CommitRefusedError when the cluster may not use its key any more: then nothing further can succeed */
  async run({
    droppedDatabases = [],
    destructionHeld = false,
    packsExtents = false,
  }: UpkeepOptions = {}): Promise<void> {
    const { merger, sweeper, tables, removeDatabases } = this.#parts;
    if (droppedDatabases.length > 0)
      await this.#attempt('databases', undefined, () => removeDatabases(droppedDatabases));
    if (!destructionHeld) {
      for (const table of tables()) await this.#attempt('retention', table, () => merger.expire(table));
      for (const table of tables()) await this.#attempt('tags', table, () => merger.retag(table));
      await this.#attempt('dropped', undefined, () => merger.expireDropped());
      await this.#attempt('history', undefined, () => merger.forgetHistory());
      await this.#attempt('queued', undefined, this.#parts.expireQueued);
    }
    await this.#attempt('sweep', undefined, () => sweeper.sweep());
    for (const table of tables()) {
      await this.#attempt('flush', table, () => merger.flush(table));
      await this.#attempt('views', table, () => this.#parts.materialize(table));
      await this.#attempt('merge', table, async () => {
        if (packsExtents) await this.#parts.packExtents(table);
        await merger.merge(table);
      });
    }
    await this.#attempt('collection', undefined, () => merger.collect());
    const present = new Set(tables().map(({ tableId }) => tableId));
    for (const [key, { table }] of this.#problems)
      if (table !== undefined && !present.has(table.tableId)) this.#problems.delete(key);
  }

  async #attempt(step: UpkeepStep, table: TableRecord | undefined, work: () => Promise<void>): Promise<void> {
    const key = `${step}/${table?.tableId ?? ''}`;
    try {
      await work();
      this.#problems.delete(key);
    } catch (error) {
      if (error instanceof CommitRefusedError) throw error;
      const before = this.#problems.get(key);
      this.#problems.set(key, {
        step,
        ...(table === undefined ? {} : { table: { databaseId: table.databaseId, tableId: table.tableId } }),
        ...described(error),
        since: before?.since ?? this.#parts.now(),
        times: (before?.times ?? 0) + 1,
      });
    }
  }
}

function described(error: unknown): Pick<UpkeepProblem, 'error' | 'unreadableExtents'> {
  if (error instanceof UnreadableExtentsError) return { error: error.why, unreadableExtents: error.count };
  return { error: error instanceof Error ? error.name : 'unknown' };
}
