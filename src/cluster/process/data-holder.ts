import type { Guid } from '../../base/guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import type { ClusterKey } from '../../encryption/cluster-key.ts';
import type { DatabaseKeyChange } from '../../encryption/database-key-change.ts';
import { Catalog } from '../../database/catalog/catalog.ts';
import { emptyCatalog } from '../../database/catalog/empty-catalog.ts';
import { CatalogDamagedError } from '../../database/catalog/catalog-seal.ts';
import type { CatalogRewrap } from '../../database/catalog/catalog.ts';
import type { CatalogStore } from '../../database/catalog/catalog-store.ts';
import type { OpenedClusterData } from '../../database/open-cluster-data.ts';
import type { UpkeepOptions } from '../../database/extents/upkeep.ts';
import { CommitRefusedError } from '../../database/catalog/data-error.ts';
import type { Log } from '../../http/logging.ts';
import type { StateWrite } from '../../state/state.ts';
import type { SupervisorCalls } from '../messages/supervisor-calls.ts';
import type { SupervisorReplies } from '../messages/supervisor-replies.ts';
import type { ProcessDataKeys } from './data-keys.ts';
import type { DataParts } from './data-parts.ts';
import type { DatabaseKeyring, OwnKeyChange } from './database-keyring.ts';
import { ownKeysOf } from './database-keyring.ts';
import { dataKeysOf, rewrapBetween } from './data-keys.ts';
import { headId } from '../../database/catalog/records.ts';
import type { AskedCatalog } from '../data-plane/cluster-host.ts';
import { askedCatalog } from './asked-catalog.ts';
import type { FollowedCatalog } from './followed-catalog.ts';
import { CatalogEndedError, CatalogLeftBehindError } from './followed-catalog.ts';
import type { Opened } from './opened-data.ts';
import { leave } from './opened-data.ts';
import type { OwnSecondLayer } from './own-second-layer.ts';
import { catalogWrite } from './remote-catalog-store.ts';

/** The cluster's key is not in this process now. */
export class DataUnavailableError extends Error {
  override readonly name = 'DataUnavailableError';
  constructor() {
    super('The cluster may not use its key now.');
  }
}

export interface DataHolderOptions {
  readonly clusterId: Guid;
  readonly store: CatalogStore;
  /** Another process writes the catalog, and this one only reads it. */
  readonly followed?: FollowedCatalog;
  /** Absent: the cluster has no double encryption. */
  readonly secondLayer?: OwnSecondLayer;
  /** The key in use, borrowed. */
  readonly current: () => { readonly generation: number; readonly key: ClusterKey } | undefined;
  readonly randomBytes: RandomBytes;
  readonly databaseKeys: DatabaseKeyring;
  readonly pause: () => Promise<void>;
  readonly log?: Pick<Log, 'warning' | 'failure'>;
}

/** Of a problem that stays a warning is given about once an hour. */
const warnedEvery = 120;
const problemsToldMax = 20;

/** A change of custody that waits for its commit. */
interface Pending {
  readonly rewrap: CatalogRewrap;
  readonly keys: ProcessDataKeys;
  /** Of the key that it leads to. */
  readonly check: Uint8Array;
  readonly isOpen: boolean;
}

interface PlannedChange {
  readonly old: ClusterKey;
  readonly next: ClusterKey;
  readonly change: Guid;
  readonly own: OwnKeyChange | undefined;
}

const ownKeyChange = ({ databaseId, from, to }: DatabaseKeyChange): OwnKeyChange => ({
  databaseId,
  from: from && ownKeysOf(from),
  to: to && ownKeysOf(to),
});

/** The data of the cluster whose process this is: opened with its key when first needed, and closed when the key is another one. */
export class DataHolder {
  readonly #options: DataHolderOptions;
  #parts: DataParts | undefined;
  #opening: Promise<Opened> | undefined;
  /** What came of an opening; it counts while `#opening` is that one. */
  #opened: { readonly opening: Promise<Opened>; readonly opened: Opened } | undefined;
  #keys: ProcessDataKeys | undefined;
  #pending: Pending | undefined;
  /** Changes are planned one after the other. */
  #planned: Promise<unknown> = Promise.resolve();
  /** From the beginning of a plan until it is adopted or forgotten. */
  #changing: { readonly ended: Promise<void>; readonly end: () => void } | undefined;
  #now: Instant = instant(0);
  #isMaintaining = false;

  constructor(options: DataHolderOptions) {
    this.#options = options;
  }

  get clusterId(): Guid {
    return this.#options.clusterId;
  }

  serveWith(parts: DataParts): void {
    this.#parts = parts;
  }

  /** What the Kustody clock says, as each request brings it along. It never goes back, unless everything does. */
  tell(now: Instant): void {
    if (now > this.#now) this.#now = now;
  }

  /** @throws DataUnavailableError, CatalogDamagedError */
  async data(): Promise<OpenedClusterData> {
    const before = await this.#usable();
    if (before !== undefined) return before.data;
    // While custody changes nobody here knows which key opens what is stored.
    while (this.#changing !== undefined) await this.#changing.ended;
    const current = this.#options.current();
    if (current === undefined) throw new DataUnavailableError();
    const opening = (this.#opening ??= this.#open(current.generation, current.key));
    try {
      const opened = await opening;
      this.#opened = { opening, opened };
      return opened.data;
    } catch (error) {
      if (this.#opening === opening) this.#opening = undefined;
      if (error instanceof CatalogEndedError || error instanceof CatalogLeftBehindError)
        throw new DataUnavailableError();
      // A change was committed that this process has yet to hear of, begun by one that died: nothing is damaged.
      if (error instanceof CatalogDamagedError && (await this.#isOfAnotherKey(current.generation)))
        throw new DataUnavailableError();
      throw error;
    }
  }

  /** A question that is about to be put to whoever writes the catalog; undefined: that is this process. */
  asking(): AskedCatalog | undefined {
    const { followed } = this.#options;
    if (followed === undefined) return undefined;
    return askedCatalog<Opened>(followed, {
      usable: () => this.#usable(),
      isUsable: () => this.#openNow()?.data.broken === false,
      open: () => this.data(),
      leave: (opened) => {
        if (this.#openNow() !== opened) return;
        this.#opening = undefined;
        leave(opened);
      },
    });
  }

  async #isOfAnotherKey(generation: number): Promise<boolean> {
    const head = await this.#options.store.get(headId);
    return head !== undefined && head.sealed.generation !== generation;
  }

  async #usable(): Promise<Opened | undefined> {
    const current = this.#options.current();
    if (current === undefined) throw new DataUnavailableError();
    const opening = this.#opening;
    const opened = await opening?.catch(() => undefined);
    if (opened === undefined) return undefined;
    const isOther = opened.data.generation !== current.generation && this.#pending === undefined;
    if (!opened.data.broken && !isOther) return opened;
    if (this.#opening === opening) this.#opening = undefined;
    leave(opened);
    return undefined;
  }

  /** Of a cluster that is being made.
   * @param infrastructureKey of one with double encryption
   * @returns the writes of its catalog */
  first(key: ClusterKey, infrastructureKey?: Uint8Array): readonly StateWrite[] {
    const { clusterId, randomBytes, secondLayer } = this.#options;
    const write = emptyCatalog({ clusterId, keys: dataKeysOf(1, key, this.#options), randomBytes });
    return [catalogWrite(clusterId, write.expect, write, secondLayer?.made(infrastructureKey))];
  }

  /** Lays out what a change of custody makes of the catalog; nothing of it counts until it is committed, and nobody else opens the data
   * before `adopt` or `forget`. An earlier one that still waits for its commit is forgotten.
   * @param database whose own key changes with it, with borrowed keys
   * @returns the writes of the commit
   * @throws CatalogDamagedError, ChangeEndedError */
  rewrap(
    old: ClusterKey,
    next: ClusterKey,
    change: Guid,
    database?: DatabaseKeyChange,
  ): Promise<readonly StateWrite[]> {
    const own = database && ownKeyChange(database);
    const planned = this.#planned.then(() => this.#plan({ old, next, change, own }));
    this.#planned = planned.catch(() => undefined);
    return planned;
  }

  async #plan(change: PlannedChange): Promise<readonly StateWrite[]> {
    this.forget();
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    this.#changing = { ended, end };
    try {
      return await this.#rewrap(change);
    } catch (error) {
      this.#ended();
      throw error;
    }
  }

  async #rewrap({ old, next, change, own }: PlannedChange): Promise<readonly StateWrite[]> {
    const { clusterId, store } = this.#options;
    const head = await store.get(headId);
    if (head === undefined) throw new CatalogDamagedError('it is not there');
    const { generation } = head.sealed;
    const [from, to] = [dataKeysOf(generation, old, this.#options), dataKeysOf(generation + 1, next, this.#options)];
    const open = await this.#opening?.catch(() => undefined);
    const usable = open !== undefined && !open.data.broken && open.data.generation === generation;
    const owner = usable ? open.data : await this.#openedApart(from, change);
    const rewrap = await owner.rewrap(to, rewrapBetween(from, to, own), change);
    const check = next.derive('check');
    if (own !== undefined) this.#options.databaseKeys.setAside(check, own);
    this.#pending = { rewrap, keys: to, check, isOpen: usable };
    const layer = await this.#options.secondLayer?.get();
    return rewrap.writes.map((write) => catalogWrite(clusterId, write.expect, write, layer));
  }

  /** Reading it may take long. */
  async #openedApart(keys: ProcessDataKeys, change: Guid): Promise<Catalog> {
    const { store } = this.#options;
    const atWork: CatalogStore = {
      get: (id) => store.get(id),
      commit: (...commit) => store.commit(...commit),
      beside: (during) => store.beside(during),
      load: async (after) => {
        await store.beside(change).atWork();
        return store.load(after);
      },
    };
    return (await Catalog.open({ ...this.#options, store: atWork, keys, now: () => this.#now })).catalog;
  }

  /** A key was committed. @param check of it; of another one than the change leads to that waits here, it is not that change's */
  adopt(check = this.#pending?.check): void {
    // Also when the data was closed meanwhile: it is opened with what is committed.
    const isKeyOfDatabase = check !== undefined && this.#options.databaseKeys.adopt(check);
    if (!this.#isPending(check)) return;
    const pending = this.#pending;
    this.#pending = undefined;
    this.#ended();
    if (pending === undefined) return;
    if (!pending.isOpen) {
      pending.rewrap.abandon(); // nobody reads that image
      return;
    }
    this.#keys = pending.keys;
    pending.rewrap.adopt();
    if (isKeyOfDatabase) void this.unlock();
  }

  /** A key was given up. @param check as for `adopt` */
  forget(check?: Uint8Array): void {
    if (check !== undefined) this.#options.databaseKeys.forgetAside(check);
    if (!this.#isPending(check)) return;
    this.#pending?.rewrap.abandon();
    this.#pending = undefined;
    this.#ended();
  }

  #isPending(check: Uint8Array | undefined): boolean {
    return check === undefined || (this.#pending !== undefined && Buffer.compare(this.#pending.check, check) === 0);
  }

  #ended(): void {
    this.#changing?.end();
    this.#changing = undefined;
  }

  /** For data that is open: databases that were deleted go, and merging and expiring goes on, behind the answer, one at a time.
   * The answer tells how far that has come. */
  upkeep({ now, dropped, destructionHeld, packsExtents }: SupervisorCalls['upkeep']): SupervisorReplies['upkeep'] {
    this.tell(instant(now));
    const opened = this.#openNow();
    if (opened === undefined || opened.data.broken) return { outcome: 'notOpen' };
    const { data } = opened;
    this.#maintain(data, { droppedDatabases: dropped, destructionHeld, packsExtents });
    const problems = data.upkeepProblems();
    return {
      outcome: 'done',
      removed: dropped.filter((databaseId) => !data.holdsDatabase(databaseId)),
      problems: { count: problems.length, first: problems.slice(0, problemsToldMax) },
    };
  }

  #maintain(data: OpenedClusterData, how: UpkeepOptions): void {
    if (this.#isMaintaining) return;
    this.#isMaintaining = true;
    const { clusterId, log } = this.#options;
    const run = async (): Promise<void> => {
      try {
        await data.maintain(how);
        for (const { step, table, error, times, unreadableExtents } of data.upkeepProblems()) {
          if (times % warnedEvery === 1)
            log?.warning('upkeep-failed', {
              ...{ clusterId, step, ...table, error, times },
              ...(unreadableExtents === undefined ? {} : { unreadableExtents }),
            });
        }
      } catch (error) {
        if (!(error instanceof CommitRefusedError)) log?.failure('upkeep-failed', error, { clusterId });
      } finally {
        this.#isMaintaining = false;
      }
    };
    void run();
  }

  /** Whether nothing goes on here, and what is to be known of the data while nobody has it open. */
  rest(): SupervisorReplies['rest'] {
    const opened = this.#openNow();
    const isOpening = opened === undefined && this.#opening !== undefined;
    if (this.#isMaintaining || this.#changing !== undefined || isOpening) return { outcome: 'busy' };
    if (opened === undefined || opened.data.broken) return { outcome: 'idle', upkeep: 'unknown', databaseBytes: [] };
    const { data } = opened;
    const dueAt = data.upkeepDueAt();
    return {
      outcome: 'idle',
      upkeep: dueAt === undefined ? {} : { dueAt },
      databaseBytes: data.databases().map(({ databaseId }) => ({ databaseId, bytes: data.databaseBytes(databaseId) })),
    };
  }

  /** Without waiting for data that is being opened. */
  #openNow(): Opened | undefined {
    return this.#opened?.opening === this.#opening ? this.#opened?.opened : undefined;
  }

  databaseBytes(databaseId: Guid): SupervisorReplies['databaseBytes'] {
    const opened = this.#openNow();
    return opened === undefined
      ? { outcome: 'notOpen' }
      : { outcome: 'known', bytes: opened.data.databaseBytes(databaseId) };
  }

  /** Keys of databases have come: their rows in the log are read. Data that cannot be read on is opened anew by whoever asks next, who
   * hears what is wrong. */
  async unlock(): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined);
    try {
      opened?.data.unlock();
    } catch {
      await this.dispose();
    }
  }

  /** Closes every opened extent; nothing is merged first. */
  async dispose(): Promise<void> {
    this.forget();
    const opened = await this.#opening?.catch(() => undefined);
    this.#opening = undefined;
    opened?.data.abandon();
    await opened?.files.dispose();
  }

  /** What is stored was put back to an earlier state, and the Kustody clock with it: who asks next opens it anew. */
  async putBack(now: Instant): Promise<void> {
    await this.dispose();
    this.#now = now;
  }

  async #open(generation: number, key: ClusterKey): Promise<Opened> {
    const parts = this.#parts;
    if (parts === undefined) throw new DataUnavailableError();
    const { clusterId, randomBytes, databaseKeys, store, pause, secondLayer, followed } = this.#options;
    const keys = dataKeysOf(generation, key, this.#options);
    this.#keys = keys;
    // The engine is large, and a process that only changes keys does without.
    const { openDataParts, twice } = await import('./open-data-parts.ts');
    const { data, files } = await openDataParts({
      ...{ clusterId, randomBytes, databaseKeys, store, pause, keys },
      parts: { ...parts, blobs: twice(followed?.blobs(parts.blobs) ?? parts.blobs, await secondLayer?.get()) },
      now: () => this.#now,
      wrappingKeys: () => {
        if (this.#keys === undefined) throw new DataUnavailableError();
        return this.#keys;
      },
    });
    followed?.follows((changed) => data.follow(changed));
    return { generation, data, files };
  }
}
