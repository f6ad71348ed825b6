const multiplier = 0xc6a4a7935bd1e995n;
const seed = 0xc70f6907n;
const mask = (1n << 64n) - 1n;
const mixed = (x: bigint): bigint => x ^ (x >> 47n);

/** MurmurHash64A (Austin Appleby, public domain) of the bytes of a text, with the seed of GNU's C++ library. */
export function murmurHash64(text: string): bigint {
  const bytes = Buffer.from(text, 'utf8');
  const whole = bytes.length - (bytes.length % 8);
  let hash = seed ^ ((BigInt(bytes.length) * multiplier) & mask);
  for (let at = 0; at < whole; at += 8) {
    const part = (mixed((bytes.readBigUInt64LE(at) * multiplier) & mask) * multiplier) & mask;
    hash = ((hash ^ part) * multiplier) & mask;
  }
  if (whole < bytes.length) {
    let rest = 0n;
    for (let at = bytes.length - 1; at >= whole; at -= 1) rest = (rest << 8n) | BigInt(bytes[at] ?? 0);
    hash = ((hash ^ rest) * multiplier) & mask;
  }
  return mixed((mixed(hash) * multiplier) & mask);
}

const bucketCounts = [2, 3, 5, 7, 11, 13, 17];

/** The service keeps neighbours in a hash set, and gives them in the order in which GNU's `std::unordered_set` walks over what was put
 * in: the latest first, but next to what shares its bucket. Found from neighbours recorded of the three kinds of cells. */
export function inSetOrder(tokens: readonly string[]): string[] {
  const buckets = BigInt(bucketCounts.find((count) => count >= tokens.length) ?? 17);
  const found: { readonly token: string; readonly bucket: bigint }[] = [];
  for (const token of new Set(tokens)) {
    const bucket = murmurHash64(token) % buckets;
    const first = found.findIndex((other) => other.bucket === bucket);
    found.splice(Math.max(first, 0), 0, { token, bucket });
  }
  return found.map(({ token }) => token);
}
