import type { RandomBytes } from '../../base/random.ts';
import type { Guid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import type { CatalogBeside, CatalogStore, CatalogWrite, SealedRecord } from './catalog-store.ts';
import { addElement, CatalogDamagedError, CatalogSeal, takeElement } from './catalog-seal.ts';
import type { Entry, KnownHead, Rewrapped } from './catalog-entries.ts';
import { entryOf, isEntry, pagesOf, rewrapPage, takesAway, withHead } from './catalog-entries.ts';
import type { FollowedCommits, FollowedRecord } from './catalog-follow.ts';
import { openFollowed } from './catalog-follow.ts';
import { CommitRefusedError } from './data-error.ts';
import type { DataKeys, Rewrap } from './data-keys.ts';
import { CatalogDraft } from './catalog-draft.ts';
import { CatalogImage } from './image.ts';
import { clusterSettingsId } from './cluster-setting.ts';
import type { IngestedAt } from './ingestion-order.ts';
import { IngestionOrder } from './ingestion-order.ts';
import { changesNames } from './materialized-view.ts';
import type { Asking, Journal } from './journal.ts';
import { createJournal, requesterNow } from './journal.ts';
import type { LogWriter, PreparedLog } from './log-writer.ts';
import { loadCatalog } from './load-catalog.ts';
import type { CatalogRecord } from './records.ts';
import { pagesChanged, storedChanges } from './stored-changes.ts';
import { encodeRecord } from './record-coding.ts';
import { headId } from './records.ts';

export interface CatalogOptions {
  readonly clusterId: string;
  readonly keys: DataKeys;
  readonly store: CatalogStore;
  readonly randomBytes: RandomBytes;
  readonly now: () => Instant;
  /** Waits a little before a commit is tried again. */
  readonly pause: () => Promise<void>;
  /** At most 256, which it is when it is absent. */
  readonly extentsPerPage?: number;
}

/** Another commit of the same changes may succeed. */
class CustodyChangingError extends Error {
  override readonly name = 'CustodyChangingError';
}

interface Waiting {
  attempts: number;
  readonly by: Asking;
  plan(draft: CatalogDraft): unknown;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** The result of planning a change of custody. */
export interface CatalogRewrap {
  /** Of the head alone: everything else is durable. */
  readonly writes: readonly CatalogWrite[];
  /** The writes are committed: from this moment on the catalog names the new wraps. */
  adopt(): void;
  abandon(): void;
}

const changesPerGroupMax = 500;
/** A group that has so many gets no further change, so that a commit takes a moment only. Who changes more takes several. */
const recordsPerGroup = 2_000;
/** A page of extents takes as long as many records. */
const pagesPerGroup = 8;
/** A change of custody takes seconds. */
const attemptsMax = 1_500;

/** The catalog of a cluster: an image in memory, and changes to it that are sealed and committed in groups. There is one writer:
 * every commit replaces the head record, so a second process that writes is noticed by both. */
export class Catalog {
  readonly image = new CatalogImage();
  readonly #options: CatalogOptions;
  readonly #order: IngestionOrder;
  readonly #journal: Journal;
  #entries = new Map<string, Entry>();
  #seal: CatalogSeal;
  #keys: DataKeys;
  #sum = 0n;
  #head: KnownHead | undefined;
  #log: LogWriter | undefined;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #paused: Promise<void> | undefined;
  #broken = false;
  #schemaVersion = 0;

  /** @returns also the log records, still sealed, in the order of their ids
   * @throws CatalogDamagedError */
  static async open(options: CatalogOptions): Promise<{ catalog: Catalog; log: ReadonlyMap<string, SealedRecord> }> {
    const catalog = new Catalog(options);
    const log = await catalog.#load();
    return { catalog, log };
  }

  private constructor(options: CatalogOptions) {
    this.#options = options;
    this.#keys = options.keys;
    this.#order = new IngestionOrder(options.now);
    this.#journal = createJournal(this.image, options.randomBytes, options.now);
    this.#seal = new CatalogSeal(options.clusterId, options.keys, options.randomBytes);
  }

  /** Commits nothing but a new head: from here on a second process that still writes fails. */
  async fence(): Promise<void> {
    await this.change((draft) => {
      draft.fence();
    });
  }

  /** Counts changes of names, columns and functions. */
  get schemaVersion(): number {
    return this.#schemaVersion;
  }

  /** Of the newest rows that can be read. */
  get ingestedTo(): IngestedAt {
    return this.#order.committed;
  }

  /** It can make no change any more, because nobody knows what is stored. */
  get broken(): boolean {
    return this.#broken;
  }

  get keys(): DataKeys {
    return this.#keys;
  }

  useLog(log: LogWriter): void {
    this.#log = log;
  }

  /** Plans a change on the catalog as it will be when the commits under way are done, and commits it.
   * @param plan runs once, without waiting for anything; what it throws ends this change only
   * @returns what `plan` returned, once durable
   * @throws CommitRefusedError when nothing was changed because the cluster may not */
  change<T>(plan: (draft: CatalogDraft) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const by = requesterNow();
      this.#waiting.push({ attempts: 0, by, plan, resolve: (result) => resolve(result as T), reject });
      this.#start();
    });
  }

  /** Seals everything anew under the next generation of the cluster key. No change is committed until the result is adopted or abandoned.
   * Order: what an earlier change has left beside goes → all records beside, a page in each commit → the head, in the commit of the change
   * (the caller's). Before that commit nothing of it counts; what lies on the other side afterwards is for the caller to clear.
   * @throws CatalogDamagedError when another process has written meanwhile; ChangeEndedError */
  async rewrap(next: DataKeys, rewrap: Rewrap, change: Guid): Promise<CatalogRewrap> {
    const release = await this.#pause();
    if (this.#broken) {
      release();
      throw new CommitRefusedError('conflict');
    }
    const seal = new CatalogSeal(this.#options.clusterId, next, this.#options.randomBytes);
    try {
      const beside = this.#options.store.beside(change);
      const after: Rewrapped = { entries: new Map(), records: new Map(), sum: 0n };
      const version = await this.#layOut(beside, { seal, rewrap }, after);
      const head = this.#sealedHead(seal, after.sum, this.#order.committed);
      return {
        writes: await beside.takeOver(version, head),
        adopt: () => {
          beside.taken();
          this.#adopt(after, head, seal, next);
          release();
        },
        abandon: () => {
          seal.close();
          release();
        },
      };
    } catch (error) {
      seal.close();
      release();
      throw error;
    }
  }

  /** Takes over what another process has committed. This one commits nothing itself. @param changed whole commits, in their order
   * @returns what is new of the log and of other records @throws CatalogDamagedError; nothing was taken over then */
  follow(changed: readonly FollowedRecord[]): Pick<FollowedCommits, 'log' | 'records'> {
    const known = { entries: this.#entries, sum: this.#sum, head: this.#head };
    const { entries, records, log, head, sum, ingestedTo } = openFollowed(this.#seal, known, changed);
    for (const [id, entry] of entries)
      if (entry === null) this.#entries.delete(id);
      else this.#entries.set(id, entry);
    this.#sum = sum;
    this.#head = head;
    this.#show(records);
    this.#order.load(ingestedTo, this.image.everything());
    return { log, records };
  }

  /** Waits for the commit under way, if any. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Waits for the changes under way. */
  async close(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    this.#seal.close();
  }

  #start(): void {
    if (this.#running !== undefined || this.#paused !== undefined) return;
    // Whatever comes in during this turn of the event loop shares the commit.
    this.#running = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#flush())
      .finally(() => {
        this.#running = undefined;
        if (this.#waiting.length > 0) this.#start();
      });
  }

  async #pause(): Promise<() => void> {
    while (this.#paused !== undefined) await this.#paused;
    let release = (): void => undefined;
    this.#paused = new Promise<void>((resolve) => {
      release = () => {
        this.#paused = undefined;
        resolve();
        if (this.#waiting.length > 0) this.#start();
      };
    });
    await this.#running;
    return release;
  }

  /** Order: plans → the time of ingestion → log records and seals → one commit with the head → image and waiting callers. */
  async #flush(): Promise<void> {
    const draft = new CatalogDraft(this.image);
    const planned: { readonly waiting: Waiting; readonly result: unknown }[] = [];
    const pages = new Set<CatalogRecord>();
    for (let taken = 0; taken < changesPerGroupMax; taken += 1) {
      const hasRoom =
        draft.changes.size + draft.logDeletes.size + draft.packed.length < recordsPerGroup &&
        pages.size < pagesPerGroup;
      const waiting = hasRoom ? this.#waiting.shift() : undefined;
      if (waiting === undefined) break;
      try {
        if (this.#broken) throw new CommitRefusedError('conflict');
        const own = new CatalogDraft(draft);
        const result = waiting.plan(own);
        this.#journal.note(own, draft, waiting.by);
        draft.merge(own);
        for (const page of pagesChanged(own.changes, this.image)) pages.add(page);
        planned.push({ waiting, result });
      } catch (error) {
        waiting.reject(error);
      }
    }
    if (planned.length === 0) return;
    let log: PreparedLog | undefined;
    let ingestedAt = this.#order.committed;
    try {
      draft.ingested(() => (ingestedAt = this.#order.next()));
      log = this.#log?.prepare(draft, this.#keys);
      if (draft.changes.size > 0 || draft.logDeletes.size > 0 || draft.packed.length > 0 || draft.fenced)
        await this.#commit(draft, log, ingestedAt);
    } catch (error) {
      log?.failed();
      if (error instanceof CustodyChangingError) return this.#again(planned.map(({ waiting }) => waiting));
      for (const { waiting } of planned) waiting.reject(error);
      return;
    }
    for (const { waiting, result } of planned) waiting.resolve(result);
  }

  /** The changes are planned anew, before those that came later. */
  async #again(group: readonly Waiting[]): Promise<void> {
    const patient = group.filter((waiting) => {
      waiting.attempts += 1;
      if (waiting.attempts >= attemptsMax) waiting.reject(new CommitRefusedError('suspended'));
      return waiting.attempts < attemptsMax;
    });
    this.#waiting.unshift(...patient);
    await this.#options.pause();
  }

  async #commit(draft: CatalogDraft, log: PreparedLog | undefined, ingestedTo: IngestedAt): Promise<void> {
    const puts = new Map<string, SealedRecord | null>(log?.writes);
    for (const id of draft.logDeletes) puts.set(id, null);
    const changes = storedChanges(draft, this.image, this.#options);
    for (const [id, record] of changes) {
      const revision = (this.#entries.get(id)?.revision ?? 0) + 1;
      puts.set(id, record === null ? null : this.#seal.seal(id, revision, encodeRecord(record)));
    }
    const writes: CatalogWrite[] = [];
    let sum = this.#sum;
    for (const [id, put] of puts) {
      const before = this.#entries.get(id);
      if (before === undefined && put === null) continue;
      writes.push({ id, expect: before?.version ?? null, put });
      if (before !== undefined) sum = takeElement(sum, this.#seal.element(id, before));
      if (put !== null) sum = addElement(sum, this.#seal.element(id, entryOf(put, 0)));
    }
    const head = this.#sealedHead(this.#seal, sum, ingestedTo);
    writes.push({ id: headId, expect: null, put: head });
    const versions = await this.#store(
      writes,
      !log?.writes.size && draft.packed.length === 0 && takesAway(draft, this.#entries),
    );
    writes.forEach(({ id, put }, index) => this.#remember(id, put, versions[index] ?? 0));
    this.#sum = sum;
    this.#show(changes);
    log?.committed(); // in the same turn: whoever sees the image sees the log of the same moment
    this.#order.commit(ingestedTo);
  }

  #show(changes: ReadonlyMap<string, CatalogRecord | null>): void {
    const isAboutNames = changesNames(changes, this.image);
    for (const [id, record] of changes) this.image.apply(id, record);
    if (isAboutNames || changes.has(clusterSettingsId)) this.#schemaVersion += 1;
  }

  async #store(writes: readonly CatalogWrite[], takesAway: boolean): Promise<readonly number[]> {
    try {
      const { store } = this.#options;
      const answer = await store.commit(await withHead(writes, this.#head, store), takesAway);
      if (answer.outcome === 'committed') return answer.versions;
      if (answer.outcome === 'refused') throw new CommitRefusedError(answer.reason);
      if (answer.outcome === 'full') throw new CommitRefusedError('storageFull');
      if (answer.outcome === 'changing') throw new CustodyChangingError('The custody of the cluster is changing.');
      throw new CommitRefusedError('conflict');
    } catch (error) {
      // After anything but a plain refusal the image may no longer be what is stored: it is not used for another change.
      if (error instanceof CustodyChangingError) throw error;
      if (!(error instanceof CommitRefusedError) || error.reason === 'conflict') this.#broken = true;
      throw error;
    }
  }

  #sealedHead(seal: CatalogSeal, sum: bigint, ingestedTo: IngestedAt): SealedRecord {
    const head = { kind: 'head', sum: sum.toString(16), ...(ingestedTo > 0 && { ingestedTo }) } as const;
    return seal.seal(headId, (this.#head?.revision ?? 0) + 1, encodeRecord(head));
  }

  #remember(id: string, put: SealedRecord | null, version: number): void {
    if (put === null) this.#entries.delete(id);
    else if (id === headId) this.#head = entryOf(put, version);
    else this.#entries.set(id, entryOf(put, version));
  }

  async #load(): Promise<ReadonlyMap<string, SealedRecord>> {
    const { entries, sum, head, ingestedTo, log } = await loadCatalog(this.#options.store, this.#seal, this.image);
    this.#entries = entries;
    this.#sum = sum;
    this.#head = head;
    this.#order.load(ingestedTo, this.image.everything());
    return log;
  }

  /** @returns the version of the head in use */
  async #layOut(
    beside: CatalogBeside,
    how: { readonly seal: CatalogSeal; readonly rewrap: Rewrap },
    after: Rewrapped,
  ): Promise<number> {
    await beside.clear();
    let version: number | undefined;
    for await (const page of pagesOf((last) => this.#options.store.load(last))) {
      for (const { id, version: now, sealed } of page) {
        const entry = this.#entries.get(id);
        const isKnown = id === headId ? this.#head?.revision === sealed.revision : entry && isEntry(entry, sealed);
        if (isKnown !== true) throw new CatalogDamagedError('another process has written');
        if (id === headId) version = now;
      }
      const records = page.filter(({ id }) => id !== headId);
      if (records.length > 0) await beside.add(await rewrapPage(records, this.image, how, after));
    }
    let count = 0;
    // Their versions are not known before.
    for await (const page of pagesOf((last) => beside.load(last))) {
      for (const { id, version: first } of page) {
        const entry = after.entries.get(id);
        if (entry !== undefined) after.entries.set(id, { ...entry, version: first });
      }
      count += page.length;
      await beside.atWork();
    }
    if (version === undefined || count !== this.#entries.size) throw new CatalogDamagedError('records are missing');
    return version;
  }

  #adopt({ entries, records, sum }: Rewrapped, head: SealedRecord, seal: CatalogSeal, next: DataKeys): void {
    this.#seal.close();
    this.#seal = seal;
    this.#keys = next;
    this.#sum = sum;
    this.#entries = entries;
    this.#remember(headId, head, 0);
    this.image.rewrapped(records);
  }
}
