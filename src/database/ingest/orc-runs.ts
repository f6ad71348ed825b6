import { orcWrong } from './orc-wrong.ts';

/** Bytes of one stream of a column, unpacked. */
export class OrcBytes {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw orcWrong('has a column that ends too early');
    this.#at += 1;
    return byte;
  }

  take(count: number): Uint8Array {
    if (!(count >= 0 && count <= this.#bytes.length - this.#at)) throw orcWrong('has a column that ends too early');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** Of any length up to `bitsMax`. */
  varint(bitsMax = 70n): bigint {
    let low = 0;
    for (let shift = 0; shift < 49; shift += 7) {
      const byte = this.byte();
      low += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return BigInt(low);
    }
    let value = BigInt(low);
    for (let shift = 49n; shift < bitsMax; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw orcWrong('has a number that is too long');
  }

  zigzag(bitsMax?: bigint): bigint {
    return unzigzag(this.varint(bitsMax));
  }

  bigEndian(count: number): bigint {
    let value = 0n;
    for (const byte of this.take(count)) value = (value << 8n) | BigInt(byte);
    return value;
  }
}

const unzigzag = (value: bigint): bigint => (value >> 1n) ^ -(value & 1n);

/** Runs of bytes. @see ORC specification, "Byte Run Length Encoding" */
export class ByteRuns {
  readonly #from: OrcBytes;
  #left = 0;
  #repeated: number | undefined;

  constructor(bytes: Uint8Array) {
    this.#from = new OrcBytes(bytes);
  }

  next(): number {
    if (this.#left === 0) {
      const control = this.#from.byte();
      this.#left = control < 128 ? control + 3 : 256 - control;
      this.#repeated = control < 128 ? this.#from.byte() : undefined;
    }
    this.#left -= 1;
    return this.#repeated ?? this.#from.byte();
  }
}

/** Bits, the most significant of a byte first. */
export class BitRuns {
  readonly #bytes: ByteRuns;
  #byte = 0;
  #left = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = new ByteRuns(bytes);
  }

  next(): boolean {
    if (this.#left === 0) {
      this.#byte = this.#bytes.next();
      this.#left = 8;
    }
    this.#left -= 1;
    return ((this.#byte >> this.#left) & 1) === 1;
  }
}

export interface IntegerRuns {
  next(): bigint;
}

/** @see ORC specification, "Integer Run Length Encoding, version 1" */
class IntegerRuns1 implements IntegerRuns {
  readonly #from: OrcBytes;
  readonly #read: () => bigint;
  #left = 0;
  #base: bigint | undefined;
  #step = 0n;

  constructor(bytes: Uint8Array, isSigned: boolean) {
    const from = new OrcBytes(bytes);
    this.#from = from;
    this.#read = isSigned ? () => from.zigzag() : () => from.varint();
  }

  next(): bigint {
    if (this.#left === 0) {
      const control = this.#from.byte();
      this.#left = control < 128 ? control + 3 : 256 - control;
      this.#step = control < 128 ? BigInt.asIntN(8, BigInt(this.#from.byte())) : 0n;
      this.#base = control < 128 ? this.#read() : undefined;
    }
    this.#left -= 1;
    if (this.#base === undefined) return this.#read();
    const value = this.#base;
    this.#base = value + this.#step;
    return value;
  }
}

const widths = [...Array.from({ length: 24 }, (_value, index) => index + 1), ...[26, 28, 30, 32, 40, 48, 56, 64]];

/** @see ORC specification, "Integer Run Length Encoding, version 2" */
class IntegerRuns2 implements IntegerRuns {
  readonly #from: OrcBytes;
  readonly #isSigned: boolean;
  #values: readonly bigint[] = [];
  #at = 0;

  constructor(bytes: Uint8Array, isSigned: boolean) {
    this.#from = new OrcBytes(bytes);
    this.#isSigned = isSigned;
  }

  next(): bigint {
    if (this.#at === this.#values.length) {
      this.#values = this.#run();
      this.#at = 0;
    }
    const value = this.#values[this.#at] ?? 0n;
    this.#at += 1;
    return value;
  }

  /** Never more than 512. */
  #run(): readonly bigint[] {
    const first = this.#from.byte();
    switch (first >> 6) {
      case 0: {
        const value = this.#from.bigEndian(((first >> 3) & 7) + 1);
        return Array.from({ length: (first & 7) + 3 }, () => this.#signed(value));
      }
      case 1: {
        const { width, count } = this.#header(first);
        return this.#packed(width, count).map((value) => this.#signed(value));
      }
      case 2:
        return this.#patched(first);
      default:
        return this.#delta(first);
    }
  }

  #header(first: number): { readonly code: number; readonly width: number; readonly count: number } {
    const code = (first >> 1) & 31;
    return { code, width: widths[code] ?? 64, count: ((first & 1) << 8) + this.#from.byte() + 1 };
  }

  #patched(first: number): readonly bigint[] {
    const { width, count } = this.#header(first);
    const [third, fourth] = [this.#from.byte(), this.#from.byte()];
    const baseBytes = (third >> 5) + 1;
    const patchWidth = widths[third & 31] ?? 64;
    const gapWidth = (fourth >> 5) + 1;
    const raw = this.#from.bigEndian(baseBytes);
    const sign = 1n << BigInt(baseBytes * 8 - 1);
    const base = (raw & sign) === 0n ? raw : -(raw & (sign - 1n));
    const values = [...this.#packed(width, count)];
    const entryWidth = widths.find((one) => one >= patchWidth + gapWidth) ?? 64;
    let at = 0;
    for (const entry of this.#packed(entryWidth, fourth & 31)) {
      at += Number(entry >> BigInt(patchWidth));
      const held = values[at];
      if (held === undefined) throw orcWrong('has a run of numbers with a patch outside of it');
      values[at] = held | ((entry & ((1n << BigInt(patchWidth)) - 1n)) << BigInt(width));
    }
    return values.map((value) => base + value);
  }

  #delta(first: number): readonly bigint[] {
    const { code, width, count } = this.#header(first);
    const base = this.#isSigned ? this.#from.zigzag() : this.#from.varint();
    const step = this.#from.zigzag();
    const values = [base];
    if (count > 1) values.push(base + step);
    const deltas = code === 0 ? undefined : this.#packed(width, Math.max(0, count - 2));
    for (let index = 2; index < count; index += 1) {
      const size = deltas === undefined ? step : step < 0n ? -(deltas[index - 2] ?? 0n) : (deltas[index - 2] ?? 0n);
      values.push((values[index - 1] ?? 0n) + size);
    }
    return values;
  }

  #signed(value: bigint): bigint {
    return this.#isSigned ? unzigzag(value) : value;
  }

  /** So many numbers of so many bits, the most significant first. */
  #packed(width: number, count: number): readonly bigint[] {
    const bytes = this.#from.take(Math.ceil((width * count) / 8));
    const values: bigint[] = [];
    let bit = 0;
    for (let index = 0; index < count; index += 1) {
      let [high, low] = [0, 0];
      for (let left = width; left > 0;) {
        const free = 8 - (bit & 7);
        const some = Math.min(free, left);
        const part = ((bytes[bit >> 3] ?? 0) >> (free - some)) & ((1 << some) - 1);
        // In two halves, since numbers are exact to 53 bits only.
        if (left > 32) {
          const lower = Math.max(0, some - (left - 32));
          high = high * 2 ** (some - lower) + (part >> lower);
          low = low * 2 ** lower + (part & ((1 << lower) - 1));
        } else low = low * 2 ** some + part;
        bit += some;
        left -= some;
      }
      values.push(width > 32 ? (BigInt(high) << 32n) | BigInt(low) : BigInt(low));
    }
    return values;
  }
}

/** @param version of the encoding, as the column says */
export const integerRuns = (bytes: Uint8Array, isSigned: boolean, version: 1 | 2): IntegerRuns =>
  version === 1 ? new IntegerRuns1(bytes, isSigned) : new IntegerRuns2(bytes, isSigned);
