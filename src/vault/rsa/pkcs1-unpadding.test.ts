import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { unpadPkcs1 } from './pkcs1-unpadding.ts';

const modulusBytes = 256;
const nonZero = fc.integer({ min: 1, max: 255 });

/** RFC 8017, section 7.2.1, step 2, with padding bytes of our choice. */
function pad(message: Uint8Array, paddingByte: (at: number) => number): Buffer {
  const padding = Buffer.alloc(modulusBytes - 3 - message.length);
  padding.forEach((_byte, at) => (padding[at] = paddingByte(at)));
  return Buffer.concat([Buffer.from([0, 2]), padding, Buffer.from([0]), message]);
}

/** The same rules with branches, as the RFC says them. */
function unpadPlainly(block: Buffer): Buffer | undefined {
  const separator = block.indexOf(0, 2);
  const wellFormed = block[0] === 0 && block[1] === 2 && separator >= 10;
  return wellFormed ? block.subarray(separator + 1) : undefined;
}

describe('unpadPkcs1', () => {
  it('gives back every message that fits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: modulusBytes - 11 }), nonZero, (message, byte) => {
        const opened = unpadPkcs1(pad(message, () => byte));
        expect(opened).toEqual(Buffer.from(message));
      }),
    );
  });

  it('agrees with the rules of the RFC on blocks close to good ones', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: modulusBytes - 11 }),
        fc.array(fc.tuple(fc.nat(modulusBytes - 1), fc.nat(255)), { maxLength: 3 }),
        fc.array(fc.nat(15), { maxLength: 3 }),
        (message, changes, zeros) => {
          const block = pad(message, (at) => (at % 255) + 1);
          for (const [at, byte] of changes) block[at] = byte;
          for (const at of zeros) block[at] = 0;
          const expected = unpadPlainly(Buffer.from(block));
          expect(unpadPkcs1(block)).toEqual(expected === undefined ? undefined : Buffer.from(expected));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([0, 1, 2, 7, 8, 9, 253])('accepts exactly from 8 bytes of padding on (%i)', (length) => {
    const block = Buffer.alloc(modulusBytes, 0xaa);
    block[0] = 0;
    block[1] = 2;
    block[2 + length] = 0;
    expect(unpadPkcs1(block)?.length).toBe(length >= 8 ? modulusBytes - 3 - length : undefined);
  });

  it('touches the same bytes in the same order, whatever the block holds', () => {
    const steps = (block: Buffer): string => {
      const log: string[] = [];
      const read = vi.spyOn(block, 'readUInt8').mockImplementation((at = 0) => {
        log.push(`r${at}`);
        return block[at] ?? 0;
      });
      const write = vi.spyOn(block, 'writeUInt8').mockImplementation((value, at = 0) => {
        log.push(`w${at}`);
        block[at] = value;
        return at + 1;
      });
      unpadPkcs1(block);
      read.mockRestore();
      write.mockRestore();
      return log.join(' ');
    };
    const expected = steps(pad(Buffer.alloc(32, 1), () => 7));
    for (const block of [
      pad(Buffer.alloc(0), () => 7),
      pad(Buffer.alloc(245, 0), () => 255),
      Buffer.alloc(modulusBytes),
      Buffer.alloc(modulusBytes, 0xff),
      Buffer.concat([Buffer.from([0, 2, 0]), Buffer.alloc(modulusBytes - 3, 9)]),
    ]) {
      expect(steps(block)).toBe(expected);
    }
  });
});
