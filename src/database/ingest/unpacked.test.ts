import { expect, it } from 'vitest';
import { zipOf } from '../../../tests/support/zip-writer.ts';
import { bytesSource } from './data-source.ts';
import { unpacked } from './unpacked.ts';

/** Names of the files that were read to their ends. */
async function readTo(bytesMax: number, files: Record<string, string>): Promise<readonly string[]> {
  const read: string[] = [];
  const options = { signal: undefined, tellBytes: () => undefined, bytesMax };
  try {
    for await (const { name, stream } of unpacked(bytesSource('a.zip', zipOf(files)), options)) {
      for await (const piece of stream) expect(piece.byteLength).toBeGreaterThan(0);
      read.push(name);
    }
  } catch (error) {
    read.push(error instanceof Error && 'code' in error ? String(error.code) : String(error));
  }
  return read;
}

it('counts what all files of an archive unpack to', async () => {
  const files = Object.fromEntries(['1.csv', '2.csv', '3.csv'].map((name) => [name, 'x'.repeat(5_000)]));
  expect(await readTo(15_000, files)).toEqual(['1.csv', '2.csv', '3.csv']);
  expect(await readTo(14_999, files)).toEqual(['1.csv', '2.csv', 'PayloadTooLarge']);
});
