import { crc32, deflateRawSync } from 'node:zlib';

/** A zip archive of texts by their names. @param wrong said of each file in the place of its size */
export function zipOf(files: Readonly<Record<string, string>>, wrong: { readonly bytes?: number } = {}): Buffer {
  const parts: Buffer[] = [];
  const list: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const content = Buffer.from(text);
    const packed = deflateRawSync(content);
    const sizes = Buffer.alloc(12);
    sizes.writeUInt32LE(crc32(content), 0);
    sizes.writeUInt32LE(packed.byteLength, 4);
    sizes.writeUInt32LE(wrong.bytes ?? content.byteLength, 8);
    const common = Buffer.from([20, 0, 0, 8, 8, 0, 0, 0, 0, 0]); // version, flags (UTF-8), deflate, time, date
    const lengths = Buffer.alloc(4);
    lengths.writeUInt16LE(Buffer.byteLength(name), 0);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, sizes, lengths, Buffer.from(name), packed]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    list.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), common, sizes, lengths, place, Buffer.from(name)]));
    parts.push(local);
    offset += local.byteLength;
  }
  const listed = Buffer.concat(list);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(list.length, 4);
  end.writeUInt16LE(list.length, 6);
  end.writeUInt32LE(listed.byteLength, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, listed, Buffer.from('PK\x05\x06'), end]);
}
