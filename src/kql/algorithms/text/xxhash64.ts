/** XXH64 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md), seed 0. In halves of 32 bits: JavaScript makes an object of every
 * whole number of 64. */
type Half = number;

/** A number of 64 bits that is worked on in place. */
class Word {
  constructor(
    public high: Half,
    public low: Half,
  ) {}

  static of(value: bigint): Word {
    return new Word(Number((value >> 32n) & 0xffff_ffffn) | 0, Number(value & 0xffff_ffffn) | 0);
  }

  set({ high, low }: Word): this {
    this.high = high;
    this.low = low;
    return this;
  }

  read(bytes: Buffer, at: number): this {
    this.low = bytes.readInt32LE(at);
    this.high = bytes.readInt32LE(at + 4);
    return this;
  }

  add({ high, low }: Word): this {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.high = (this.high + high + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    this.low = sum | 0;
    return this;
  }

  xor({ high, low }: Word): this {
    this.high ^= high;
    this.low ^= low;
    return this;
  }

  multiply({ high, low }: Word): this {
    const [a1, a0, b1, b0] = [this.low >>> 16, this.low & 0xffff, low >>> 16, low & 0xffff];
    const least = a0 * b0;
    const [left, right] = [a0 * b1, a1 * b0];
    const middle = (least >>> 16) + (left & 0xffff) + (right & 0xffff);
    this.high =
      (a1 * b1 +
        (left >>> 16) +
        (right >>> 16) +
        (middle >>> 16) +
        (Math.imul(this.high, low) >>> 0) +
        (Math.imul(this.low, high) >>> 0)) |
      0;
    this.low = (middle << 16) | (least & 0xffff);
    return this;
  }

  /** @param by 1 to 31 */
  rotate(by: number): this {
    const { high, low } = this;
    this.high = (high << by) | (low >>> (32 - by));
    this.low = (low << by) | (high >>> (32 - by));
    return this;
  }

  /** Its own upper bits over the lower ones. @param by 1 to 63 */
  mix(by: number): this {
    const { high, low } = this;
    this.low = low ^ (by >= 32 ? high >>> (by - 32) : (low >>> by) | (high << (32 - by)));
    if (by < 32) this.high = high ^ (high >>> by);
    return this;
  }

  get signed(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low >>> 0);
  }
}

const p1 = Word.of(11400714785074694791n);
const p2 = Word.of(14029467366897019727n);
const p3 = Word.of(1609587929392839161n);
const p4 = Word.of(9650029242287828579n);
const p5 = Word.of(2870177450012600261n);
const starts = [Word.of(p1.signed + p2.signed), p2, Word.of(0n), Word.of(-p1.signed)] as const;
const laneTurns = [1, 7, 12, 18] as const;

type Lanes = readonly [Word, Word, Word, Word];
const newLanes = (): Lanes => [new Word(0, 0), new Word(0, 0), new Word(0, 0), new Word(0, 0)];

const lanes = newLanes();
const acc = new Word(0, 0);
const own = new Word(0, 0);

/** What a round makes of nothing but a lane. */
const alone = (lane: Word): Word => own.set(lane).multiply(p2).rotate(31).multiply(p1);

const begin = (some: Lanes): void => {
  for (const [index, lane] of some.entries()) lane.set(starts[index] ?? p2);
};

/** Takes in what is whole of 32 bytes each.
 * @returns where the rest begins */
function takeWhole(some: Lanes, bytes: Buffer, from: number, end: number): number {
  let at = from;
  for (; at + 32 <= end; at += 32)
    for (let index = 0; index < 4; index += 1) {
      const input = own.read(bytes, at + index * 8).multiply(p2);
      some[index]?.add(input).rotate(31).multiply(p1);
    }
  return at;
}

/** @returns the hash as a signed 64-bit integer */
export function xxhash64(bytes: Buffer): bigint {
  const { length } = bytes;
  if (length < 32) return finished(undefined, bytes, 0, length, length);
  begin(lanes);
  return finished(lanes, bytes, takeWhole(lanes, bytes, 0, length), length, length);
}

/** The same of what comes bit by bit into one buffer. */
export class GrowingXxhash64 {
  readonly #start: number;
  readonly #lanes = newLanes();
  #at: number;

  /** @param start where in the buffer it begins */
  constructor(start: number) {
    this.#start = start;
    this.#at = start;
    begin(this.#lanes);
  }

  /** @param bytes the buffer, or a greater one with the same in it */
  take(bytes: Buffer, end: number): void {
    this.#at = takeWhole(this.#lanes, bytes, this.#at, end);
  }

  /** @returns as `xxhash64` */
  finish(bytes: Buffer, end: number): bigint {
    this.take(bytes, end);
    const length = end - this.#start;
    return finished(length < 32 ? undefined : this.#lanes, bytes, this.#at, end, length);
  }
}

/** @param some lanes, where there were 32 bytes or more
 * @param from of what they have not taken in */
function finished(some: Lanes | undefined, bytes: Buffer, from: number, end: number, length: number): bigint {
  let at = from;
  if (some === undefined) acc.set(p5);
  else {
    acc.high = 0;
    acc.low = 0;
    for (const [index, lane] of some.entries()) acc.add(own.set(lane).rotate(laneTurns[index] ?? 1));
    for (const lane of some) acc.xor(alone(lane)).multiply(p1).add(p4);
  }
  own.high = 0;
  own.low = length | 0;
  acc.add(own);
  for (; at + 8 <= end; at += 8)
    acc.xor(own.read(bytes, at).multiply(p2).rotate(31).multiply(p1)).rotate(27).multiply(p1).add(p4);
  if (at + 4 <= end) {
    own.high = 0;
    own.low = bytes.readInt32LE(at);
    acc.xor(own.multiply(p1)).rotate(23).multiply(p2).add(p3);
    at += 4;
  }
  for (; at < end; at += 1) {
    own.high = 0;
    own.low = bytes[at] ?? 0;
    acc.xor(own.multiply(p5)).rotate(11).multiply(p1);
  }
  return acc.mix(33).multiply(p2).mix(29).multiply(p3).mix(32).signed;
}
