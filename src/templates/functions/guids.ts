import { createHash } from 'node:crypto';

/** The namespace of the service's `guid()`. */
const namespace = Buffer.from('11fb06fb712d4ddd98c7e71bbd588830', 'hex');

/** RFC 9562, version 5, over the texts with hyphens between. */
export function guidOf(texts: readonly string[]): string {
  const hash = createHash('sha1').update(namespace).update(texts.join('-')).digest().subarray(0, 16);
  return written(hash, 5);
}

export const newGuidText = (randomBytes: (length: number) => Uint8Array): string =>
  written(Buffer.from(randomBytes(16)), 4);

function written(bytes: Buffer, version: number): string {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | (version << 4), 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
