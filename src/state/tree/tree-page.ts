/** What a leaf says of one record: its version, and the tag that seals it. */
export interface Entry {
  readonly version: number;
  /** The last 16 bytes of the sealed record, as base64: the tag of its AES-GCM. Whoever has not the root key can only put back what
   * we have sealed, and no two of those have the same tag. */
  readonly tag: string;
}

/** Where a page is stored, and which of its copies is meant. */
export interface PageRef extends Entry {
  readonly page: number;
}

export type LeafItem = Entry & { readonly key: string };
/** `key`: no key below the page is less; that of the first child does not count. */
export type Child = PageRef & { readonly key: string };

export type Page =
  | { readonly kind: 'leaf'; readonly items: readonly LeafItem[] }
  | { readonly kind: 'inner'; readonly items: readonly Child[] };

/** A page with more is split. About 4 KB. */
export const pageItemsMax = 48;

export const tagOf = (sealed: Uint8Array): string =>
  Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength).subarray(-16).toString('base64');

/** The order of UTF-8 bytes, which is that of stores: by code points, so what needs two units comes last. */
export const compareKeys = (left: string, right: string): number => comparedAt(left, right, differAt(left, right, 0));

/** @returns where two keys that are the same before `from` are not any more, or where the shorter one ends */
function differAt(left: string, right: string, from: number): number {
  const length = Math.min(left.length, right.length);
  let at = from;
  while (at < length && left.charCodeAt(at) === right.charCodeAt(at)) at += 1;
  return at;
}

function comparedAt(left: string, right: string, at: number): number {
  if (at === left.length || at === right.length) return left.length - right.length;
  const [a, b] = [left.charCodeAt(at), right.charCodeAt(at)];
  return isHalf(a) === isHalf(b) ? a - b : isHalf(a) ? 1 : -1;
}

const isHalf = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;

type Keyed = readonly { readonly key: string }[];

/** @returns where `key` is, or where it belongs: the first item that is not less */
export const placeOf = (items: Keyed, key: string): number => firstThat(items, key, 0, (order) => order >= 0);

/** @returns the child below which `key` is, if it is anywhere. The key of the first child may be greater than those of the next ones: it
 * was another's before the first one was taken out, and has been split since. */
export const childFor = (items: Keyed, key: string): number => firstThat(items, key, 1, (order) => order > 0) - 1;

/** What lies between two items begins with what both have in common with `key`, so that is not looked at again: keys of one owner begin
 * with the same hundred characters.
 * @param from items before it are left out
 * @param isReached told how an item stands to `key`; true for all after the first one
 * @returns that first one, or the end */
function firstThat(items: Keyed, key: string, from: number, isReached: (order: number) => boolean): number {
  let [low, high] = [from, items.length];
  let [sharedBelow, sharedAbove] = [0, 0];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle]?.key ?? '';
    const at = differAt(item, key, Math.min(sharedBelow, sharedAbove));
    if (isReached(comparedAt(item, key, at))) [high, sharedAbove] = [middle, at];
    else [low, sharedBelow] = [middle + 1, at];
  }
  return low;
}

/** What all keys of the page begin with is written once. */
export function encodePage({ kind, items }: Page): Buffer {
  const prefix = commonPrefix(items);
  const rows =
    kind === 'leaf'
      ? items.map(({ key, version, tag }) => [key.slice(prefix.length), version, tag])
      : items.map(({ key, version, tag, page }) => [key.slice(prefix.length), version, tag, page]);
  return Buffer.from(JSON.stringify({ [kind]: rows, prefix }));
}

/** @returns undefined for what this version has not written */
export function decodePage(bytes: Buffer): Page | undefined {
  const value = JSON.parse(bytes.toString('utf8')) as StoredPage;
  const { prefix, leaf, inner } = value;
  if (leaf !== undefined)
    return { kind: 'leaf', items: leaf.map(([key, version, tag]) => ({ key: prefix + key, version, tag })) };
  if (inner === undefined) return undefined;
  return {
    kind: 'inner',
    items: inner.map(([key, version, tag, page]) => ({ key: prefix + key, version, tag, page })),
  };
}

/** Sealed by us: its shape is not checked again. */
interface StoredPage {
  readonly prefix: string;
  readonly leaf?: readonly (readonly [key: string, version: number, tag: string])[];
  readonly inner?: readonly (readonly [key: string, version: number, tag: string, page: number])[];
}

/** Of keys in their order, but for the first (`childFor`): those between the second and the last begin with what both have in common. */
function commonPrefix(items: Keyed): string {
  const first = items[0]?.key ?? '';
  let { length } = first;
  for (const item of [items[1], items.at(-1)])
    if (item !== undefined) length = Math.min(length, differAt(first, item.key, 0));
  // Never half of a pair.
  return first.slice(0, isHalf(first.charCodeAt(length - 1)) ? length - 1 : length);
}

/** Of a record in its tree. No table has a NUL in its name. */
export const keyOf = (table: string, id: string): string => `${table}\0${id}`;
