import type { Child, Entry, LeafItem, Page, PageRef } from './tree-page.ts';
import { childFor, pageItemsMax, placeOf } from './tree-page.ts';
import type { LoadPage } from './tree-reader.ts';

/** A page that is being changed; children that nobody has touched stay references. */
type Node =
  | {
      readonly kind: 'leaf';
      readonly page: number;
      readonly was: PageRef | undefined;
      items: LeafItem[];
      dirty: boolean;
    }
  | {
      readonly kind: 'inner';
      readonly page: number;
      readonly was: PageRef | undefined;
      items: Branch[];
      dirty: boolean;
    };

interface Branch {
  readonly key: string;
  to: PageRef | Node;
}

export interface TreeRoot {
  readonly root?: PageRef;
  /** The number of the next page that is made; numbers are not used again. */
  readonly next: number;
}

/** A page to write, or (`put` null) to remove. */
export interface PageWrite {
  readonly page: number;
  readonly was: PageRef | undefined;
  readonly put: Page | null;
}

/** Changes of one tree, in memory: touches one page a level for each key. Nothing is stored until `finish`. */
export class TreeEdit {
  readonly #load: LoadPage;
  readonly #removed: PageRef[] = [];
  #root: PageRef | Node | undefined;
  #next: number;
  #changed = false;

  constructor({ root, next }: TreeRoot, load: LoadPage) {
    this.#root = root;
    this.#next = next;
    this.#load = load;
  }

  get changed(): boolean {
    return this.#changed;
  }

  async find(key: string): Promise<Entry | undefined> {
    if (this.#root === undefined) return undefined;
    const path = await this.#descend(key);
    const leaf = path.at(-1);
    const item = leaf?.kind === 'leaf' ? leaf.items[placeOf(leaf.items, key)] : undefined;
    return item?.key === key ? item : undefined;
  }

  /** @param entry null: the key is gone */
  async set(key: string, entry: Entry | null): Promise<void> {
    this.#changed = true;
    this.#root ??= this.#made('leaf');
    const path = await this.#descend(key);
    for (const node of path) node.dirty = true;
    const leaf = path.at(-1);
    if (leaf?.kind !== 'leaf') return;
    const place = placeOf(leaf.items, key);
    const isThere = leaf.items[place]?.key === key;
    leaf.items.splice(
      place,
      isThere ? 1 : 0,
      ...(entry === null ? [] : [{ key, version: entry.version, tag: entry.tag }]),
    );
    this.#balance(path);
  }

  /** @param seal stores a page under its number and says how it is referred to
   * @returns the new root, and the pages that are not used any more */
  finish(
    seal: (write: PageWrite & { readonly put: Page }) => PageRef,
  ): TreeRoot & { readonly removed: readonly PageRef[] } {
    const settle = (to: PageRef | Node): PageRef => {
      if (!isNode(to)) return to;
      if (!to.dirty && to.was !== undefined) return to.was;
      const { page, was } = to;
      if (to.kind === 'leaf') return seal({ page, was, put: { kind: 'leaf', items: to.items } });
      const items = to.items.map(({ key, to: child }): Child => {
        const { page: number, version, tag } = settle(child);
        return { key, page: number, version, tag };
      });
      return seal({ page, was, put: { kind: 'inner', items } });
    };
    const root = this.#root === undefined ? {} : { root: settle(this.#root) };
    return { next: this.#next, removed: this.#removed, ...root };
  }

  /** The pages from the root to the leaf of a key, loaded. */
  async #descend(key: string): Promise<readonly Node[]> {
    if (this.#root === undefined) return [];
    let node = (this.#root = await this.#loaded(this.#root));
    const path = [node];
    while (node.kind === 'inner') {
      const branch: Branch | undefined = node.items[childFor(node.items, key)];
      if (branch === undefined) break;
      node = branch.to = await this.#loaded(branch.to);
      path.push(node);
    }
    return path;
  }

  async #loaded(to: PageRef | Node): Promise<Node> {
    if (isNode(to)) return to;
    const page = await this.#load(to);
    const rest = { page: to.page, was: to, dirty: false };
    if (page.kind === 'leaf') return { kind: 'leaf', ...rest, items: [...page.items] };
    return { kind: 'inner', ...rest, items: page.items.map((child) => ({ key: child.key, to: child })) };
  }

  /** Splits what is too long and takes out what is empty, from the leaf up. */
  #balance(path: readonly Node[]): void {
    for (let level = path.length - 1; level >= 0; level -= 1) {
      const node = path[level];
      if (node === undefined) return;
      const above = path[level - 1];
      if (node.items.length > pageItemsMax) this.#split(node, above);
      else if (node.items.length === 0) this.#takeOut(node, above);
      else if (level === 0 && node.kind === 'inner' && node.items.length === 1) this.#lower(node);
    }
  }

  /** Keys that only grow leave full pages behind. */
  #split(node: Node, above: Node | undefined): void {
    const parent = above ?? this.#made('inner');
    if (parent.kind !== 'inner') return;
    if (above === undefined) {
      parent.items.push({ key: '', to: node });
      this.#root = parent;
    }
    const isLast = parent.items.at(-1)?.to === node;
    const at = isLast ? node.items.length - (node.kind === 'leaf' ? 1 : 2) : node.items.length >> 1;
    const right = this.#made(node.kind);
    const moved = node.items.splice(at);
    (right.items as (LeafItem | Branch)[]).push(...moved);
    const place = parent.items.findIndex(({ to }) => to === node);
    parent.items.splice(place + 1, 0, { key: moved[0]?.key ?? '', to: right });
  }

  #takeOut(node: Node, above: Node | undefined): void {
    if (node.was !== undefined) this.#removed.push(node.was);
    if (above?.kind === 'inner') above.items = above.items.filter(({ to }) => to !== node);
    else this.#root = undefined;
  }

  #lower(node: Node): void {
    if (node.kind !== 'inner') return;
    if (node.was !== undefined) this.#removed.push(node.was);
    this.#root = node.items[0]?.to;
  }

  #made(kind: 'leaf' | 'inner'): Node {
    const page = this.#next++;
    return kind === 'leaf'
      ? { kind, page, was: undefined, items: [], dirty: true }
      : { kind, page, was: undefined, items: [], dirty: true };
  }
}

const isNode = (to: PageRef | Node): to is Node => 'kind' in to;
