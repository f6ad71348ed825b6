import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MemoryVeil } from './memory-veil.ts';

describe('a veil over what stays in memory', () => {
  it('gives back what was veiled, of every length, and shows none of it', () => {
    const veil = new MemoryVeil(randomBytes);
    for (const length of [0, 1, 15, 16, 17, 31, 32, 33, 16_384]) {
      const plain = randomBytes(length);
      const veiled = veil.veil(plain);
      for (let turn = 0; turn < 2; turn += 1) expect(veil.unveil(veiled).equals(plain)).toBe(true);
      const bytes = Buffer.from(veiled.words.buffer);
      if (length > 15) expect(bytes.includes(plain.subarray(0, 8))).toBe(false);
    }
  });

  it('hides no two blocks under the same bytes, and needs its own key', () => {
    const veil = new MemoryVeil(randomBytes);
    const nothing = new Uint8Array(16_384);
    const all = [veil.veil(nothing), veil.veil(nothing), veil.veil(nothing)];
    const blocks = all.flatMap(({ words }) =>
      Array.from({ length: 1024 }, (_value, at) => Buffer.from(words.buffer, at * 16, 16).toString('hex')),
    );
    expect(new Set(blocks).size).toBe(3 * 1024);
    const [first] = all;
    if (first !== undefined) expect(new MemoryVeil(randomBytes).unveil(first).includes(Buffer.alloc(8))).toBe(false);
  });
});
