import type { ByteRows, KeptValues } from './byte-rows.ts';
import { xxhash64 } from './xxhash64.ts';
import { xxhash64Module } from './xxhash64-module.ts';

const pages = 34;
/** At a time, as DuckDB gives them. */
const rowsMax = 2048;
/** Where in the module's memory the places of the rows stand, and their hashes, the values as they are kept, what is found out of them, the
 * marks of pages, and then the bytes. */
const [places, hashes, kept] = [0, rowsMax * 8, rowsMax * 16];
const found = kept + rowsMax * 16;
const marks = found + 32;
const [bytesStart, bytesEnd] = [marks + 4_064, pages << 16];
/** Of texts in memory. */
const pageBits = 12n;
/** That all values of a chunk may have together, each counted as often as it is there, to be taken as they are kept. */
const sumMax = 4 << 20;
/** Of a chunk, until all of its texts are near each other: two times that they go on elsewhere. */
const splitsMax = 22;

type OverRows<Last extends readonly unknown[] = []> = (
  row: number,
  rowsEnd: number,
  out: number,
  ...last: Last
) => void;
interface Hasher {
  readonly hashRows: OverRows;
  readonly hashNumbers: OverRows<[width: number]>;
  readonly findTexts: OverRows;
  readonly markPages: OverRows<[firstPage: bigint]>;
  readonly hashTexts: OverRows<[distance: bigint]>;
  readonly reduceNumbers: OverRows<[modulus: bigint]>;
  readonly maskNumbers: OverRows<[mask: bigint]>;
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Of its memory, which does not grow: to make a view costs as much as to hash 50 texts. */
  readonly bytes: Uint8Array;
  /** Of a chunk. */
  readonly hashed: BigInt64Array;
  /** By `findTexts`: the least address of a text, the end of the last and how many bytes they have in all. */
  readonly extent: BigInt64Array;
}

/** What the types of Node leave out. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

function newHasher(): Hasher {
  const { Instance, Module } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
  const own = new Instance(new Module(xxhash64Module(pages))).exports as Hasher;
  const { buffer } = own.memory;
  const bytes = new Uint8Array(buffer);
  return {
    ...own,
    bytes,
    hashed: new BigInt64Array(buffer, hashes, rowsMax),
    extent: new BigInt64Array(buffer, found, 3),
  };
}

let hasher: Hasher | undefined;

/** As `xxhash64`, for many values at once.
 * @param results one a row; what it gets for null means nothing
 * @param width how many bytes of each value count; all of them without it */
export function xxhash64Rows(rows: ByteRows, results: BigInt64Array, width?: number): void {
  hasher ??= newHasher();
  if (rows.kept === undefined || rows.rowCount > rowsMax) hashEach(hasher, rows, results, width, 0, rows.rowCount);
  else hashAsKept(hasher, rows, rows.kept, results, width);
}

/** Puts what is left of each value by the modulus in its place, from 0 on. @param modulus positive */
export function reduceRows(values: BigInt64Array, modulus: bigint): void {
  const { reduceNumbers, maskNumbers, hashed } = (hasher ??= newHasher());
  const isPowerOfTwo = (modulus & (modulus - 1n)) === 0n;
  for (let from = 0; from < values.length; from += rowsMax) {
    const part = values.subarray(from, from + rowsMax);
    hashed.set(part);
    if (isPowerOfTwo) maskNumbers(hashes, hashes + part.byteLength, 0, modulus - 1n);
    else reduceNumbers(hashes, hashes + part.byteLength, 0, modulus);
    part.set(part.length === rowsMax ? hashed : hashed.subarray(0, part.length));
  }
}

/** The values of a chunk as they lie in memory: no row costs JavaScript anything. */
function hashAsKept(
  own: Hasher,
  rows: ByteRows,
  values: KeptValues,
  results: BigInt64Array,
  width: number | undefined,
): void {
  const far: (readonly [number, number])[] = [];
  own.bytes.set(values.bytes, kept);
  if (values.of === 'numbers') own.hashNumbers(kept, kept + rows.rowCount * 8, hashes, width ?? 8);
  else {
    if (values.hasNulls) {
      const words = new Int32Array(own.memory.buffer, kept);
      for (let row = 0; row < rows.rowCount; row += 1) if (rows.isNull(row)) words[row * 4] = 0;
    }
    let splits = splitsMax;
    const hash = (from: number, to: number): void => {
      if (hashedTexts(own, values, from, to)) return;
      if (splits === 0 || to - from === 1) {
        far.push([from, to]);
        return;
      }
      splits -= 1;
      const middle = (from + to) >>> 1;
      hash(from, middle);
      hash(middle, to);
    };
    hash(0, rows.rowCount);
  }
  results.set(rows.rowCount === rowsMax ? own.hashed : own.hashed.subarray(0, rows.rowCount));
  for (const [from, to] of far) hashEach(own, rows, results, width, from, to);
}

/** Hashes texts of some rows, in their places. @returns false where they lie too far from each other */
function hashedTexts(
  { findTexts, markPages, hashTexts, bytes, extent }: Hasher,
  values: KeptValues,
  from: number,
  to: number,
): boolean {
  const start = kept + from * 16;
  const end = kept + to * 16;
  findTexts(start, end, found);
  const least = extent[0] ?? 0n;
  const greatest = extent[1] ?? 0n;
  const sum = extent[2] ?? 0n;
  const length = Number(greatest - least);
  if (sum > sumMax || length > bytesEnd - bytesStart) return false;
  if (sum > 0n) {
    const firstPage = least >> pageBits;
    const ours = bytes.subarray(marks, marks + Number(((greatest - 1n) >> pageBits) - firstPage) + 1);
    ours.fill(0);
    markPages(start, end, marks, firstPage);
    // A page without a text may be no memory at all.
    if (ours.includes(0)) return false;
    bytes.set(values.bytesAt(Number(least), length), bytesStart);
  }
  hashTexts(start, end, hashes + from * 8, least - BigInt(bytesStart));
  return true;
}

function hashEach(
  { hashRows, memory: { buffer } }: Hasher,
  rows: ByteRows,
  results: BigInt64Array,
  width: number | undefined,
  from: number,
  to: number,
): void {
  const [table, bytes] = [new Int32Array(buffer, places, rowsMax * 2), new Uint8Array(buffer)];
  const hashed = new BigInt64Array(buffer, hashes, rowsMax);
  const copied = new Map<Buffer, number>();
  let [first, used] = [from, bytesStart];
  let [lastPiece, lastAt]: [Buffer | undefined, number] = [undefined, 0];
  const copy = (piece: Uint8Array): number => {
    const at = used;
    bytes.set(piece, at);
    used += piece.length;
    return at;
  };
  const finish = (end: number): void => {
    hashRows(places, places + (end - first) * 8, hashes);
    results.set(hashed.subarray(0, end - first), first);
    copied.clear();
    lastPiece = undefined;
    [first, used] = [end, bytesStart];
  };
  /** Where the value of a row begins, its neighbours being copied with it; undefined where there is no room. */
  const placed = (): number | undefined => {
    const piece = rows.bytes;
    if (piece === lastPiece) return lastAt + rows.from;
    const known = copied.get(piece);
    if (known !== undefined) {
      [lastPiece, lastAt] = [piece, known];
      return known + rows.from;
    }
    if (piece.length <= bytesEnd - used) {
      const at = copy(piece);
      copied.set(piece, at);
      return at + rows.from;
    }
    if (piece.length <= bytesEnd - bytesStart) return undefined;
    return rows.to - rows.from <= bytesEnd - used ? copy(piece.subarray(rows.from, rows.to)) : undefined;
  };
  const tooLong: number[] = [];
  for (let row = from; row < to; row += 1) {
    if (row - first === rowsMax) finish(row);
    let [at, length] = [bytesStart, 0];
    if (!rows.isNull(row)) {
      rows.find(row);
      length = width ?? rows.to - rows.from;
      let place = placed();
      if (place === undefined && used > bytesStart) {
        finish(row);
        place = placed();
      }
      if (place === undefined) {
        tooLong.push(row);
        length = 0;
      } else at = place;
    }
    table[(row - first) * 2] = at;
    table[(row - first) * 2 + 1] = length;
  }
  finish(to);
  for (const row of tooLong) {
    rows.find(row);
    results[row] = xxhash64(rows.bytes.subarray(rows.from, rows.to));
  }
}
