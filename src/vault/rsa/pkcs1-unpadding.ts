/** Takes the message out of an RSAES-PKCS1-v1_5 block `00 02 (8 or more non-zero) 00 message` (RFC 8017, section 7.2.2, step 3).
 * Every step touches every byte, and neither branches nor indexes by what the block holds, until the single verdict at
 * the end. Node leaves this to us: version 20 refuses all private operations with this padding, 22 and 24 invent a message.
 * @param block as long as the modulus; overwritten
 * @returns a copy of the message, or undefined when the padding is wrong in any way */
export function unpadPkcs1(block: Buffer): Buffer | undefined {
  const length = block.length;
  let bad = nonZero(block.readUInt8(0)) | nonZero(block.readUInt8(1) ^ 2);
  let found = 0; // all ones once the separator has been seen
  let messageAt = 0;
  for (let at = 2; at < length; at++) {
    const isZero = nonZero(block.readUInt8(at)) ^ 1;
    const isSeparator = isZero & (found ^ 1);
    messageAt |= -isSeparator & (at + 1);
    found |= isZero;
  }
  bad |= found ^ 1;
  bad |= lessThan(messageAt, 11); // two bytes, at least eight of padding, the separator
  const moved = shiftLeft(block, messageAt & (bad - 1));
  const messageLength = length - messageAt;
  const message = bad === 0 ? Buffer.from(moved.subarray(0, messageLength)) : undefined;
  moved.fill(0);
  return message;
}

/** Moves the bytes from `offset` to the front in a number of steps that depends on the length only. */
function shiftLeft(block: Buffer, offset: number): Buffer {
  const length = block.length;
  for (let step = 1; step < length; step <<= 1) {
    const take = -nonZero(offset & step) & 0xff;
    for (let at = 0; at < length; at++) {
      const here = block.readUInt8(at);
      const there = at + step < length ? block.readUInt8(at + step) : 0;
      block.writeUInt8((there & take) | (here & ~take & 0xff), at);
    }
  }
  return block;
}

/** 1 for anything but 0, for integers of up to 31 bits. */
const nonZero = (value: number): number => ((value | -value) >>> 31) & 1;

/** 1 when left < right, for integers of up to 31 bits. */
const lessThan = (left: number, right: number): number => ((left - right) >>> 31) & 1;
