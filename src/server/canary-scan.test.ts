import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { scanForCanaries } from './canary-scan.ts';

const directory = mkdtempSync(join(tmpdir(), 'kustody-scan-'));
afterAll(() => rmSync(directory, { recursive: true }));
beforeEach(() => {
  rmSync(directory, { recursive: true });
  mkdirSync(join(directory, 'deep', 'er'), { recursive: true });
});

const canary = 'customer-4711-Zürich';

describe('scanForCanaries', () => {
  it.each([
    ['UTF-8', (text: string) => Buffer.from(text)],
    ['UTF-16LE', (text: string) => Buffer.from(text, 'utf16le')],
    ['UTF-16BE', (text: string) => Buffer.from(text, 'utf16le').swap16()],
  ] as const)('finds %s and says where', async (form, encode) => {
    writeFileSync(
      join(directory, 'deep', 'er', 'file.bin'),
      Buffer.concat([Buffer.alloc(1000, 7), encode(canary), Buffer.alloc(9, 7)]),
    );
    const { matches, files } = await scanForCanaries(directory, [canary]);
    expect(files).toBe(1);
    expect(matches).toEqual([{ file: join('deep', 'er', 'file.bin'), canary, form, offset: 1000 }]);
  });

  it('finds base64 and base64url whatever stands before and after', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 9 }),
        fc.uint8Array({ maxLength: 9 }),
        fc.boolean(),
        async (before, after, url) => {
          const bytes = Buffer.concat([before, Buffer.from(canary), after]);
          writeFileSync(join(directory, 'encoded'), bytes.toString(url ? 'base64url' : 'base64'));
          const { matches } = await scanForCanaries(directory, [canary]);
          expect(matches.map(({ form }) => form)).toContain('base64');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('finds what lies across the border of two pieces', async () => {
    const border = 1024 * 1024;
    for (const shift of [0, 1, 5, canary.length]) {
      writeFileSync(
        join(directory, 'large'),
        Buffer.concat([Buffer.alloc(border - shift), Buffer.from(canary), Buffer.alloc(border)]),
      );
      const { matches, bytes } = await scanForCanaries(directory, [canary]);
      expect(bytes).toBe(2 * border - shift + Buffer.byteLength(canary));
      expect(matches).toMatchObject([{ offset: border - shift }]);
    }
  });

  it('finds nothing where nothing is, in any form', async () => {
    writeFileSync(join(directory, 'other'), Buffer.from(canary.slice(0, -1)));
    expect(await scanForCanaries(directory, [canary])).toMatchObject({ files: 1, matches: [], unreadable: [] });
  });
});
