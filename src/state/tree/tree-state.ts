import { RecentMap } from '../../base/recent-map.ts';
import type { RecordSeal } from '../record-seal.ts';
import { SealedRecordError } from '../record-seal.ts';
import type { RecordWrite, StateStore, StoredRecord } from '../state-store.ts';
import { TreeEdit } from './tree-edit.ts';
import type { LeafItem, Page, PageRef } from './tree-page.ts';
import type { LoadPage } from './tree-reader.ts';
import { entriesIn } from './tree-reader.ts';
import type { Head, Top } from './tree-records.ts';
import { headId, headTable, ownerOfHead, pageTable, topOwner, TreeRecords } from './tree-records.ts';

/** The state as a whole is not the one that was written last. */
export class StateRolledBackError extends Error {
  override readonly name = 'StateRolledBackError';
  constructor(how: string) {
    super(`The state is not the one that was written last: ${how}.`);
  }
}

/** Every head that is current. An owner that is `damaged` fails closed until the state is accepted. */
export interface Heads {
  readonly top: Top;
  readonly owners: ReadonlyMap<string, Head | 'damaged'>;
}

/** What the top says of anchors. */
export type Lineage = Pick<Top, 'anchored' | 'lineage'>;

/** Changes of the trees of some owners, to be committed together. */
export interface TreeChange {
  readonly writes: readonly RecordWrite[];
  readonly heads: Heads;
  readonly pages: ReadonlyMap<string, Page>;
}

/** A page holds up to 48 entries: some 40 MB. */
const cachedPagesMax = 4_096;
const headsPage = 1_000;

/** The digest trees of all owners, and the tree over their heads. Pages are read when they are needed and kept under their tag, so
 * a page that is kept is never out of date. */
export class TreeState {
  readonly records: TreeRecords;
  readonly #store: StateStore;
  readonly #pages = new RecentMap<string, Page>(cachedPagesMax);

  constructor(store: StateStore, seal: RecordSeal) {
    this.#store = store;
    this.records = new TreeRecords(store, seal);
  }

  loader(owner: string): LoadPage {
    return async (ref) => {
      const name = pageName(owner, ref);
      const known = this.#pages.get(name);
      if (known !== undefined) return known;
      const page = await this.records.page(owner, ref);
      this.#pages.set(name, page);
      return page;
    };
  }

  edit(owner: string, head: Head | undefined): TreeEdit {
    return new TreeEdit(head ?? { next: 1 }, this.loader(owner));
  }

  /** Reads the heads of all owners and holds them against the top: not a record of any of them.
   * @throws StateRolledBackError when the top is older than a head, or is not there */
  async loadHeads(): Promise<Heads> {
    const top = await this.records.top();
    if (top === undefined) throw new StateRolledBackError('the digest over all owners is gone or damaged');
    const known = new Map<string, LeafItem>();
    const all = { prefix: '', after: undefined, limit: Infinity };
    try {
      for (const item of await entriesIn(top.root, all, this.loader(topOwner))) known.set(item.key, item);
    } catch (error) {
      if (!(error instanceof SealedRecordError)) throw error;
      throw new StateRolledBackError(`the digest over all owners is damaged (${error.table}/${error.id})`);
    }
    const owners = new Map<string, Head | 'damaged'>([...known.keys()].map((owner) => [owner, 'damaged']));
    for (const record of await this.#allHeads()) {
      const owner = ownerOfHead(record.id);
      if (owner === topOwner) continue;
      const head = this.#opened(record);
      if (head !== undefined && head.version > top.version)
        throw new StateRolledBackError(`the digest over all owners is older than the one of ${owner}`);
      const meant = known.get(owner);
      owners.set(owner, head !== undefined && head.tag === meant?.tag ? head : 'damaged');
    }
    return { top, owners };
  }

  /** Everything that one commit must write for the trees it changes, besides the records themselves.
   * @param dropped an owner without a tree */
  async change(
    from: Heads,
    edits: ReadonlyMap<string, TreeEdit>,
    lineage: Lineage,
    dropped?: string,
  ): Promise<TreeChange> {
    const version = from.top.version + 1;
    const writes: RecordWrite[] = [];
    const pages = new Map<string, Page>();
    const owners = new Map(from.owners);
    const above = this.edit(topOwner, from.top);
    const nextNonce = this.records.nonces();
    if (dropped !== undefined && (await above.find(dropped)) !== undefined) await above.set(dropped, null);
    const finish = (owner: string, edit: TreeEdit) => {
      const { removed, ...root } = edit.finish(({ page, was, put }) => {
        const sealed = this.records.sealPage(owner, page, was, version, put, nextNonce());
        writes.push(...sealed.writes);
        pages.set(pageName(owner, sealed.ref), put);
        return sealed.ref;
      });
      for (const ref of removed)
        writes.push(...this.records.removed(pageTable, `${owner}/${ref.page}`, ref.version, owner === topOwner));
      return root;
    };
    for (const [owner, edit] of edits) {
      if (!edit.changed) continue;
      const known = from.owners.get(owner);
      const was = known === 'damaged' ? undefined : known;
      const { root, next } = finish(owner, edit);
      if (root === undefined) {
        if (was !== undefined) {
          writes.push(...this.records.removed(headTable, headId(owner), was.version));
          await above.set(owner, null);
        }
        owners.delete(owner);
        continue;
      }
      const sealed = this.records.sealHead(owner, was, version, { root, next }, nextNonce());
      writes.push(...sealed.writes);
      await above.set(owner, sealed.head);
      owners.set(owner, sealed.head);
    }
    const whole = { ...finish(topOwner, above), ...lineage };
    const { top, writes: topWrites } = this.records.sealTop(from.top, version, whole, nextNonce());
    return { writes: [...writes, ...topWrites], heads: { top, owners }, pages };
  }

  /** After the change is durable. */
  keep(change: TreeChange): void {
    for (const [name, page] of change.pages) this.#pages.set(name, page);
  }

  #opened(record: StoredRecord): Head | undefined {
    try {
      return this.records.openHead(record);
    } catch (error) {
      if (error instanceof SealedRecordError) return undefined;
      throw error;
    }
  }

  async #allHeads(): Promise<readonly StoredRecord[]> {
    const all: StoredRecord[] = [];
    for (;;) {
      const after = all.at(-1)?.id;
      const page = await this.#store.list(headTable, { limit: headsPage, ...(after === undefined ? {} : { after }) });
      all.push(...page);
      if (page.length < headsPage) return all;
    }
  }
}

const pageName = (owner: string, { page, tag }: PageRef): string => `${owner}/${page}/${tag}`;
