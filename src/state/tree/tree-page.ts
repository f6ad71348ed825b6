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
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const [a, b] = [left.charCodeAt(at), right.charCodeAt(at)];
    if (a !== b) return isHalf(a) === isHalf(b) ? a - b : isHalf(a) ? 1 : -1;
  }
  return left.length - right.length;
}

const isHalf = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;

/** @returns where `key` is, or where it belongs: the first item that is not less */
export function placeOf(items: readonly { readonly key: string }[], key: string): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(items[middle]?.key ?? '', key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @returns the child below which `key` is, if it is anywhere. The key of the first child may be greater than those of the next ones: it
 * was another's before the first one was taken out, and has been split since. */
export function childFor(items: readonly { readonly key: string }[], key: string): number {
  let [low, high] = [0, items.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (compareKeys(items[middle]?.key ?? '', key) <= 0) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What all keys of the page begin with is written once. */
export function encodePage({ kind, items }: Page): Buffer {
  const prefix = commonPrefix(items.map(({ key }) => key));
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

function commonPrefix(keys: readonly string[]): string {
  const [first = '', ...rest] = keys;
  let length = first.length;
  for (const key of rest) while (!key.startsWith(first.slice(0, length))) length -= 1;
  // Never half of a pair.
  return first.slice(0, isHalf(first.charCodeAt(length - 1)) ? length - 1 : length);
}

/** Of a record in its tree. No table has a NUL in its name. */
export const keyOf = (table: string, id: string): string => `${table}\0${id}`;
