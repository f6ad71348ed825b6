import type { Entry, LeafItem, Page, PageRef } from './tree-page.ts';
import { childFor, compareKeys, placeOf } from './tree-page.ts';

/** @throws SealedRecordError for a page that is not the one meant */
export type LoadPage = (ref: PageRef) => Promise<Page>;

/** What the tree says of a key. Reads one page a level. */
export async function findEntry(root: PageRef | undefined, key: string, load: LoadPage): Promise<Entry | undefined> {
  for (let ref = root; ref !== undefined;) {
    const page = await load(ref);
    if (page.kind === 'leaf') {
      const item = page.items[placeOf(page.items, key)];
      return item?.key === key ? item : undefined;
    }
    ref = page.items[childFor(page.items, key)];
  }
  return undefined;
}

/** The first entries that begin with `prefix` and come after `after`, in order, at most `limit`. */
export async function entriesIn(
  root: PageRef | undefined,
  { prefix, after, limit }: { readonly prefix: string; readonly after: string | undefined; readonly limit: number },
  load: LoadPage,
): Promise<readonly LeafItem[]> {
  const found: LeafItem[] = [];
  const from = after !== undefined && compareKeys(after, prefix) > 0 ? after : prefix;
  const isPast = (key: string): boolean => !key.startsWith(prefix) && compareKeys(key, prefix) > 0;
  /** @returns false when there is nothing more to find */
  const walk = async (ref: PageRef): Promise<boolean> => {
    const page = await load(ref);
    if (page.kind === 'inner') {
      for (const child of page.items.slice(childFor(page.items, from))) {
        if (child !== page.items[0] && isPast(child.key)) return false;
        if (!(await walk(child))) return false;
      }
      return true;
    }
    for (const item of page.items.slice(placeOf(page.items, from))) {
      if (item.key === after) continue;
      if (found.length >= limit || isPast(item.key)) return false;
      found.push(item);
    }
    return true;
  };
  if (root !== undefined) await walk(root);
  return found;
}

/** All pages of a tree. Reads each. */
export async function pagesIn(root: PageRef | undefined, load: LoadPage): Promise<readonly PageRef[]> {
  if (root === undefined) return [];
  const page = await load(root);
  const below = page.kind === 'leaf' ? [] : page.items;
  const found: PageRef[] = [root];
  for (const child of below) found.push(...(await pagesIn(child, load)));
  return found;
}
