import type { Guid } from '../../base/guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { ExtentView } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { ExtentRecord, TableRecord } from '../catalog/records.ts';
import { eachExtent, everyExtent } from './chosen-extents.ts';
import { extentView } from './extent-service.ts';
import type { Merger } from './merger.ts';
import { hasViews, movedExtent, requireMovable } from './moved-extents.ts';
import type { NewExtent } from './replace-extents.ts';
import { commitExtents, ExtentsGoneError, onSettledExtents, retagged } from './replace-extents.ts';
import type { TableStore } from './table-store.ts';

/** Which extents of which table. */
export interface ChosenExtents {
  readonly table: string;
  /** `all`: those that there are, the rows of the log too. */
  readonly extentIds: readonly Guid[] | 'all';
}

export interface ExtentMoveRequest {
  readonly database: string;
  /** Where they come to. */
  readonly table: string;
  /** Asked again when extents were merged meanwhile. */
  readonly choose: () => Promise<{ readonly dropped: readonly Guid[]; readonly moved: readonly ChosenExtents[] }>;
  /** Of those that are moved, only these. */
  readonly only: (extent: ExtentView) => boolean;
  /** All their rows get the time of now. */
  readonly newIngestionTime: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface ExtentTagRequest {
  readonly database: string;
  readonly table: string;
  /** Given the extents of the table. @returns tags, of those that get others; asked again when extents were merged meanwhile */
  readonly choose: (extents: readonly ExtentView[]) => Promise<ReadonlyMap<Guid, readonly string[]>>;
}

/** `result`: the extent that has its rows; undefined: none, they were dropped. */
export interface MovedExtent {
  readonly extentId: Guid;
  readonly result: Guid | undefined;
}

export interface ExtentMoves {
  /** Drops and moves in one commit: all or nothing. @throws DataError `ExtentNotFound`, `InvalidSchema`, `ExtentsChanged` */
  moveExtents(request: ExtentMoveRequest): Promise<readonly MovedExtent[]>;
  /** Gives extents other tags, in one commit. @throws DataError `ExtentNotFound`, `ExtentsChanged` */
  tagExtents(request: ExtentTagRequest): Promise<readonly (MovedExtent & { readonly tags: readonly string[] })[]>;
  /** Makes one extent of several. @returns it; undefined when they had no rows @throws DataError `ExtentNotFound`, `ExtentsChanged` */
  mergeExtents(database: string, table: string, extentIds: readonly Guid[]): Promise<Guid | undefined>;
}

/** One commit names them all. */
const extentsMax = 5_000;

export function createExtentMoves(store: TableStore, merger: Merger, randomBytes: RandomBytes): ExtentMoves {
  const { catalog, writer, now } = store.parts;

  /** Of a table, a page after the other. */
  const extentsIn = ({ tableId }: TableRecord): Iterable<ExtentRecord> =>
    eachExtent(catalog.image.extentsAndPagesOf(tableId), everyExtent, (page) => catalog.image.pages.opened(page));

  async function settled<T>(table: string, work: () => Promise<T>): Promise<T> {
    try {
      return await onSettledExtents(() => writer.retried(work));
    } catch (error) {
      if (error instanceof MissingExtentError) throw dataError('ExtentNotFound', error.extentId);
      throw error instanceof ExtentsGoneError ? dataError('ExtentsChanged', table) : error;
    }
  }

  async function move(request: ExtentMoveRequest): Promise<readonly MovedExtent[]> {
    const { database, only, signal } = request;
    const chosen = await request.choose();
    for (const { table, extentIds } of chosen.moved)
      if (extentIds === 'all') await merger.flush(store.table(database, table));
    const target = store.table(database, request.table);
    if (!request.newIngestionTime && chosen.moved.length > 0 && hasViews(store, target))
      throw new KqlError(
        'semantic',
        `The table '${target.name}' is the source of a materialized view, which would not see the records: move them with setNewIngestionTime=true.`,
      );
    const dropped = chosen.dropped.map((id) => extentIn(store, target, id));
    const moved = chosen.moved.flatMap(({ table, extentIds }) => {
      const from = store.table(database, table);
      if (from.tableId === target.tableId)
        throw new KqlError('semantic', `Extents of '${from.name}' cannot be moved to the same table.`);
      requireMovable(from, target);
      const extents =
        extentIds === 'all' ? extentsIn(from) : [...new Set(extentIds)].map((id) => extentIn(store, from, id));
      const meant: { readonly from: TableRecord; readonly extent: ExtentRecord }[] = [];
      for (const extent of extents) if (only(extentView(store, extent, from))) meant.push({ from, extent });
      return meant;
    });
    if (dropped.length + moved.length > extentsMax)
      throw new KqlError('limits', `At most ${extentsMax} extents can be moved by one command.`);
    const at = request.newIngestionTime ? now() : undefined;
    const came: { readonly of: Guid; readonly extent: NewExtent | undefined }[] = [];
    try {
      for (const { from, extent } of moved) {
        signal?.throwIfAborted();
        const made = await movedExtent({ store, randomBytes }, extent, from, target, at);
        came.push({ of: extent.extentId, extent: made });
      }
      const old = [...dropped, ...moved.map(({ extent }) => extent)];
      const by = came.flatMap(({ extent }) => extent ?? []);
      const tables = [target, ...new Set(moved.map(({ from }) => from))];
      await commitExtents(store, old, by, (draft) => {
        for (const table of tables)
          if (columnsText(store.current(draft, table)) !== columnsText(table)) throw new ExtentsGoneError();
      });
    } finally {
      for (const { extent } of came) if (extent !== undefined && !('of' in extent)) writer.settled(extent);
    }
    return [
      ...dropped.map(({ extentId }) => ({ extentId, result: undefined })),
      ...came.map(({ of, extent }) => ({ extentId: of, result: extent?.record.extentId })),
    ];
  }

  return {
    moveExtents: (request) => settled(request.table, () => move(request)),

    tagExtents: ({ database, table: name, choose }) =>
      settled(name, async () => {
        const table = store.table(database, name);
        const views: ExtentView[] = [];
        for (const extent of extentsIn(table)) views.push(extentView(store, extent, table));
        const chosen = [...(await choose(views))].map(([id, tags]) => ({ extent: extentIn(store, table, id), tags }));
        if (chosen.length > extentsMax)
          throw new KqlError('limits', `At most ${extentsMax} extents can be tagged by one command.`);
        const by = chosen.map(({ extent, tags }) => retagged(extent, tags, randomBytes));
        await commitExtents(
          store,
          chosen.map(({ extent }) => extent),
          by,
        );
        return chosen.map(({ extent, tags }, index) => ({
          ...{ extentId: extent.extentId, result: by[index]?.record.extentId, tags },
        }));
      }),

    mergeExtents: (database, name, extentIds) =>
      settled(name, async () => {
        const table = store.table(database, name);
        const extents = [...new Set(extentIds)].map((id) => extentIn(store, table, id));
        return (await merger.mergeThese(table, extents))?.extentId;
      }),
  };
}

/** It may have been merged since it was chosen: whoever is asked again may choose another. */
class MissingExtentError extends ExtentsGoneError {
  constructor(readonly extentId: Guid) {
    super();
  }
}

function extentIn({ parts: { catalog } }: TableStore, { tableId }: TableRecord, extentId: Guid): ExtentRecord {
  const found = catalog.image.get(`e/${extentId}`);
  if (found?.kind !== 'extent' || found.tableId !== tableId) throw new MissingExtentError(extentId);
  return found;
}

export const columnsText = ({ columns }: TableRecord): string =>
  columns.map(({ columnId, name, type }) => `${columnId} ${type} ${name}`).join();
