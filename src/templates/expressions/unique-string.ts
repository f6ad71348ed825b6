/** The hash behind `uniqueString()` and the hashes of templates: 64 bits of a MurmurHash3 whose two 32-bit lanes feed each other.
 * The constants are the service's; known values are in the tests. */
export function templateHash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let [first, second] = [0, 0];
  const whole = bytes.length - (bytes.length % 8);
  for (let at = 0; at < whole; at += 8) {
    first = rotate(first ^ mixFirst(view.getUint32(at, true)), 19);
    first = Math.imul((first + second) | 0, 5) + 0x561ccd1b;
    second = rotate(second ^ mixSecond(view.getUint32(at + 4, true)), 13);
    second = Math.imul((second + first) | 0, 5) + 0x0bcaa747;
  }
  const tail = bytes.length - whole;
  if (tail > 0) first ^= mixFirst(littleEndian(bytes, whole, Math.min(tail, 4)));
  if (tail > 4) second ^= mixSecond(littleEndian(bytes, whole + 4, tail - 4));
  first ^= bytes.length;
  second ^= bytes.length;
  first = (first + second) | 0;
  second = (second + first) | 0;
  first = finish(first);
  second = finish(second);
  first = (first + second) | 0;
  second = (second + first) | 0;
  return (BigInt(second >>> 0) << 32n) | BigInt(first >>> 0);
}

/** 13 characters of a to z and 2 to 7, the same for the same texts. */
export function uniqueString(texts: readonly string[]): string {
  let hash = templateHash64(new TextEncoder().encode(texts.join('-')));
  let text = '';
  for (let at = 0; at < 13; at++) {
    text += 'abcdefghijklmnopqrstuvwxyz234567'[Number(hash >> 59n)] ?? '';
    hash = BigInt.asUintN(64, hash << 5n);
  }
  return text;
}

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
const firstFactor = 0x239b961b;
const secondFactor = 0xab0e9789;
const mixFirst = (lane: number): number => Math.imul(rotate(Math.imul(lane, firstFactor), 15), secondFactor);
const mixSecond = (lane: number): number => Math.imul(rotate(Math.imul(lane, secondFactor), 17), firstFactor);

function littleEndian(bytes: Uint8Array, from: number, length: number): number {
  let value = 0;
  for (let at = length - 1; at >= 0; at--) value = (value << 8) | (bytes[from + at] ?? 0);
  return value;
}

function finish(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
