import { crc32, deflateRawSync } from 'node:zlib';

interface Packed {
  readonly name: string;
  readonly sum: number;
  readonly packedBytes: number;
  readonly bytes: number;
}

const common = Buffer.from([20, 0, 0, 8, 8, 0, 0, 0, 0, 0]); // version, flags (UTF-8), deflate, time, date

/** Before a file, where it is packed. */
function headOf({ name, sum, packedBytes, bytes }: Packed): { readonly local: Buffer; readonly listed: Buffer } {
  const sizes = Buffer.alloc(16);
  sizes.writeUInt32LE(sum, 0);
  sizes.writeUInt32LE(packedBytes, 4);
  sizes.writeUInt32LE(bytes, 8);
  sizes.writeUInt16LE(Buffer.byteLength(name), 12);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, sizes, Buffer.from(name)]);
  return { local, listed: Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), common, sizes]) };
}

/** @param files where each stands in the parts */
function archiveOf(parts: readonly Buffer[], files: readonly (Packed & { readonly offset: number })[]): Buffer {
  const content = Buffer.concat(parts);
  const listed = Buffer.concat(
    files.flatMap((file) => {
      const place = Buffer.alloc(14);
      place.writeUInt32LE(file.offset, 10);
      return [headOf(file).listed, place, Buffer.from(file.name)];
    }),
  );
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(listed.byteLength, 8);
  end.writeUInt32LE(content.byteLength, 12);
  return Buffer.concat([content, listed, Buffer.from('PK\x05\x06'), end]);
}

/** A zip archive of texts by their names. @param wrong said of each file in the place of its size */
export function zipOf(
  files: Readonly<Record<string, string | Buffer>>,
  wrong: { readonly bytes?: number } = {},
): Buffer {
  let offset = 0;
  const made = Object.entries(files).map(([name, text]) => {
    const content = Buffer.from(text);
    const packed = deflateRawSync(content);
    const bytes = wrong.bytes ?? content.byteLength;
    const file = { name, sum: crc32(content), packedBytes: packed.byteLength, bytes, offset };
    const part = Buffer.concat([headOf(file).local, packed]);
    offset += part.byteLength;
    return { file, part };
  });
  return archiveOf(
    made.map(({ part }) => part),
    made.map(({ file }) => file),
  );
}

/** Files that end with the same packed text, each of which quotes the heads of those behind it: so many times the text, packed once. Sums are
 * left out. @see D. Fifield, "A better zip bomb" (WOOT 2019), "quoted overlap" */
export function overlappingZip(count: number, text: string): Buffer {
  let packed = deflateRawSync(text);
  let bytes = Buffer.byteLength(text);
  const files: (Packed & { readonly fromEnd: number })[] = [];
  for (let index = count; index > 0; index -= 1) {
    const file = { name: `${index}.csv`, sum: 0, packedBytes: packed.byteLength, bytes };
    const { local } = headOf(file);
    files.unshift({ ...file, fromEnd: local.byteLength + packed.byteLength });
    const stored = Buffer.alloc(5);
    stored.writeUInt16LE(local.byteLength, 1);
    stored.writeUInt16LE(local.byteLength ^ 0xffff, 3);
    bytes += local.byteLength;
    packed = Buffer.concat([stored, local, packed]);
  }
  const content = packed.subarray(5); // nobody quotes the first one
  return archiveOf(
    [content],
    files.map(({ fromEnd, ...file }) => ({ ...file, offset: content.byteLength - fromEnd })),
  );
}
