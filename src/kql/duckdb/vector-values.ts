import { isAscii } from 'node:buffer';
import type { DuckDBDataChunk, DuckDBVector } from '@duckdb/node-api';
import { DuckDBBigIntVector, DuckDBDoubleVector, DuckDBIntegerVector, DuckDBVarCharVector } from '@duckdb/node-api';
import type { ByteRows, KeptValues } from '../algorithms/text/byte-rows.ts';
import type { NativeValue } from '../sql/native.ts';
import { bindings } from './bindings.ts';

/** What the binding keeps of a vector, and gives only value by value: a bit for each row that is not null, where any is. */
export interface Validity {
  readonly data: NodeJS.ArrayBufferView | null;
}

export interface KeptTexts {
  /** 16 bytes each. */
  readonly dataView: NodeJS.ArrayBufferView;
  readonly validity: Validity;
}
interface KeptNumbers {
  readonly items: BigInt64Array | Float64Array | Int32Array;
  readonly validity: Validity;
}

/** Of texts that are made at a time: a chunk may have 2,048 of any length, and V8 has less memory than the engine. */
export const partBytesMax = 16 << 20;

type Column = TextVector | NativeValue[];

/** The values of each column of a chunk, so many rows at a time as have texts of `partBytesMax` together, or one. */
export function* partsOf(chunk: DuckDBDataChunk): Generator<NativeValue[][]> {
  const columns = Array.from({ length: chunk.columnCount }, (_column, index) => columnOf(chunk.getColumnVector(index)));
  for (const { from, to } of rangesOf(columns, chunk.rowCount))
    yield columns.map((column) => valuesIn(column, from, to, chunk.rowCount));
}

/** What a function is called with for some of the rows of a chunk. */
export interface ArgumentPart {
  readonly from: number;
  readonly to: number;
  /** By position: a value for each row, or one that all of them have. */
  readonly columns: readonly (readonly NativeValue[])[];
}

/** The same for the arguments of a function, of which what every row has is made once: beside the rows of `mv-expand`, that is often the
 * value that they were made of. Where that is so of all arguments, there is one row for all. */
export function* argumentsIn(vectors: readonly DuckDBVector[], rowCount: number): Generator<ArgumentPart> {
  const all = vectors.map(columnOf);
  const same = all.map((column) => (rowCount > 1 && isSame(column) ? valuesIn(column, 0, 1, rowCount) : undefined));
  const others = all.filter((_column, index) => same[index] === undefined);
  const ranges = others.length === 0 ? [{ from: 0, to: rowCount }] : rangesOf(others, rowCount);
  for (const { from, to } of ranges)
    yield { from, to, columns: all.map((column, index) => same[index] ?? valuesIn(column, from, to, rowCount)) };
}

const columnOf = (vector: DuckDBVector): Column =>
  vector instanceof DuckDBVarCharVector ? textsOf(vector) : valuesOf(vector);

const isSame = (column: Column): boolean =>
  column instanceof TextVector ? column.isSame : column.every((value) => value === column[0]);

function valuesIn(column: Column, from: number, to: number, rowCount: number): NativeValue[] {
  if (column instanceof TextVector) return column.values(from, to);
  return to - from === rowCount ? column : column.slice(from, to);
}

function* rangesOf(columns: readonly Column[], rowCount: number): Generator<{ from: number; to: number }> {
  const texts = columns.filter((column) => column instanceof TextVector);
  let from = 0;
  for (const to of endsOf(texts, rowCount)) {
    yield { from, to };
    from = to;
  }
}

/** Where each part ends. */
function endsOf(texts: readonly TextVector[], rowCount: number): number[] {
  const ends: number[] = [];
  if (texts.reduce((sum, { longBytes }) => sum + longBytes, 0) > partBytesMax) {
    let bytes = 0;
    for (let row = 0; row < rowCount; row += 1) {
      const more = texts.reduce((sum, column) => sum + column.bytesAt(row), 0);
      if (bytes > 0 && bytes + more > partBytesMax) {
        ends.push(row);
        bytes = 0;
      }
      bytes += more;
    }
  }
  return [...ends, rowCount];
}

/** Value by value, the binding makes two objects for each text and one for each bit of what is null. */
function valuesOf(vector: DuckDBVector): NativeValue[] {
  if (
    vector instanceof DuckDBBigIntVector ||
    vector instanceof DuckDBDoubleVector ||
    vector instanceof DuckDBIntegerVector
  ) {
    const { items, validity } = vector as unknown as KeptNumbers;
    const isNull = nullsOf(validity);
    const values: NativeValue[] = [...items];
    if (validity.data !== null) for (let row = 0; row < values.length; row += 1) if (isNull(row)) values[row] = null;
    return values;
  }
  return Array.from({ length: vector.itemCount }, (_value, row) => vector.getItem(row) as NativeValue);
}

export const textsOf = (vector: DuckDBVarCharVector): TextVector =>
  new TextVector(vector as unknown as KeptTexts, vector.itemCount);

export function nullsOf({ data }: Validity): (row: number) => boolean {
  if (data === null) return () => false;
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.byteLength >>> 2);
  return (row) => (((bits[row >>> 5] ?? 0) >>> (row & 31)) & 1) === 0;
}

/** A text of DuckDB is 16 bytes: its length, then itself where it has at most 12 bytes, else its first four and where it stands. */
const wordsEach = 4;
const inlineMax = 12;
/** Of memory, the least: what is between two texts that are nearer to each other than this stands on pages that hold texts. */
const pageBytes = 4096;

/** Texts that stand near each other in memory. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
  /** Of all the bytes, where they are ASCII and not so many that a few of them would keep too many; else empty. */
  text: string | undefined;
}

/** The texts of a vector, for as long as it is there. */
export class TextVector implements ByteRows {
  readonly rowCount: number;
  readonly isNull: (row: number) => boolean;
  readonly kept: KeptValues;
  readonly #words: Uint32Array;
  readonly #own: Buffer;
  readonly #weigh: (longBytes: number) => void;
  #located: { readonly spans: readonly Span[]; readonly bytes: number } | undefined;
  #last: Span | undefined;
  /** Where the bytes of the text are that was found last. */
  bytes: Buffer;
  from = 0;
  to = 0;

  /** @param weigh hears how many bytes the texts have that stand elsewhere, before any of them is found */
  constructor(
    { dataView, validity }: KeptTexts,
    rowCount: number,
    weigh: (longBytes: number) => void = () => undefined,
  ) {
    const { buffer, byteOffset, byteLength } = dataView;
    this.rowCount = rowCount;
    this.isNull = nullsOf(validity);
    this.#weigh = weigh;
    this.#words = new Uint32Array(buffer, byteOffset, byteLength >>> 2);
    this.#own = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
    this.bytes = this.#own;
    this.kept = { of: 'texts', bytes: this.#own, hasNulls: validity.data !== null, bytesAt };
  }

  /** Of all texts of more than 12 bytes. */
  get longBytes(): number {
    return this.#locate().bytes;
  }

  /** Whether all rows have the text that the first has, which stands in memory once, or all of them have null. */
  get isSame(): boolean {
    const words = this.#words;
    const isNull = this.isNull(0);
    for (let row = 1; row < this.rowCount; row += 1) {
      if (this.isNull(row) !== isNull) return false;
      for (let word = 0; !isNull && word < wordsEach; word += 1)
        if (words[row * wordsEach + word] !== words[word]) return false;
    }
    return true;
  }

  #locate(): { readonly spans: readonly Span[]; readonly bytes: number } {
    if (this.#located === undefined) {
      this.#located = this.#spansOf();
      this.#weigh(this.#located.bytes);
    }
    return this.#located;
  }

  /** Finds the bytes of a text that is not null. */
  find(row: number): void {
    const length = this.#words[row * wordsEach] ?? 0;
    if (length <= inlineMax) {
      this.bytes = this.#own;
      this.from = row * 16 + 4;
    } else {
      const span = this.#spanAt(row);
      this.bytes = span.bytes;
      this.from = this.#address(row) - span.start;
    }
    this.to = this.from + length;
  }

  bytesAt(row: number): number {
    return this.isNull(row) ? 0 : (this.#words[row * wordsEach] ?? 0);
  }

  values(first = 0, end = this.rowCount): (string | null)[] {
    const words = this.#words;
    let own: string | undefined;
    const textOf = (row: number): string => {
      const at = row * wordsEach;
      const length = words[at] ?? 0;
      if (length > inlineMax) {
        const span = this.#spanAt(row);
        const from = this.#address(row) - span.start;
        span.text ??= span.bytes.length <= partBytesMax && isAscii(span.bytes) ? span.bytes.toString('latin1') : '';
        return span.text === ''
          ? span.bytes.toString('utf8', from, from + length)
          : span.text.substring(from, from + length);
      }
      // What a short text leaves of its 12 bytes is zero.
      const joined = (words[at + 1] ?? 0) | (words[at + 2] ?? 0) | (words[at + 3] ?? 0);
      const from = row * 16 + 4;
      if ((joined & 0x8080_8080) !== 0) return this.#own.toString('utf8', from, from + length);
      own ??= this.#own.toString('latin1');
      return own.substring(from, from + length);
    };
    const values = new Array<string | null>(end - first).fill(null);
    for (let row = first; row < end; row += 1) if (!this.isNull(row)) values[row - first] = textOf(row);
    return values;
  }

  #address(row: number): number {
    return (this.#words[row * wordsEach + 3] ?? 0) * 2 ** 32 + (this.#words[row * wordsEach + 2] ?? 0);
  }

  #spanAt(row: number): Span {
    const address = this.#address(row);
    if (this.#last !== undefined && address >= this.#last.start && address < this.#last.end) return this.#last;
    const { spans } = this.#locate();
    let [low, high] = [0, spans.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((spans[middle]?.start ?? Infinity) <= address) low = middle;
      else high = middle - 1;
    }
    const span = spans[low];
    if (span === undefined) throw new Error('A text stands in none of the spans of its vector.');
    this.#last = span;
    return span;
  }

  /** Asking for the bytes at an address costs half a microsecond, so it is done for all texts that stand near each other. */
  #spansOf(): { readonly spans: Span[]; readonly bytes: number } {
    const words = this.#words;
    const [starts, ends] = [new Float64Array(this.rowCount), new Float64Array(this.rowCount)];
    let [count, last, isAscending, bytes] = [0, 0, true, 0];
    for (let row = 0; row < this.rowCount; row += 1) {
      const length = words[row * wordsEach] ?? 0;
      if (length <= inlineMax || this.isNull(row)) continue;
      const address = this.#address(row);
      isAscending &&= address >= last;
      last = address + length;
      starts[count] = address;
      ends[count] = last;
      count += 1;
      bytes += length;
    }
    // Between the nth end and the start after it there is nothing.
    const [from, to] = [starts.subarray(0, count), ends.subarray(0, count)];
    if (!isAscending) {
      from.sort();
      to.sort();
    }
    const spans: Span[] = [];
    let start = from[0] ?? 0;
    for (let index = 0; index < count; index += 1) {
      const [end, next] = [to[index] ?? 0, from[index + 1] ?? Infinity];
      if (next - end < pageBytes) continue;
      spans.push({ start, end, bytes: bytesAt(start, end - start), text: undefined });
      start = next;
    }
    return { spans, bytes };
  }
}

function bytesAt(address: number, length: number): Buffer {
  const words = new Uint32Array([address % 2 ** 32, Math.floor(address / 2 ** 32)]);
  const bytes = bindings.get_data_from_pointer(words.buffer, 0, length);
  return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}
