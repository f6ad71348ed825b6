import { isBase64Url, toBase64Url } from '../../base/base64url.ts';
import type { Guid } from '../../base/guid.ts';
import { StorageFullError } from '../../base/storage-full.ts';
import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type {
  CatalogStore,
  CatalogWrite,
  CommitOutcome,
  SealedRecord,
  StoredCatalogRecord,
} from '../../database/catalog/catalog-store.ts';
import { CatalogDamagedError } from '../../database/catalog/catalog-seal.ts';
import { headId } from '../../database/catalog/records.ts';
import type { SecondLayer } from '../../encryption/infrastructure/infrastructure-key.ts';
import { SecondLayerError } from '../../encryption/infrastructure/infrastructure-key.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { State, StateWrite, Table, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { ChannelBusyError } from '../messages/channel.ts';
import type { RemoteState } from './remote-state.ts';
import { ClusterNotServedError, CustodyChangingError } from './remote-state.ts';

/** The catalogs of all clusters; ids are `{cluster id}/{record id}`, or `{cluster id}/~/{record id}` on the other side (see `CatalogSide`), or
 * `{cluster id}/~k/{record id}` of what is kept of a catalog that was set back (see `CatalogBefore`).
 * Nothing in a value is readable but numbers. */
export const clusterCatalogTable: Table<StoredSealed> = { name: 'cluster-catalog', parse: parseSealed };

interface StoredSealed {
  readonly format: 1;
  readonly generation: number;
  readonly revision: number;
  /** Base64url. */
  readonly sealed: string;
  /** It lies under the second layer of a cluster with double encryption. */
  readonly twice?: true;
}

/** Of the cluster: undefined when it has no double encryption. */
export type AskSecondLayer = () => Promise<SecondLayer | undefined>;
const noLayer: AskSecondLayer = () => Promise.resolve(undefined);

const recordsEachMax = 1_000;
/** A record of which many are large: a page of extents takes 60 KB here, as text. So many are read, or go in a message, at a time. */
const largeEachMax = 32;
/** More records than this are looked up together. */
const lookupsMax = 4;

/** A catalog lies on one side, that of its head; a change of custody lays it out anew on the other one and moves the head there. The mark
 * sorts after the ids of all records. */
export type CatalogSide = '' | '~/';

export const otherSide = (side: CatalogSide): CatalogSide => (side === '' ? '~/' : '');

export async function sideInUse(state: Pick<State, 'get'>, clusterId: Guid): Promise<CatalogSide> {
  const head = await state.get(clusterCatalogTable, `${clusterId}/~/${headId}`);
  return head === undefined ? '' : '~/';
}

/** Whether a record of the cluster lies there. */
export function isOnSide(clusterId: Guid, side: CatalogSide, id: string): boolean {
  const prefix = `${clusterId}/${side}`;
  return id.startsWith(prefix) && (side !== '' || !id.startsWith(prefix + anyMark));
}

/** The same, its head excepted. */
export const isBesideHead = (clusterId: Guid, side: CatalogSide, id: string): boolean =>
  isOnSide(clusterId, side, id) && id !== `${clusterId}/${side}${headId}`;

/** Where lies what is kept of a catalog that was set back. It counts once the head of that catalog is among it. */
export const keptSide = '~k/';
export const keptPrefix = (clusterId: Guid): string => `${clusterId}/${keptSide}`;

/** Whether something is kept of a catalog that was set back, which the next opening ends. */
export const isSetBack = async (state: Pick<State, 'list'>, clusterId: Guid): Promise<boolean> =>
  (await state.list(clusterCatalogTable, { prefix: keptPrefix(clusterId), limit: 1 })).length > 0;

/** A state that can also write beside the catalog in use while the custody of the cluster changes.
 * @see RemoteState */
export type CatalogState = State & Partial<Pick<RemoteState, 'stage'>>;

export interface RemoteCatalogOptions {
  readonly secondLayer?: AskSecondLayer;
  /** Of a page, and of a commit beside the catalog in use. */
  readonly recordsEach?: number;
}

/** One cluster's catalog in the state. */
export function createRemoteCatalogStore(
  state: CatalogState,
  clusterId: Guid,
  { secondLayer = noLayer, recordsEach = recordsEachMax }: RemoteCatalogOptions = {},
): CatalogStore {
  let side: CatalogSide | undefined;
  const sideNow = async (): Promise<CatalogSide> => (side ??= await sideInUse(state, clusterId));
  const page = async (from: string, after: string | undefined): Promise<readonly StoredCatalogRecord[]> => {
    const prefix = `${clusterId}/${from}`;
    const found = await listSide(state, prefix, after, recordsEach);
    const layer = await secondLayer();
    return found
      .map(({ id, version, value }): StoredCatalogRecord => ({
        id: id.slice(prefix.length),
        version,
        sealed: sealedOf(id, value, layer),
      }))
      .filter(({ id }) => !id.startsWith(anyMark));
  };
  const kept = keptPrefix(clusterId);
  const clearKept = async (): Promise<void> => {
    const head = await state.get(clusterCatalogTable, kept + headId);
    if (head !== undefined)
      await state.commit({ write: [writeRecord(clusterCatalogTable, head.id, head.version, null)] });
    await clearSide(state, clusterId, keptSide, (write) => state.commit({ write }), recordsEach);
  };
  return {
    async load(after) {
      if (after === undefined) side = undefined; // another process may have changed it
      return page(await sideNow(), after);
    },

    async get(id) {
      if (id === headId) side = undefined;
      const storedId = `${clusterId}/${await sideNow()}${id}`;
      const found = await state.get(clusterCatalogTable, storedId);
      return found && { id, version: found.version, sealed: sealedOf(storedId, found.value, await secondLayer()) };
    },

    beside(change) {
      const stage = async (write: readonly StateWrite[]): Promise<void> =>
        state.stage === undefined ? state.commit({ write }) : state.stage(change, write);
      return {
        async clear() {
          await clearSide(state, clusterId, otherSide(await sideNow()), stage, recordsEach);
        },
        async add(records) {
          const other = otherSide(await sideNow());
          const layer = await secondLayer();
          await stage(records.map(({ id, put }) => catalogWrite(clusterId, null, { id: other + id, put }, layer)));
        },
        atWork: () => stage([]),
        load: async (after) => page(otherSide(await sideNow()), after),
        async takeOver(before, head) {
          const from = await sideNow();
          return [
            { id: from + headId, expect: before, put: null },
            { id: otherSide(from) + headId, expect: null, put: head },
          ];
        },
        taken() {
          side = undefined; // the head tells
        },
      };
    },

    setBack: {
      async isThere() {
        if (!(await isSetBack(state, clusterId))) return false;
        if ((await state.get(clusterCatalogTable, kept + headId)) !== undefined) return true;
        await clearKept(); // of one that was not set back in the end
        return false;
      },
      load: (after) => page(keptSide, after),
      clear: clearKept,
    },

    async commit(writes, takesAway = false): Promise<CommitOutcome> {
      try {
        const own = await sideNow();
        const known = await knownVersions(state, `${clusterId}/${own}`, writes);
        const layer = await secondLayer();
        await state.commit({
          write: writes.map(({ id, expect, put }) =>
            catalogWrite(clusterId, known.get(id) ?? expect, { id: own + id, put }, layer),
          ),
          ...(takesAway && { adds: false }),
        });
        // Of a new record nobody knows the version.
        return {
          outcome: 'committed',
          versions: writes.map(({ id, expect, put }) =>
            expect === null || put === null ? 0 : versionAfter(known.get(id) ?? expect),
          ),
        };
      } catch (error) {
        // Nothing was written.
        if (error instanceof StorageFullError) return { outcome: 'full' };
        if (error instanceof CustodyChangingError || error instanceof ChannelBusyError) return { outcome: 'changing' };
        if (error instanceof ClusterNotServedError) return { outcome: 'refused', reason: 'suspended' };
        if (error instanceof StateConflictError) return { outcome: 'conflict' };
        throw error;
      }
    },
  };
}

/** Ids of pages of extents begin with it. */
const pagePrefix = 'g/';

/** Records of a side after an id, in order; none: there are no more. Those of the kind of that id, which are small, come in large numbers; what may be
 * large in small ones, and so does whatever comes after a kind: those may be pages, also of the side behind, which nobody asks for here.
 * @param after of the ids without the prefix */
async function listSide(
  state: Pick<State, 'list'>,
  prefix: string,
  after: string | undefined,
  recordsEach: number,
): Promise<readonly Versioned<StoredSealed>[]> {
  const list = (within: string, limit: number) =>
    state.list(clusterCatalogTable, {
      ...{ prefix: prefix + within, limit },
      ...(after === undefined ? {} : { after: prefix + after }),
    });
  const kind = after?.slice(0, after.indexOf('/') + 1) ?? '';
  const alike = kind === '' || kind === pagePrefix ? [] : await list(kind, recordsEach);
  return alike.length > 0 ? alike : list('', Math.min(recordsEach, largeEachMax));
}

/** Before all that is no record of the first side. */
const anyMark = '~';

/** Removes what lies on a side, so many records a commit. */
export async function clearSide(
  state: Pick<State, 'list'>,
  clusterId: Guid,
  side: CatalogSide | typeof keptSide,
  commit: (write: readonly StateWrite[]) => Promise<void>,
  recordsEach = recordsEachMax,
): Promise<void> {
  for await (const records of recordsOnSide(state, clusterId, side, recordsEach))
    await commit(records.map(({ id, version }) => writeRecord(clusterCatalogTable, id, version, null)));
}

/** What lies on a side, some at a time, in the order of the ids. What was read may be removed meanwhile. */
export async function* recordsOnSide(
  state: Pick<State, 'list'>,
  clusterId: Guid,
  side: CatalogSide | typeof keptSide,
  recordsEach = recordsEachMax,
): AsyncGenerator<readonly Versioned<StoredSealed>[], undefined> {
  const prefix = `${clusterId}/${side}`;
  for (let after: string | undefined; ;) {
    const found = await listSide(state, prefix, after, recordsEach);
    const records = side === '' ? found.filter(({ id }) => !id.startsWith(prefix + anyMark)) : found;
    if (records.length === 0) return;
    yield records;
    after = records.at(-1)?.id.slice(prefix.length);
  }
}

/** The state counts the writes of a record, from a number that it chooses. */
const versionAfter = (version: number): number => version + 1;

/** @param expect the version that the state has */
export function catalogWrite(
  clusterId: Guid,
  expect: number | null,
  { id, put }: Pick<CatalogWrite, 'id' | 'put'>,
  layer: SecondLayer | undefined,
): StateWrite {
  const storedId = `${clusterId}/${id}`;
  return writeRecord(clusterCatalogTable, storedId, expect, put && storedOf(storedId, put, layer));
}

/** Versions that the writer has not seen. */
async function knownVersions(
  state: State,
  prefix: string,
  writes: readonly CatalogWrite[],
): Promise<ReadonlyMap<string, number>> {
  const unknown = writes.filter(({ expect }) => expect === 0).map(({ id }) => id);
  const versions = new Map<string, number>();
  // Pages of extents are few in a commit, and large: to find some, nobody reads all.
  const [pages, others] = [true, false].map((isPage) => unknown.filter((id) => id.startsWith(pagePrefix) === isPage));
  const alone = [...(pages ?? []), ...(others && others.length <= lookupsMax ? others : [])];
  for (const id of alone) {
    const found = await state.get(clusterCatalogTable, prefix + id);
    if (found === undefined) throw new StateConflictError(clusterCatalogTable.name, prefix + id);
    versions.set(id, found.version);
  }
  const wanted = new Set(unknown.filter((id) => !versions.has(id)));
  // The records of a segment of the log have a prefix in common.
  for (const group of new Set([...wanted].map((id) => id.slice(0, id.lastIndexOf('/') + 1)))) {
    for (let after: string | undefined; ;) {
      const page = await state.list(clusterCatalogTable, {
        prefix: prefix + group,
        limit: recordsEachMax,
        ...(after === undefined ? {} : { after }),
      });
      for (const { id, version } of page)
        if (wanted.has(id.slice(prefix.length))) versions.set(id.slice(prefix.length), version);
      after = page.at(-1)?.id;
      if (after === undefined) break;
    }
  }
  const missing = unknown.find((id) => !versions.has(id));
  if (missing !== undefined) throw new StateConflictError(clusterCatalogTable.name, prefix + missing);
  return versions;
}

/** The id of a record without the side that it lies on: backups are set back on the other one. */
const wherever = (id: string): string => id.replace(/\/~k?\//, '/');

const storedOf = (
  id: string,
  { generation, revision, bytes }: SealedRecord,
  layer: SecondLayer | undefined,
): StoredSealed => ({
  format: 1,
  generation,
  revision,
  ...(layer === undefined
    ? { sealed: toBase64Url(bytes) }
    : { sealed: toBase64Url(layer.sealRecord(wherever(id), bytes)), twice: true }),
});

/** A record as it stands in the state, under its id there; null: it is gone. @throws CatalogDamagedError */
export const sealedRecordAt = (id: string, value: Json, layer: SecondLayer | undefined): SealedRecord | null =>
  value === null ? null : sealedOf(id, clusterCatalogTable.parse(value), layer);

/** @throws CatalogDamagedError for one that has not the layers of its cluster */
function sealedOf(
  id: string,
  { generation, revision, sealed, twice }: StoredSealed,
  layer: SecondLayer | undefined,
): SealedRecord {
  const bytes = Buffer.from(sealed, 'base64url');
  if ((twice === true) !== (layer !== undefined))
    throw new CatalogDamagedError('a record has not the layers of its cluster');
  try {
    return { generation, revision, bytes: layer === undefined ? bytes : layer.openRecord(wherever(id), bytes) };
  } catch (error) {
    throw error instanceof SecondLayerError ? new CatalogDamagedError('a second layer does not open') : error;
  }
}

function parseSealed(value: Json): StoredSealed {
  const { format, generation, revision, sealed, twice } = isJsonObject(value) ? value : {};
  if (format !== 1) throw new Error('The catalog of a cluster was written by a newer Kustody.');
  if (!isCount(generation) || !isCount(revision) || typeof sealed !== 'string' || !isBase64Url(sealed)) {
    throw new Error('A record of a catalog has another form.');
  }
  return { format, generation, revision, sealed, ...(twice === true ? { twice } : {}) };
}

const isCount = (value: Json | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
