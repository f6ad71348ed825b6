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

const lanes = [new Word(0, 0), new Word(0, 0), new Word(0, 0), new Word(0, 0)] as const;
const acc = new Word(0, 0);
const own = new Word(0, 0);

/** What a round makes of nothing but a lane. */
const alone = (lane: Word): Word => own.set(lane).multiply(p2).rotate(31).multiply(p1);

/** @returns the hash as a signed 64-bit integer */
export function xxhash64(bytes: Buffer): bigint {
  const { length } = bytes;
  let at = 0;
  if (length >= 32) {
    for (const [index, lane] of lanes.entries()) lane.set(starts[index] ?? p2);
    for (; at + 32 <= length; at += 32)
      for (let index = 0; index < 4; index += 1) {
        const input = own.read(bytes, at + index * 8).multiply(p2);
        lanes[index]?.add(input).rotate(31).multiply(p1);
      }
    acc.high = 0;
    acc.low = 0;
    for (const [index, lane] of lanes.entries()) acc.add(own.set(lane).rotate(laneTurns[index] ?? 1));
    for (const lane of lanes) acc.xor(alone(lane)).multiply(p1).add(p4);
  } else {
    acc.set(p5);
  }
  own.high = 0;
  own.low = length | 0;
  acc.add(own);
  for (; at + 8 <= length; at += 8)
    acc.xor(own.read(bytes, at).multiply(p2).rotate(31).multiply(p1)).rotate(27).multiply(p1).add(p4);
  if (at + 4 <= length) {
    own.high = 0;
    own.low = bytes.readInt32LE(at);
    acc.xor(own.multiply(p1)).rotate(23).multiply(p2).add(p3);
    at += 4;
  }
  for (; at < length; at += 1) {
    own.high = 0;
    own.low = bytes[at] ?? 0;
    acc.xor(own.multiply(p5)).rotate(11).multiply(p1);
  }
  return acc.mix(33).multiply(p2).mix(29).multiply(p3).mix(32).signed;
}
