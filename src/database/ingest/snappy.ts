/** Unpacks one block of Snappy. @param bytesMax of what comes out
 * @returns undefined for what is no such block, or is longer
 * @see https://github.com/google/snappy/blob/main/format_description.txt */
export function unpackSnappy(packed: Uint8Array, bytesMax: number): Uint8Array | undefined {
  const length = varint(packed);
  if (length === undefined || length.value > bytesMax) return undefined;
  const out = new Uint8Array(length.value);
  let from = length.next;
  let to = 0;
  while (from < packed.length) {
    const tag = packed[from] ?? 0;
    from += 1;
    const size = tag >> 2;
    if ((tag & 3) === 0) {
      const extra = size < 60 ? 0 : size - 59;
      const count = extra === 0 ? size + 1 : littleEndian(packed, from, extra) + 1;
      from += extra;
      if (from + count > packed.length || to + count > out.length) return undefined;
      out.set(packed.subarray(from, from + count), to);
      from += count;
      to += count;
      continue;
    }
    const isShort = (tag & 3) === 1;
    const wide = (tag & 3) === 3 ? 4 : 2;
    const count = isShort ? 4 + (size & 7) : size + 1;
    const distance = isShort ? ((tag >> 5) << 8) | (packed[from] ?? 0) : littleEndian(packed, from, wide);
    from += isShort ? 1 : wide;
    if (from > packed.length || distance === 0 || distance > to || to + count > out.length) return undefined;
    // What is copied may reach into what the copy itself has made.
    if (distance >= count) out.copyWithin(to, to - distance, to - distance + count);
    else for (let at = 0; at < count; at += 1) out[to + at] = out[to + at - distance] ?? 0;
    to += count;
  }
  return to === out.length ? out : undefined;
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = count - 1; index >= 0; index -= 1) value = value * 256 + (bytes[at + index] ?? 0);
  return value;
}

function varint(bytes: Uint8Array): { readonly value: number; readonly next: number } | undefined {
  let value = 0;
  for (let at = 0; at < 5; at += 1) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * at);
    if ((byte & 0x80) === 0) return { value, next: at + 1 };
  }
  return undefined;
}
