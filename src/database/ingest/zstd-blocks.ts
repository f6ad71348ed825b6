import type { FseTable, HuffmanTable } from './zstd-entropy.ts';
import {
  BackwardBits,
  fseTable,
  NotZstd,
  oneSymbol,
  readFseTable,
  readHuffman,
  readHuffmanTable,
} from './zstd-entropy.ts';

const blockBytesMax = 128 * 1024;

/** What has come out so far, in memory that grows with it. */
export class Output {
  readonly #max: number;
  #held = new Uint8Array(0);
  length = 0;
  /** Where the frame began: nothing is repeated from before. */
  frameAt = 0;

  constructor(max: number) {
    this.#max = max;
  }

  #make(count: number): void {
    if (count > this.#max - this.length) throw new NotZstd();
    if (this.length + count <= this.#held.length) return;
    const more = new Uint8Array(Math.min(this.#max, Math.max(this.length + count, this.#held.length * 2, 65_536)));
    more.set(this.#held.subarray(0, this.length));
    this.#held = more;
  }

  add(bytes: Uint8Array): void {
    this.#make(bytes.length);
    this.#held.set(bytes, this.length);
    this.length += bytes.length;
  }

  fill(byte: number, count: number): void {
    this.#make(count);
    this.#held.fill(byte, this.length, this.length + count);
    this.length += count;
  }

  /** What stands `distance` bytes before, which may go on with what is repeated. */
  repeat(distance: number, count: number): void {
    if (distance > this.length - this.frameAt || distance < 1) throw new NotZstd();
    this.#make(count);
    const held = this.#held;
    for (let at = this.length, end = at + count; at < end; at += 1) held[at] = held[at - distance] ?? 0;
    this.length += count;
  }

  /** The memory itself, until it grows again; behind `length` is nothing of worth. */
  get held(): Buffer {
    return Buffer.from(this.#held.buffer);
  }

  /** Keeps no more than there is. */
  bytes(): Uint8Array {
    return this.#held.slice(0, this.length);
  }
}

/** A number of so many bytes, the lowest first. */
export function numberAt(bytes: Uint8Array, at: number, count: number): number {
  if (at + count > bytes.length) throw new NotZstd();
  let value = 0;
  for (let index = count - 1; index >= 0; index -= 1) value = value * 256 + (bytes[at + index] ?? 0);
  return value;
}

export function slice(bytes: Uint8Array, at: number, count: number): Uint8Array {
  if (count > bytes.length - at) throw new NotZstd();
  return bytes.subarray(at, at + count);
}

const basesOf = (first: number, bits: readonly number[]): number[] => {
  let base = first;
  return bits.map((count) => {
    const own = base;
    base += 2 ** count;
    return own;
  });
};

const literalBits = [...Array<number>(16).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const matchBits = [...Array<number>(32).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const literalBases = basesOf(0, literalBits);
const matchBases = basesOf(3, matchBits);

/** The three kinds of codes of a sequence. @see RFC 8878, 3.1.1.3.2.2 */
const kinds = {
  literals: {
    ...{ logMax: 9, symbolMax: 35 },
    predefined: fseTable(6, [
      ...[4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1],
      ...[-1, -1, -1, -1],
    ]),
  },
  offsets: {
    ...{ logMax: 8, symbolMax: 31 },
    predefined: fseTable(5, [
      ...[1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
      ...[-1, -1, -1, -1, -1],
    ]),
  },
  matches: {
    ...{ logMax: 9, symbolMax: 52 },
    predefined: fseTable(6, [
      ...[1, 4, 3, 2, 2, 2, 2, 2, 2],
      ...Array<number>(37).fill(1),
      ...Array<number>(7).fill(-1),
    ]),
  },
} as const;
type Kind = keyof typeof kinds;

/** What blocks of a frame hand on to the next. */
export class Frame {
  readonly #out: Output;
  #huffman: HuffmanTable | undefined;
  readonly #tables: Partial<Record<Kind, FseTable>> = {};
  #distances: readonly [number, number, number] = [1, 4, 8];

  constructor(out: Output) {
    this.#out = out;
  }

  /** @returns how many bytes it takes */
  block(type: number, size: number, packed: Uint8Array, at: number): number {
    if (size > blockBytesMax || type === 3) throw new NotZstd();
    if (type === 1) {
      this.#out.fill(numberAt(packed, at, 1), size);
      return 1;
    }
    const bytes = slice(packed, at, size);
    if (type === 0) this.#out.add(bytes);
    else {
      const before = this.#out.length;
      const { literals, bytesRead } = this.#literals(bytes);
      this.#sequences(bytes.subarray(bytesRead), literals);
      if (this.#out.length - before > blockBytesMax) throw new NotZstd();
    }
    return size;
  }

  #literals(bytes: Uint8Array): { readonly literals: Uint8Array; readonly bytesRead: number } {
    const first = numberAt(bytes, 0, 1);
    const [type, form] = [first & 3, (first >> 2) & 3];
    if (type < 2) {
      const header = form === 1 ? 2 : form === 3 ? 3 : 1;
      const size = Math.floor(numberAt(bytes, 0, header) / (header === 1 ? 8 : 16));
      if (size > blockBytesMax) throw new NotZstd();
      if (type === 0) return { literals: slice(bytes, header, size), bytesRead: header + size };
      return { literals: new Uint8Array(size).fill(numberAt(bytes, header, 1)), bytesRead: header + 1 };
    }
    const [header, bits] = form < 2 ? [3, 10] : form === 2 ? [4, 14] : [5, 18];
    const sizes = Math.floor(numberAt(bytes, 0, header) / 16);
    const size = sizes % 2 ** bits;
    const packedSize = Math.floor(sizes / 2 ** bits);
    if (size > blockBytesMax) throw new NotZstd();
    let packed = slice(bytes, header, packedSize);
    if (type === 2) {
      const { table, bytesRead } = readHuffmanTable(packed);
      this.#huffman = table;
      packed = packed.subarray(bytesRead);
    }
    if (this.#huffman === undefined) throw new NotZstd();
    const literals = new Uint8Array(size);
    if (form === 0) readHuffman(packed, this.#huffman, literals);
    else readFour(packed, this.#huffman, literals);
    return { literals, bytesRead: header + packedSize };
  }

  #sequences(bytes: Uint8Array, literals: Uint8Array): void {
    const first = numberAt(bytes, 0, 1);
    const header = first < 128 ? 1 : first < 255 ? 2 : 3;
    const count =
      header === 1
        ? first
        : header === 2
          ? (first - 128) * 256 + numberAt(bytes, 1, 1)
          : numberAt(bytes, 1, 2) + 0x7f00;
    let taken = 0;
    if (count > 0) {
      const modes = numberAt(bytes, header, 1);
      if ((modes & 3) !== 0) throw new NotZstd();
      let at = header + 1;
      for (const [kind, mode] of [
        ['literals', modes >> 6],
        ['offsets', (modes >> 4) & 3],
        ['matches', (modes >> 2) & 3],
      ] as const)
        at += this.#readTable(kind, mode, bytes.subarray(at));
      taken = this.#repeat(new BackwardBits(bytes.subarray(at)), count, literals);
    } else if (bytes.length !== header) throw new NotZstd();
    this.#out.add(literals.subarray(taken));
  }

  /** @returns how many bytes it takes */
  #readTable(kind: Kind, mode: number, bytes: Uint8Array): number {
    const { logMax, symbolMax, predefined } = kinds[kind];
    switch (mode) {
      case 0:
        this.#tables[kind] = predefined;
        return 0;
      case 1: {
        const symbol = numberAt(bytes, 0, 1);
        if (symbol > symbolMax) throw new NotZstd();
        this.#tables[kind] = oneSymbol(symbol);
        return 1;
      }
      case 2: {
        const { table, bytesRead } = readFseTable(bytes, logMax, symbolMax);
        this.#tables[kind] = table;
        return bytesRead;
      }
      default:
        return 0;
    }
  }

  /** Literals and repetitions in turn. @returns how many literals were taken */
  #repeat(input: BackwardBits, count: number, all: Uint8Array): number {
    const { literals, offsets, matches } = this.#tables;
    if (literals === undefined || offsets === undefined || matches === undefined) throw new NotZstd();
    const states = [literals, offsets, matches].map(({ accuracyLog }) => input.read(accuracyLog));
    let [literalState = 0, offsetState = 0, matchState = 0] = states;
    const next = ({ bases, bits }: FseTable, state: number): number =>
      (bases[state] ?? 0) + input.read(bits[state] ?? 0);
    let taken = 0;
    for (let left = count; left > 0; left -= 1) {
      const offsetCode = offsets.symbols[offsetState] ?? 0;
      const [literalCode, matchCode] = [literals.symbols[literalState] ?? 0, matches.symbols[matchState] ?? 0];
      const offset = 2 ** offsetCode + input.read(offsetCode);
      const length = (matchBases[matchCode] ?? 0) + input.read(matchBits[matchCode] ?? 0);
      const before = (literalBases[literalCode] ?? 0) + input.read(literalBits[literalCode] ?? 0);
      if (left > 1) {
        literalState = next(literals, literalState);
        matchState = next(matches, matchState);
        offsetState = next(offsets, offsetState);
      }
      if (input.left < 0) throw new NotZstd();
      this.#out.add(slice(all, taken, before));
      taken += before;
      this.#out.repeat(this.#distance(offset, before === 0), length);
    }
    if (input.left !== 0) throw new NotZstd();
    return taken;
  }

  /** One of the last three, or another. @see RFC 8878, 3.1.1.5 */
  #distance(offset: number, isWithoutLiterals: boolean): number {
    const [first, second, third] = this.#distances;
    const repeated = isWithoutLiterals ? offset : offset - 1;
    if (offset <= 3 && repeated === 0) return first;
    const distance = offset > 3 ? offset - 3 : repeated === 1 ? second : repeated === 2 ? third : first - 1;
    this.#distances = offset <= 3 && repeated === 1 ? [distance, first, third] : [distance, first, second];
    return distance;
  }
}

/** Four streams, each of as many symbols as the others but the last. */
function readFour(packed: Uint8Array, table: HuffmanTable, literals: Uint8Array): void {
  const each = Math.ceil(literals.length / 4);
  const sizes = [0, 2, 4].map((at) => numberAt(packed, at, 2));
  let at = 6;
  for (let stream = 0; stream < 4; stream += 1) {
    const bytes = stream < 3 ? slice(packed, at, sizes[stream] ?? 0) : packed.subarray(at);
    readHuffman(bytes, table, literals.subarray(Math.min(each * stream, literals.length), each * (stream + 1)));
    at += bytes.length;
  }
}
