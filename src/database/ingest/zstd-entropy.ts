/** Thrown and caught within the decoder: what is read is no Zstandard. */
export class NotZstd extends Error {
  override readonly name = 'NotZstd';
}

/** Bits of bytes from the first one on, the lowest of each first. */
export class ForwardBits {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @param count at most 24 */
  read(count: number): number {
    if (this.at + count > this.#bytes.length * 8) throw new NotZstd();
    const value = bitsAt(this.#bytes, this.at, count);
    this.at += count;
    return value;
  }

  /** Of whole bytes that were begun. */
  get bytesRead(): number {
    return Math.ceil(this.at / 8);
  }
}

/** Bits of bytes from the last one back, which begins with a mark; before the first there are zeros. */
export class BackwardBits {
  readonly #bytes: Uint8Array;
  /** Bits that are left; below zero where more were read than there are. */
  left: number;

  constructor(bytes: Uint8Array) {
    const last = bytes.at(-1) ?? 0;
    if (last === 0) throw new NotZstd();
    this.#bytes = bytes;
    this.left = bytes.length * 8 - Math.clz32(last) + 23;
  }

  /** @param count at most 16 */
  peek(count: number): number {
    const from = this.left - count;
    if (from >= 0) return bitsAt(this.#bytes, from, count);
    return this.left <= 0 ? 0 : bitsAt(this.#bytes, 0, this.left) << -from;
  }

  /** @param count at most 32 */
  read(count: number): number {
    if (count > 16) return this.read(count - 16) * 65_536 + this.read(16);
    const value = this.peek(count);
    this.left -= count;
    return value;
  }
}

const bitsAt = (bytes: Uint8Array, at: number, count: number): number => {
  const byte = at >> 3;
  const word =
    (bytes[byte] ?? 0) |
    ((bytes[byte + 1] ?? 0) << 8) |
    ((bytes[byte + 2] ?? 0) << 16) |
    ((bytes[byte + 3] ?? 0) << 24);
  return (word >>> (at & 7)) & ((1 << count) - 1);
};

/** A table of finite state entropy: for each state its symbol, and how the next state is read. */
export interface FseTable {
  readonly accuracyLog: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

const log2 = (value: number): number => 31 - Math.clz32(value);

/** @param probabilities of the symbols in their order, `-1` for less than one; in all as many as the table has states
 * @see RFC 8878, 4.1.1 */
export function fseTable(accuracyLog: number, probabilities: readonly number[]): FseTable {
  const size = 1 << accuracyLog;
  const symbols = new Uint8Array(size);
  const next = probabilities.map((probability) => Math.abs(probability));
  let high = size;
  for (const [symbol, probability] of probabilities.entries()) if (probability === -1) symbols[(high -= 1)] = symbol;
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  for (const [symbol, probability] of probabilities.entries())
    for (let count = 0; count < probability; count += 1) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= high);
    }
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  for (let state = 0; state < size; state += 1) {
    const symbol = symbols[state] ?? 0;
    const own = next[symbol] ?? 1;
    next[symbol] = own + 1;
    const count = accuracyLog - log2(own);
    bits[state] = count;
    bases[state] = (own << count) - size;
  }
  return { accuracyLog, symbols, bits, bases };
}

/** The table of one symbol, which takes no bits. */
export const oneSymbol = (symbol: number): FseTable => fseTable(0, [...Array<number>(symbol).fill(0), 1]);

/** Reads the description of a table. @throws NotZstd */
export function readFseTable(
  bytes: Uint8Array,
  logMax: number,
  symbolMax: number,
): { readonly table: FseTable; readonly bytesRead: number } {
  const input = new ForwardBits(bytes);
  const accuracyLog = input.read(4) + 5;
  if (accuracyLog > logMax) throw new NotZstd();
  const probabilities: number[] = [];
  let remaining = 1 << accuracyLog;
  while (remaining > 0) {
    const count = log2(remaining + 1) + 1;
    const half = 1 << (count - 1);
    // Low values take one bit less.
    const short = (1 << count) - 1 - (remaining + 1);
    let value = input.read(count - 1);
    if (value >= short) {
      value += input.read(1) * half;
      if (value >= half) value -= short;
    }
    const probability = value - 1;
    remaining -= Math.abs(probability);
    probabilities.push(probability);
    for (let zeros = probability === 0 ? 3 : 0; zeros === 3;) {
      zeros = input.read(2);
      for (let more = 0; more < zeros; more += 1) probabilities.push(0);
    }
    if (probabilities.length > symbolMax + 1) throw new NotZstd();
  }
  if (remaining < 0) throw new NotZstd();
  return { table: fseTable(accuracyLog, probabilities), bytesRead: input.bytesRead };
}

/** Codes of at most eleven bits: for each such number the symbol whose code it begins with, and how long that is. */
export interface HuffmanTable {
  readonly maxBits: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
}

const huffmanBitsMax = 11;

/** @see RFC 8878, 4.2.1 @throws NotZstd */
export function readHuffmanTable(bytes: Uint8Array): { readonly table: HuffmanTable; readonly bytesRead: number } {
  const header = bytes[0] ?? 0;
  if (header < 128) {
    const packed = bytes.subarray(1, 1 + header);
    if (packed.length < header) throw new NotZstd();
    return { table: huffmanTable(packedWeights(packed)), bytesRead: 1 + header };
  }
  const count = header - 127;
  const bytesRead = 1 + Math.ceil(count / 2);
  if (bytes.length < bytesRead) throw new NotZstd();
  const weights = Array.from({ length: count }, (_, index) => {
    const byte = bytes[1 + (index >> 1)] ?? 0;
    return index % 2 === 0 ? byte >> 4 : byte & 15;
  });
  return { table: huffmanTable(weights), bytesRead };
}

/** Two states take turns, until more bits were read than there are. */
function packedWeights(bytes: Uint8Array): number[] {
  const { table, bytesRead } = readFseTable(bytes, 6, huffmanBitsMax + 1);
  const input = new BackwardBits(bytes.subarray(bytesRead));
  const states: [number, number] = [input.read(table.accuracyLog), input.read(table.accuracyLog)];
  if (input.left < 0) throw new NotZstd();
  const weights: number[] = [];
  for (let turn: 0 | 1 = 0; ; turn = turn === 0 ? 1 : 0) {
    weights.push(table.symbols[states[turn]] ?? 0);
    if (weights.length > 254) throw new NotZstd();
    states[turn] = (table.bases[states[turn]] ?? 0) + input.read(table.bits[states[turn]] ?? 0);
    if (input.left < 0) {
      weights.push(table.symbols[states[turn === 0 ? 1 : 0]] ?? 0);
      return weights;
    }
  }
}

/** The last symbol has what weight is left. */
function huffmanTable(given: readonly number[]): HuffmanTable {
  const sum = given.reduce((total, weight) => total + (weight > 0 ? 2 ** (weight - 1) : 0), 0);
  if (sum === 0 || sum >= 1 << huffmanBitsMax) throw new NotZstd();
  const maxBits = log2(sum) + 1;
  const left = (1 << maxBits) - sum;
  if ((left & (left - 1)) !== 0) throw new NotZstd();
  const weights = [...given, log2(left) + 1];
  const symbols = new Uint8Array(1 << maxBits);
  const bits = new Uint8Array(1 << maxBits);
  let at = 0;
  for (let weight = 1; weight <= maxBits; weight += 1)
    for (const [symbol, own] of weights.entries()) {
      if (own !== weight) continue;
      const end = at + (1 << (weight - 1));
      symbols.fill(symbol, at, end);
      bits.fill(maxBits + 1 - weight, at, end);
      at = end;
    }
  if (at !== 1 << maxBits) throw new NotZstd();
  return { maxBits, symbols, bits };
}

/** Fills `out` with symbols of one stream, which has as many and no more. @throws NotZstd */
export function readHuffman(bytes: Uint8Array, { maxBits, symbols, bits }: HuffmanTable, out: Uint8Array): void {
  const input = new BackwardBits(bytes);
  for (let at = 0; at < out.length; at += 1) {
    const code = input.peek(maxBits);
    out[at] = symbols[code] ?? 0;
    input.left -= bits[code] ?? 0;
    if (input.left < 0) throw new NotZstd();
  }
  if (input.left !== 0) throw new NotZstd();
}
