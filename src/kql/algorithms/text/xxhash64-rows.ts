import type { ByteRows } from './byte-rows.ts';
import { xxhash64 } from './xxhash64.ts';
import { xxhash64Module } from './xxhash64-module.ts';

const pageBytes = 1 << 16;
const pages = 33;
/** At a time, as DuckDB gives them. */
const rowsMax = 2048;
/** Where in the module's memory the places of the rows stand, and their hashes, and then the bytes. */
const [places, hashes, bytesStart, bytesEnd] = [0, rowsMax * 8, rowsMax * 16, pages * pageBytes];

interface Hasher {
  readonly run: (row: number, rowsEnd: number, out: number) => void;
  readonly memory: ArrayBuffer;
}

/** What the types of Node leave out. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

function newHasher(): Hasher {
  const { Instance, Module } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
  const { exports } = new Instance(new Module(xxhash64Module(pages)));
  const { hashRows, memory } = exports as { hashRows: Hasher['run']; memory: { readonly buffer: ArrayBuffer } };
  return { run: hashRows, memory: memory.buffer };
}

let hasher: Hasher | undefined;

/** As `xxhash64`, for many values at once.
 * @param results one a row; what it gets for null means nothing
 * @param width how many bytes of each value count; all of them without it */
export function xxhash64Rows(rows: ByteRows, results: BigInt64Array, width?: number): void {
  hasher ??= newHasher();
  const { run, memory } = hasher;
  const [table, bytes] = [new Int32Array(memory, places, rowsMax * 2), new Uint8Array(memory)];
  const hashed = new BigInt64Array(memory, hashes, rowsMax);
  const copied = new Map<Buffer, number>();
  let [first, used] = [0, bytesStart];
  let [lastPiece, lastAt]: [Buffer | undefined, number] = [undefined, 0];
  const copy = (piece: Uint8Array): number => {
    const at = used;
    bytes.set(piece, at);
    used += piece.length;
    return at;
  };
  const finish = (end: number): void => {
    run(places, places + (end - first) * 8, hashes);
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
  for (let row = 0; row < rows.rowCount; row += 1) {
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
  finish(rows.rowCount);
  for (const row of tooLong) {
    rows.find(row);
    results[row] = xxhash64(rows.bytes.subarray(rows.from, rows.to));
  }
}
