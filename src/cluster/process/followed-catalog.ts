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
  readonly monotonicMs: () => number;
}

/** What was committed since, asked with something else. */
export interface AskedChanges {
  readonly call: CatalogChangesCall;
  /** @returns whether all is in use that was committed before the question; false: the answer does not say
   * @throws as `FollowedCatalog.current` */
  take(reply: CatalogChangesReply): Promise<boolean>;
  /** Whether what is in use may answer whoever takes what is a little old: nothing newer says who may read or do what. */
  isRecent(reply: CatalogChangesReply): boolean;
}

/** As long as the lease of a node. */
export const weakLagMs = 5_000;

const pageRecords = 1_000;

/** The catalog of a cluster that another process writes. Nothing is ever written from here. */
export class FollowedCatalog {
  readonly #options: FollowedCatalogOptions;
  #at: number | undefined;
  #side: CatalogSide = '';
  #apply: ((changed: readonly FollowedRecord[]) => void) | undefined;
  /** When it was asked what is in use now: that was the newest then. */
  #confirmedMs = -Infinity;
  /** The last change that has begun, or waits. */
  #turn: Promise<unknown> = Promise.resolve();
  /** A look that has not begun, for all who come until then. */
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
      if (error instanceof BlobNotFoundError && this.#apply !== undefined) await this.current();
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

  /** A question that is about to be put. */
  asking(): AskedChanges {
    const after = this.#apply === undefined ? undefined : this.#at;
    const askedMs = this.#options.monotonicMs();
    return {
      call: after === undefined ? {} : { after },
      take: (reply) => this.#inTurn(() => this.#takeOver(reply, after, askedMs)),
      isRecent: (reply) =>
        reply.outcome === 'changes' &&
        this.#apply !== undefined &&
        (this.#at ?? -1) >= reply.accessAt &&
        this.#options.monotonicMs() - this.#confirmedMs < weakLagMs,
    };
  }

  /** Resolves when all is taken over that was committed before the call. Whoever comes while a look goes on waits for the next.
   * @throws CatalogLeftBehindError, CatalogDamagedError: to be read anew; CatalogEndedError */
  current(): Promise<void> {
    this.#next ??= this.#inTurn(async () => {
      this.#next = undefined;
      const [after, askedMs] = [this.#at, this.#options.monotonicMs()];
      const reply = await this.#options.ask(after === undefined ? {} : { after });
      if (!(await this.#takeOver(reply, after, askedMs))) throw new CatalogLeftBehindError();
    });
    return this.#next;
  }

  /** One change after the other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** @param after where the question was put from @returns whether it is as of the question now; false: it is to be asked from where it is */
  async #takeOver(reply: CatalogChangesReply, after: number | undefined, askedMs: number): Promise<boolean> {
    if (reply.outcome === 'ended') throw new CatalogEndedError();
    const [apply, at] = [this.#apply, this.#at];
    if (apply === undefined || at === undefined) throw new CatalogLeftBehindError(); // it is being read anew
    if (after === undefined || at < after) return false;
    if (reply.outcome === 'reload') {
      if (at === after) throw new CatalogLeftBehindError();
      return false;
    }
    if (reply.at > at) {
      // Others have brought some of it.
      const changed = await this.#read(reply.commits.slice(at - after));
      if (this.#apply !== apply) throw new CatalogLeftBehindError();
      this.#at = reply.at;
      if (changed.length > 0) apply(changed);
    }
    this.#confirmedMs = Math.max(this.#confirmedMs, askedMs);
    return true;
  }

  async #read(commits: readonly (readonly ChangedRecord[])[]): Promise<readonly FollowedRecord[]> {
    const layer = await this.#options.secondLayer();
    const prefix = `${this.#options.clusterId}/${this.#side}`;
    return commits.flat().flatMap(({ id, value }): FollowedRecord[] => {
      const own = id.startsWith(prefix) ? id.slice(prefix.length) : '~';
      return own.startsWith('~') ? [] : [{ id: own, version: 0, sealed: sealedRecordAt(id, value, layer) }];
    });
  }

  /** While nothing is in use. */
  async #changes(): Promise<readonly FollowedRecord[]> {
    const askedMs = this.#options.monotonicMs();
    const reply = await this.#options.ask(this.#at === undefined ? {} : { after: this.#at });
    if (reply.outcome === 'ended') throw new CatalogEndedError();
    if (reply.outcome === 'reload') throw new CatalogLeftBehindError();
    const changed = await this.#read(reply.commits);
    this.#at = reply.at;
    this.#confirmedMs = askedMs;
    return changed;
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
