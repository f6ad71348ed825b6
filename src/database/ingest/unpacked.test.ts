import { expect, it } from 'vitest';
import { overlappingZip, zipOf } from '../../../tests/support/zip-writer.ts';
import { bytesSource } from './data-source.ts';
import { unpacked } from './unpacked.ts';

/** Names of the files that were read to their ends. */
async function readTo(bytesMax: number, archive: Buffer): Promise<readonly string[]> {
  const read: string[] = [];
  const options = { signal: undefined, tellBytes: () => undefined, bytesMax };
  try {
    for await (const { name, stream } of unpacked(bytesSource('a.zip', archive), options)) {
      for await (const piece of stream) expect(piece.byteLength).toBeGreaterThan(0);
      read.push(name);
    }
  } catch (error) {
    read.push(error instanceof Error && 'code' in error ? String(error.code) : String(error));
  }
  return read;
}

const three = Object.fromEntries(['1.csv', '2.csv', '3.csv'].map((name) => [name, 'x'.repeat(5_000)]));

it('reads no file of an archive that says that it has too much', async () => {
  expect(await readTo(15_000, zipOf(three))).toEqual(['1.csv', '2.csv', '3.csv']);
  expect(await readTo(14_999, zipOf(three))).toEqual(['PayloadTooLarge']);
});

it('takes no more of a file than the archive says that it has', async () => {
  expect(await readTo(15_000, zipOf(three, { bytes: 4_999 }))).toEqual(['MalformedData']);
  expect(await readTo(15_000, zipOf(three, { bytes: 0 }))).toEqual(['MalformedData']);
});

it('reads no archive whose files lie in each other', async () => {
  expect(await readTo(1_000_000, overlappingZip(1, 'x,1\n'))).toEqual(['1.csv']);
  expect(await readTo(1_000_000, overlappingZip(3, 'x,1\n'))).toEqual(['MalformedData']);
});

it('reads archives that come in pieces of any size', async () => {
  const archive = zipOf({ 'a.csv': '1,a\n'.repeat(1_000), 'b.csv': '', 'c.csv': 'é'.repeat(500) });
  for (const size of [1, 7, 31, 4_096]) {
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < archive.length; at += size) yield await Promise.resolve(archive.subarray(at, at + size));
    };
    const source = { name: 'a.zip', open: () => Promise.resolve({ bytes: archive.length, stream: pieces() }) };
    const found: Record<string, string> = {};
    for await (const { name, stream } of unpacked(source, { signal: undefined, tellBytes: () => undefined })) {
      const parts: Uint8Array[] = [];
      for await (const piece of stream) parts.push(piece);
      found[name] = Buffer.concat(parts).toString();
    }
    expect(found).toEqual({ 'a.csv': '1,a\n'.repeat(1_000), 'b.csv': '', 'c.csv': 'é'.repeat(500) });
  }
});
