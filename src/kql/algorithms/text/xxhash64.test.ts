import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ByteRows } from './byte-rows.ts';
import { xxhash64 } from './xxhash64.ts';
import { xxhash64Rows } from './xxhash64-rows.ts';

const mask = (1n << 64n) - 1n;
const [p1, p2, p3, p4, p5] = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
];
const rotl = (x: bigint, n: bigint): bigint => ((x << n) | (x >> (64n - n))) & mask;
const round = (acc: bigint, lane: bigint): bigint => (rotl((acc + lane * p2) & mask, 31n) * p1) & mask;

/** The specification, step by step, in whole numbers of any length. */
function specified(bytes: Buffer): bigint {
  const { length } = bytes;
  let [at, acc] = [0, p5];
  if (length >= 32) {
    let lanes = [p1 + p2, p2, 0n, -p1].map((lane) => lane & mask);
    for (; at + 32 <= length; at += 32)
      lanes = lanes.map((lane, index) => round(lane, bytes.readBigUInt64LE(at + index * 8)));
    acc = lanes.reduce((sum, lane, index) => sum + rotl(lane, [1n, 7n, 12n, 18n][index] ?? 0n), 0n) & mask;
    for (const lane of lanes) acc = ((acc ^ round(0n, lane)) * p1 + p4) & mask;
  }
  acc = (acc + BigInt(length)) & mask;
  for (; at + 8 <= length; at += 8) acc = (rotl(acc ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * p1 + p4) & mask;
  if (at + 4 <= length) {
    acc = (rotl(acc ^ ((BigInt(bytes.readUInt32LE(at)) * p1) & mask), 23n) * p2 + p3) & mask;
    at += 4;
  }
  for (; at < length; at += 1) acc = (rotl(acc ^ ((BigInt(bytes[at] ?? 0) * p5) & mask), 11n) * p1) & mask;
  acc = ((acc ^ (acc >> 33n)) * p2) & mask;
  acc = ((acc ^ (acc >> 29n)) * p3) & mask;
  return BigInt.asIntN(64, acc ^ (acc >> 32n));
}

/** Values that stand in as many pieces of memory as there are; undefined is null. */
function rowsOf(
  pieces: readonly Buffer[],
  values: readonly (readonly [number, number, number] | undefined)[],
): ByteRows {
  let at: readonly [number, number, number] = [0, 0, 0];
  return {
    rowCount: values.length,
    isNull: (row) => values[row] === undefined,
    find: (row) => void (at = values[row] ?? at),
    get bytes() {
      return pieces[at[0]] ?? Buffer.alloc(0);
    },
    get from() {
      return at[1];
    },
    get to() {
      return at[2];
    },
  };
}

describe('XXH64', () => {
  it('of many values is that of each, wherever they stand', () => {
    const lengths = [40, 300, 70_000, 1_500_000, 3_000_000, 2_500_000, 600_000];
    const pieces = lengths.map((length, index) => Buffer.alloc(length, `piece ${index} ü`));
    const values = Array.from({ length: 5_000 }, (_value, row) => {
      if (row % 7 === 3) return undefined;
      const piece = row % 5 === 0 ? row % lengths.length : row % 2;
      const from = (row * 31) % 40;
      return [piece, from, Math.min(lengths[piece] ?? 0, from + (row % 150))] as const;
    });
    // Longer than there is room for all, and for any.
    values.push([4, 0, 3_000_000], [3, 5, 1_400_000], undefined, [5, 7, 1_000_000], [0, 0, 0]);
    const found = new BigInt64Array(values.length);
    xxhash64Rows(rowsOf(pieces, values), found);
    const wrong = values.filter((value, row) => {
      if (value === undefined) return false;
      const [piece, from, to] = value;
      return found[row] !== xxhash64(pieces[piece]?.subarray(from, to) ?? Buffer.alloc(0));
    });
    expect(wrong).toEqual([]);
  });

  it('of many values is as specified for bytes of every kind and length', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 140 }), { maxLength: 20 }), (texts) => {
        const piece = Buffer.concat(texts);
        let from = 0;
        const values = texts.map(({ length }) => [0, from, (from += length)] as const);
        const found = new BigInt64Array(texts.length);
        xxhash64Rows(rowsOf([piece], values), found);
        expect([...found]).toEqual(texts.map((text) => specified(Buffer.from(text))));
      }),
      { numRuns: 300 },
    );
  });

  it.each<[string, bigint]>([
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
    ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
  ])('is as published for "%s"', (text, hash) => {
    expect(xxhash64(Buffer.from(text))).toBe(BigInt.asIntN(64, hash));
  });

  it('is as specified for bytes of every kind and length', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 140 }),
      fc.array(fc.constantFrom(0, 1, 127, 128, 255), { maxLength: 70 }),
    );
    fc.assert(
      fc.property(bytes, (values) => {
        const buffer = Buffer.from(values);
        expect(xxhash64(buffer)).toBe(specified(buffer));
      }),
      { numRuns: 2_000 },
    );
  });
});
