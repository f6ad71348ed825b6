/** XXH64 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md), seed 0. */
const p1 = 11400714785074694791n;
const p2 = 14029467366897019727n;
const p3 = 1609587929392839161n;
const p4 = 9650029242287828579n;
const p5 = 2870177450012600261n;
const mask = (1n << 64n) - 1n;

const rotl = (x: bigint, n: bigint): bigint => ((x << n) | (x >> (64n - n))) & mask;
const round = (acc: bigint, lane: bigint): bigint => (rotl((acc + lane * p2) & mask, 31n) * p1) & mask;
const merge = (acc: bigint, lane: bigint): bigint => ((acc ^ round(0n, lane)) * p1 + p4) & mask;

/** @returns the hash as a signed 64-bit integer */
export function xxhash64(bytes: Buffer): bigint {
  const { length } = bytes;
  let at = 0;
  let acc: bigint;
  if (length >= 32) {
    const lanes = [(p1 + p2) & mask, p2, 0n, (mask + 1n - p1) & mask];
    for (; at + 32 <= length; at += 32) {
      for (let lane = 0; lane < 4; lane += 1)
        lanes[lane] = round(lanes[lane] ?? 0n, bytes.readBigUInt64LE(at + lane * 8));
    }
    const [a = 0n, b = 0n, c = 0n, d = 0n] = lanes;
    acc = (rotl(a, 1n) + rotl(b, 7n) + rotl(c, 12n) + rotl(d, 18n)) & mask;
    for (const lane of [a, b, c, d]) acc = merge(acc, lane);
  } else {
    acc = p5;
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
