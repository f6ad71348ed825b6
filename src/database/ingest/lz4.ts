/** Unpacks one raw block of LZ4. @param bytesMax of what comes out
 * @returns undefined for what is no such block, or is longer @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md */
export function unpackLz4(packed: Uint8Array, bytesMax: number): Uint8Array | undefined {
  const out = new Uint8Array(bytesMax);
  let from = 0;
  let to = 0;
  /** Four bits, and more bytes as long as they are full. */
  const lengthOf = (bits: number): number => {
    let length = bits;
    if (bits < 15) return length;
    for (;;) {
      const byte = packed[from];
      if (byte === undefined) return Infinity;
      from += 1;
      length += byte;
      if (byte < 255) return length;
    }
  };
  while (from < packed.length) {
    const token = packed[from] ?? 0;
    from += 1;
    const literals = lengthOf(token >> 4);
    if (literals > packed.length - from || literals > bytesMax - to) return undefined;
    out.set(packed.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    if (from === packed.length) break;
    const distance = (packed[from] ?? 0) | ((packed[from + 1] ?? 0) << 8);
    from += 2;
    const count = lengthOf(token & 15) + 4;
    if (from > packed.length || distance === 0 || distance > to || count > bytesMax - to) return undefined;
    for (let at = 0; at < count; at += 1) out[to + at] = out[to + at - distance] ?? 0;
    to += count;
  }
  // A piece that makes little keeps no more than that.
  return out.slice(0, to);
}
