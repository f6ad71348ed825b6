import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TreeEdit } from './tree-edit.ts';
import type { TreeRoot } from './tree-edit.ts';
import type { Entry, Page, PageRef } from './tree-page.ts';
import { compareKeys, decodePage, encodePage, pageItemsMax } from './tree-page.ts';
import { entriesIn, findEntry } from './tree-reader.ts';

/** A tree whose pages lie in a map; counts what is read and written. */
function testTree() {
  const pages = new Map<number, { readonly tag: string; readonly bytes: Buffer }>();
  let tree: TreeRoot = { next: 1 };
  let writes = 0;
  let reads = 0;
  const load = (ref: PageRef): Promise<Page> => {
    reads += 1;
    const stored = pages.get(ref.page);
    const page = stored?.tag === ref.tag ? decodePage(stored.bytes) : undefined;
    if (page === undefined) throw new Error(`page ${ref.page} is not the one meant`);
    return Promise.resolve(page);
  };
  return {
    pages,
    reads: () => reads,
    writes: () => writes,
    depth: async () => {
      let depth = 0;
      for (let ref = tree.root; ref !== undefined; depth += 1) {
        const page: Page = await load(ref);
        ref = page.kind === 'inner' ? page.items[0] : undefined;
      }
      return depth;
    },
    find: (key: string) => findEntry(tree.root, key, load),
    list: (prefix: string, after?: string, limit = Infinity) => entriesIn(tree.root, { prefix, after, limit }, load),
    async commit(changes: ReadonlyMap<string, Entry | null>) {
      const edit = new TreeEdit(tree, load);
      for (const [key, entry] of changes) await edit.set(key, entry);
      const { removed, ...next } = edit.finish(({ page, put }) => {
        writes += 1;
        const tag = `t${writes}`;
        expect(put.items.length).toBeLessThanOrEqual(pageItemsMax);
        expect(put.items.length).toBeGreaterThan(0);
        pages.set(page, { tag, bytes: encodePage(put) });
        return { page, version: writes, tag };
      });
      for (const { page } of removed) expect(pages.delete(page)).toBe(true);
      tree = next;
    },
  };
}

const byUtf8 = (left: string, right: string): number => Buffer.compare(Buffer.from(left), Buffer.from(right));

describe('a tree of digests', () => {
  it('says of every key what a map would, whatever was written and removed', async () => {
    const key = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 400 }).map((n) => `t\0${String(n).padStart(4, '0')}`) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }).map((text) => `u\0${text}`) },
    );
    const change = fc.tuple(key, fc.boolean());
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 150 }), { maxLength: 12 }), async (commits) => {
        const tree = testTree();
        const model = new Map<string, Entry>();
        let version = 0;
        for (const commit of commits) {
          const changes = new Map<string, Entry | null>();
          for (const [changed, isGone] of commit) {
            version += 1;
            if (isGone && !model.has(changed) && !changes.has(changed)) continue;
            changes.set(changed, isGone ? null : { version, tag: `r${version}` });
          }
          for (const [changed, entry] of changes) {
            if (entry === null) model.delete(changed);
            else model.set(changed, entry);
          }
          await tree.commit(changes);
        }
        const sorted = [...model.keys()].toSorted(byUtf8);
        expect((await tree.list('')).map((item) => item.key)).toEqual(sorted);
        const inside = sorted.filter((one) => one.startsWith('t\x0002') && byUtf8(one, 't\x000210') > 0).slice(0, 7);
        expect((await tree.list('t\x0002', 't\x000210', 7)).map((item) => item.key)).toEqual(inside);
        for (let n = 0; n < 400; n += 1) {
          const one = `t\0${String(n).padStart(4, '0')}`;
          expect(await tree.find(one)).toEqual(model.has(one) ? { key: one, ...model.get(one) } : undefined);
        }
        // Nothing is left that no page refers to.
        if (model.size === 0) expect(tree.pages.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('finds the first key of a page that was split off the first one of all, whose own key is greater', async () => {
    const tree = testTree();
    const model = new Set<number>();
    const key = (n: number): string => `t\0${String(n).padStart(4, '0')}`;
    const all = (from: number, to: number, entry: Entry | null): Map<string, Entry | null> =>
      new Map(Array.from({ length: to - from }, (_, n) => [key(from + n), entry]));
    const commit = async (from: number, to: number, isThere: boolean): Promise<void> => {
      await tree.commit(all(from, to, isThere ? { version: 1, tag: 'r' } : null));
      for (let n = from; n < to; n += 1)
        if (isThere) model.add(n);
        else model.delete(n);
    };
    await commit(1000, 1000 + 3 * pageItemsMax, true);
    await commit(1000, 1000 + pageItemsMax, false); // the page that was the second is the first one now
    await commit(0, 2 * pageItemsMax, true);
    for (let n = 0; n < 1000 + 3 * pageItemsMax; n += 1)
      expect({ n, isThere: (await tree.find(key(n))) !== undefined }).toEqual({ n, isThere: model.has(n) });
    await commit(0, 2 * pageItemsMax, false);
    await commit(1000 + pageItemsMax, 1000 + 3 * pageItemsMax, false);
    expect(tree.pages.size).toBe(0);
  });

  it('orders keys as their bytes in UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (left, right) => {
        expect(Math.sign(compareKeys(left, right))).toBe(Math.sign(byUtf8(left, right)));
      }),
    );
  });

  it('reads pages as it has written them, also where the first child has a key that is not the least', () => {
    const entry = { version: 1, tag: 'r' };
    const keys = ['t\0ab', 't\0abc1', 't\0abc2', 't\0abd\u{10001}', 't\0abd\u{10002}', 't\0abe'];
    for (const first of ['', 't\0ab', 't\0abd1', 't\0b', 'u'])
      for (let end = 0; end <= keys.length; end += 1) {
        const items = [first, ...keys.slice(0, end)].map((key, page) => ({ key, page, ...entry }));
        expect(decodePage(encodePage({ kind: 'inner', items }))).toEqual({ kind: 'inner', items });
      }
    for (let from = 0; from < keys.length; from += 1) {
      const items = keys.slice(from).map((key) => ({ key, ...entry }));
      expect(decodePage(encodePage({ kind: 'leaf', items }))).toEqual({ kind: 'leaf', items });
    }
  });

  it('touches one page a level, however many records there are', async () => {
    const tree = testTree();
    const count = 20_000;
    for (let from = 0; from < count; from += 1000) {
      const range = Array.from(
        { length: 1000 },
        (_, n) => `t\0${String(((from + n) * 7919) % 100_003).padStart(6, '0')}`,
      );
      await tree.commit(new Map(range.map((key) => [key, { version: 1, tag: key }])));
    }
    const depth = await tree.depth();
    expect(depth).toBeLessThanOrEqual(4);
    const [reads, writes] = [tree.reads(), tree.writes()];
    await tree.commit(new Map([['t\x00000000', { version: 2, tag: 'new' }]]));
    expect(tree.writes() - writes).toBe(depth);
    expect(tree.reads() - reads).toBe(depth);
  });
});
