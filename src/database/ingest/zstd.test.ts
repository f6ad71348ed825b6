import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unpackZstd, unpackZstdInTurns } from './zstd.ts';

const folder = join(import.meta.dirname, '../../../vectors/zstd');
const file = (name: string): Buffer => readFileSync(join(folder, name));
const expected = JSON.parse(file('expected.json').toString()) as Record<string, { bytes: number; sha256: string }>;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a frame of Zstandard', () => {
  it.each(Object.keys(expected))('%s is unpacked, and no byte more than it may have', (name) => {
    const { bytes, sha256: digest } = expected[name] ?? { bytes: 0, sha256: '' };
    const packed = file(name);
    const unpacked = unpackZstd(packed, bytes);
    expect([unpacked?.length, unpacked && sha256(unpacked)]).toEqual([bytes, digest]);
    if (bytes > 0) expect(unpackZstd(packed, bytes - 1)).toBeUndefined();
    expect(unpackZstd(packed.subarray(0, -1), bytes)).toBeUndefined();
  });

  it('is unpacked in turns', async () => {
    const pieces = Array.from({ length: 8 }, () => file('zeros.3.zst'));
    let isOver = false;
    const unpacking = unpackZstdInTurns(Buffer.concat(pieces), 8 * 300_000).finally(() => (isOver = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    expect((await unpacking)?.length).toBe(8 * 300_000);
  });

  it('of many blocks of nothing is unpacked in turns, and so are many frames that are skipped', async () => {
    const blocks = Buffer.concat([Buffer.from('28b52ffd0000', 'hex'), Buffer.alloc(1_200_000), Buffer.from([1, 0, 0])]);
    const skipped = Buffer.concat(Array.from({ length: 150_000 }, () => Buffer.from('502a4d1800000000', 'hex')));
    for (const packed of [blocks, skipped]) {
      let isOver = false;
      const unpacking = unpackZstdInTurns(packed, 1).finally(() => (isOver = true));
      await new Promise((resolve) => setImmediate(resolve));
      expect(isOver).toBe(false);
      expect(await unpacking).toEqual(new Uint8Array(0));
    }
  });

  it('is none where it tells the sum of something else', () => {
    const withSums = Object.keys(expected).filter((name) => name.endsWith('.19.zst'));
    expect(withSums.length).toBeGreaterThan(5);
    for (const name of withSums)
      for (const fromEnd of [1, 4]) {
        const changed = Buffer.from(file(name));
        const at = changed.length - fromEnd;
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(unpackZstd(changed, 10 ** 6), name).toBeUndefined();
      }
  });

  it('that is cut anywhere is none', () => {
    const packed = file('words.19.zst');
    for (let length = 0; length < packed.length; length += 61)
      expect(unpackZstd(packed.subarray(0, length), 10 ** 6), `${length} bytes`).toBeUndefined();
  });

  it('whose bytes were changed is none, or another of no more than it may have', () => {
    const outcomes = new Set<string>();
    for (const name of ['words.19.zst', 'records.3.zst', 'zeros.19.zst', 'frames.zst']) {
      const packed = file(name);
      const step = Math.ceil(packed.length / 150);
      for (let at = 0; at < packed.length; at += step)
        for (const change of [0xff, 1 << (at % 8)]) {
          const changed = Buffer.from(packed);
          changed[at] = (changed[at] ?? 0) ^ change;
          const unpacked = unpackZstd(changed, 400_000);
          expect(unpacked?.length ?? 0).toBeLessThanOrEqual(400_000);
          outcomes.add(unpacked === undefined ? 'none' : 'another');
        }
    }
    expect(outcomes).toEqual(new Set(['none', 'another']));
  });

  it.each([
    ['nothing', ''],
    ['a frame that needs a dictionary', '28b52ffd210100010000'],
    ['a reserved bit', '28b52ffd2801000001'],
    ['a block of a kind that there is not', '28b52ffd2001070000'],
    ['a block that repeats codes of none before', '28b52ffd20011d0000030000'],
    ['a block of more than 128 KiB', '28b52ffd200101001100'],
    ['a size of gigabytes that is not there', '28b52ffde0ffffffffffffff7f010000'],
    ['something else', 'ffffffff'],
  ])('%s is none', (_what, hex) => {
    expect(unpackZstd(Buffer.from(hex, 'hex'), 10 ** 6)).toBeUndefined();
  });
});
