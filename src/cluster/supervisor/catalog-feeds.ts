import type { Guid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import type { StateWrite } from '../../state/state.ts';
import { saysWhoMay } from '../../database/catalog/kept-access.ts';
import { clusterCatalogTable } from '../process/remote-catalog-store.ts';
import type { CatalogChangesReply, ChangedRecord } from '../messages/catalog-changes.ts';

/** Of each cluster that is read elsewhere. */
export const feedLimits = { recordsMax: 50_000, charactersMax: 32 * 1024 * 1024 };

interface Commit {
  readonly records: readonly ChangedRecord[];
  readonly characters: number;
}

interface Feed {
  /** The last ones. */
  readonly commits: Commit[];
  /** So many there were. */
  at: number;
  /** Where the last one is that changed who may read or do what. */
  accessAt: number;
  records: number;
  characters: number;
}

/** What was committed last to the catalogs of clusters that other nodes read, so that these hear of it without reading all. It begins with the first
 * reader; each commit is noted before whoever made it hears that it is durable. */
export class CatalogFeeds {
  readonly #feeds = new Map<Guid, Feed>();
  readonly #limits: typeof feedLimits;

  constructor(limits = feedLimits) {
    this.#limits = limits;
  }

  note(clusterId: Guid, write: readonly StateWrite[]): void {
    const feed = this.#feeds.get(clusterId);
    if (feed === undefined) return;
    const records = write
      .filter(({ table }) => table.name === clusterCatalogTable.name)
      .map(({ id, put }): ChangedRecord => ({ id, value: put as Json }));
    if (records.length === 0) return;
    const characters = records.reduce((sum, { id, value }) => sum + id.length + charactersOf(value), 0);
    feed.at += 1;
    if (records.some(({ id }) => saysWhoMay(recordOf(clusterId, id)))) feed.accessAt = feed.at;
    feed.commits.push({ records, characters });
    feed.records += records.length;
    feed.characters += characters;
    while (feed.records > this.#limits.recordsMax || feed.characters > this.#limits.charactersMax) {
      const first = feed.commits.shift();
      if (first === undefined) return;
      feed.records -= first.records.length;
      feed.characters -= first.characters;
    }
  }

  /** @param after what an earlier answer gave; undefined: nothing is known yet */
  read(clusterId: Guid, after: number | undefined): Exclude<CatalogChangesReply, { outcome: 'ended' }> {
    const feed = this.#feeds.get(clusterId) ?? { commits: [], at: 1, accessAt: 1, records: 0, characters: 0 };
    this.#feeds.set(clusterId, feed);
    const { at, accessAt, commits } = feed;
    if (after === undefined) return { outcome: 'changes', at, accessAt, commits: [] };
    const missing = at - after;
    if (missing < 0 || missing > commits.length) return { outcome: 'reload' };
    return {
      ...{ outcome: 'changes', at, accessAt },
      commits: commits.slice(commits.length - missing).map(({ records }) => records),
    };
  }

  /** Nobody reads it elsewhere any more. */
  forget(clusterId: Guid): void {
    this.#feeds.delete(clusterId);
  }
}

/** As the catalog names it, on whichever side of it. */
function recordOf(clusterId: Guid, id: string): string {
  const own = id.slice(clusterId.length + 1);
  return own.startsWith('~') ? own.slice(own.indexOf('/') + 1) : own;
}

const charactersOf = (value: Json): number =>
  typeof value === 'object' && value !== null && 'sealed' in value && typeof value.sealed === 'string'
    ? value.sealed.length
    : 0;
