import { constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

/** From this many bytes on codes are made for the text; below, the fixed codes of the format are used. */
const ownCodesMin = 48;
const storedMax = 65_535;

/** One block of the bytes as they are. @see RFC 1951 3.2.4 */
function stored(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(1, 0);
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(~bytes.length & 0xffff, 3);
  return Buffer.concat([head, bytes]);
}

/** Stored as it is what would not become shorter, as the service does it. */
function deflated(bytes: Buffer): Buffer {
  const strategy = bytes.length < ownCodesMin ? constants.Z_FIXED : constants.Z_DEFAULT_STRATEGY;
  const packed = deflateRawSync(bytes, { strategy });
  return bytes.length > 0 && bytes.length <= storedMax && packed.length >= bytes.length ? stored(bytes) : packed;
}

/** RFC 1952 without time, name and operating system. */
export function gzip(bytes: Buffer): Buffer {
  const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
  return Buffer.concat([head, deflated(bytes), gzipSync(bytes).subarray(-8)]);
}

/** RFC 1950 */
export const zlib = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0x78, 0x01]), deflated(bytes), deflateSync(bytes).subarray(-4)]);
