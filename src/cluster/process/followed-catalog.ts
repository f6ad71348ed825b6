import type { Guid } from '../../base/guid.ts';
import type { CatalogStore, StoredCatalogRecord } from '../../database/catalog/catalog-store.ts';
import type { FollowedRecord } from '../../database/catalog/catalog-follow.ts';
import type { BlobStore } from '../../storage/blob-store.ts';
import { BlobNotFoundError } from '../../storage/blob-store.ts';
import type { State } from '../../state/state.ts';
import type { CatalogChangesCall, CatalogChangesReply, ChangedRecord } from '../messages/catalog-changes.ts';
import type { AskSecondLayer, CatalogSide } from './remote-catalog-store.ts';
import { sealedRecordAt, sideInUse } from './remote-catalog-store.ts';

/** The catalog cannot be followed from where it was read: it is to be read anew. */
export class CatalogLeftBehindError extends Error {
  override readonly name = 'CatalogLeftBehindError';
}

/** This process may not read it any more. */
export class CatalogEndedError extends Error {
  override readonly name = 'CatalogEndedError';
}

export interface FollowedCatalogOptions {
  readonly clusterId: Guid;
  /** As the process that writes it has it. */
  readonly store: CatalogStore;
  readonly state: Pick<State, 'get'>;
  readonly ask: (call: CatalogChangesCall) => Promise<CatalogChangesReply>;
  readonly secondLayer: AskSecondLayer;
}

const pageRecords = 1_000;

/** The catalog of a cluster that another process writes. Nothing is ever written from here. */
export class FollowedCatalog {
  readonly #options: FollowedCatalogOptions;
  #at: number | undefined;
  #side: CatalogSide = '';
  #apply: ((changed: readonly FollowedRecord[]) => void) | undefined;
  /** A look that has begun. */
  #looking: Promise<unknown> = Promise.resolve();
  /** One that has not, for all who come until then. */
  #next: Promise<void> | undefined;

  constructor(options: FollowedCatalogOptions) {
    this.#options = options;
  }

  /** The catalog as of one moment, although somebody writes meanwhile: order: where the changes are → all records → what has changed since. */
  readonly store: CatalogStore = {
    load: async (after) => {
      if (after === undefined) this.#page = pages(await this.#snapshot());
      return this.#page?.() ?? [];
    },
    get: (id) => this.#options.store.get(id),
    commit: () => Promise.resolve({ outcome: 'refused', reason: 'suspended' }),
    beside: () => {
      throw new Error('A process that only reads a catalog changes no custody.');
    },
  };
  #page: (() => readonly StoredCatalogRecord[]) | undefined;

  /** What was read is in use. @param apply takes over what is committed from then on; throws when it does not fit */
  follows(apply: (changed: readonly FollowedRecord[]) => void): void {
    this.#page = undefined;
    this.#apply = apply;
  }

  /** What is gone there was merged, or dropped, by whoever writes: the catalog is looked at before that is told, so that who asks again finds what
   * came in its place. */
  blobs(store: BlobStore): BlobStore {
    const looked = async (error: unknown): Promise<never> => {
      if (error instanceof BlobNotFoundError) await this.current();
      throw error;
    };
    return {
      write: () => Promise.reject(new Error('A process that only reads a catalog writes no extent.')),
      delete: () => Promise.reject(new Error('A process that only reads a catalog deletes no extent.')),
      list: (prefix) => store.list(prefix),
      read: (name, range) => store.read(name, range),
      readInto: (name, offset, target) => store.readInto(name, offset, target).catch(looked),
    };
  }

  /** Resolves when all is taken over that was committed before the call. Whoever comes while a look goes on waits for the next.
   * @throws CatalogLeftBehindError, CatalogDamagedError: to be read anew; CatalogEndedError */
  current(): Promise<void> {
    this.#next ??= this.#looking.then(() => {
      this.#next = undefined;
      const look = this.#look();
      this.#looking = look.catch(() => undefined);
      return look;
    });
    return this.#next;
  }

  async #look(): Promise<void> {
    const changed = await this.#changes();
    if (changed.length > 0) this.#apply?.(changed);
  }

  async #changes(): Promise<readonly FollowedRecord[]> {
    const reply = await this.#options.ask(this.#at === undefined ? {} : { after: this.#at });
    if (reply.outcome === 'ended') throw new CatalogEndedError();
    if (reply.outcome === 'reload') throw new CatalogLeftBehindError();
    const layer = await this.#options.secondLayer();
    const { clusterId } = this.#options;
    const prefix = `${clusterId}/${this.#side}`;
    const read = ({ id, value }: ChangedRecord): FollowedRecord[] => {
      const own = id.startsWith(prefix) ? id.slice(prefix.length) : '~';
      return own.startsWith('~') ? [] : [{ id: own, version: 0, sealed: sealedRecordAt(id, value, layer) }];
    };
    const records = reply.records.flatMap(read);
    this.#at = reply.at;
    return records;
  }

  async #snapshot(): Promise<readonly StoredCatalogRecord[]> {
    const { store, state, clusterId } = this.#options;
    this.#apply = undefined;
    this.#at = undefined;
    await this.#changes();
    this.#side = await sideInUse(state, clusterId);
    const records = new Map<string, StoredCatalogRecord>();
    for (let after: string | undefined; ;) {
      const page = await store.load(after);
      for (const record of page) records.set(record.id, record);
      after = page.at(-1)?.id;
      if (after === undefined) break;
    }
    for (const { id, version, sealed } of await this.#changes())
      if (sealed === null) records.delete(id);
      else records.set(id, { id, version, sealed });
    return [...records.values()].sort((left, right) => (left.id < right.id ? -1 : 1));
  }
}

function pages(records: readonly StoredCatalogRecord[]): () => readonly StoredCatalogRecord[] {
  let at = 0;
  return () => {
    const page = records.slice(at, at + pageRecords);
    at += page.length;
    return page;
  };
}
