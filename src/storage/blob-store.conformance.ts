import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { invariant } from '../base/invariant.ts';
import type { BlobName, BlobStore } from './blob-store.ts';
import { BlobExistsError, BlobNotFoundError, parseBlobName } from './blob-store.ts';

export function blobName(text: string): BlobName {
  const name = parseBlobName(text);
  invariant(name !== undefined, `${text} is a blob name`);
  return name;
}

export async function* piecesOf(...pieces: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  for (const piece of pieces) yield Promise.resolve(piece);
}

export async function readAll(
  store: BlobStore,
  name: BlobName,
  range?: { offset: number; length: number },
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of store.read(name, range)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

async function namesIn(store: BlobStore, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.list(prefix)) names.push(name);
  return names;
}

/** What every store of blobs does. @param makeBacking a place of its own for each test; `open` may be called again to reopen it */
export function blobStoreConformance(
  name: string,
  makeBacking: () => Promise<{ readonly open: () => BlobStore | Promise<BlobStore> }>,
): void {
  const fresh = async (): Promise<{ store: BlobStore; reopen: () => BlobStore | Promise<BlobStore> }> => {
    const { open } = await makeBacking();
    return { store: await open(), reopen: open };
  };
  const a = blobName('clusters/a/extents/1');

  describe(`${name} keeps the promises of a blob store`, () => {
    it.each([0, 1, 5000, 300_000])('gives back %i bytes, also after it was opened again', async (length) => {
      const { store, reopen } = await fresh();
      const bytes = Buffer.from(Array.from({ length }, (_, index) => index % 251));
      const cut = Math.floor(length / 3);
      expect(await store.write(a, piecesOf(bytes.subarray(0, cut), Buffer.alloc(0), bytes.subarray(cut)))).toEqual({
        length,
      });
      expect((await readAll(await reopen(), a)).equals(bytes)).toBe(true);
    });

    it('never overwrites, not even when two write at once', async () => {
      const { store } = await fresh();
      const results = await Promise.allSettled(
        ['one', 'two'].map((text) => store.write(a, piecesOf(Buffer.from(text)))),
      );
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const kept = results[0]?.status === 'fulfilled' ? 'one' : 'two';
      await expect(store.write(a, piecesOf(Buffer.from('three')))).rejects.toBeInstanceOf(BlobExistsError);
      expect((await readAll(store, a)).toString()).toBe(kept);
    });

    it('is done with a piece when it asks for the next', async () => {
      const { store } = await fresh();
      const buffer = Buffer.alloc(100_000);
      async function* reusing(): AsyncIterable<Uint8Array> {
        for (const value of [1, 2, 3]) yield Promise.resolve(buffer.fill(value));
        buffer.fill(9);
      }
      await store.write(a, reusing());
      const bytes = await readAll(store, a);
      expect([bytes[0], bytes[99_999], bytes[100_000], bytes[299_999]]).toEqual([1, 1, 2, 3]);
    });

    it('stores nothing when the pieces fail, and passes the error on', async () => {
      const { store } = await fresh();
      async function* broken(): AsyncIterable<Uint8Array> {
        yield Promise.resolve(Buffer.alloc(1000));
        throw new Error('no more');
      }
      await expect(store.write(a, broken())).rejects.toThrow('no more');
      await expect(readAll(store, a)).rejects.toBeInstanceOf(BlobNotFoundError);
      expect(await namesIn(store, '')).toEqual([]);
      await store.write(a, piecesOf(Buffer.from('now')));
    });

    it('reads any range, cut at the end of the blob', async () => {
      const { store } = await fresh();
      const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));
      await store.write(a, piecesOf(bytes));
      await fc.assert(
        fc.asyncProperty(fc.nat(1100), fc.nat(1100), async (offset, length) => {
          const wanted = bytes.subarray(offset, offset + length);
          expect((await readAll(store, a, { offset, length })).equals(wanted)).toBe(true);
          const target = Buffer.alloc(length, 0xee);
          expect(await store.readInto(a, offset, target)).toBe(wanted.length);
          expect(target.subarray(0, wanted.length).equals(wanted)).toBe(true);
          expect(target.subarray(wanted.length).every((byte) => byte === 0xee)).toBe(true);
        }),
        { numRuns: 30 },
      );
    });

    it('says which blob is missing', async () => {
      const { store } = await fresh();
      await store.write(blobName('clusters/a'), piecesOf(Buffer.from('x')));
      for (const missing of [a, blobName('clusters'), blobName('clusters/a/x')]) {
        await expect(readAll(store, missing)).rejects.toMatchObject({ name: 'BlobNotFoundError', blob: missing });
        await expect(store.readInto(missing, 0, Buffer.alloc(1))).rejects.toMatchObject({ name: 'BlobNotFoundError' });
      }
    });

    it('lists by prefix in the order of names, with lengths', async () => {
      const { store } = await fresh();
      const names = ['b', 'a/x', 'a', 'a-b', 'a/x/y', 'a0', 'a/x-1', 'c/d/e'];
      for (const [index, text] of names.entries()) await store.write(blobName(text), piecesOf(Buffer.alloc(index)));
      expect(await namesIn(store, '')).toEqual([...names].sort());
      expect(await namesIn(store, 'a/x')).toEqual(['a/x', 'a/x-1', 'a/x/y']);
      expect(await namesIn(store, 'a/')).toEqual(['a/x', 'a/x-1', 'a/x/y']);
      expect(await namesIn(store, 'c/d/')).toEqual(['c/d/e']);
      expect(await namesIn(store, 'zz')).toEqual([]);
      for await (const summary of store.list('c')) expect(summary).toEqual({ name: 'c/d/e', length: 7 });
    });

    it('deletes for good, and deleting what is not there is no error', async () => {
      const { store, reopen } = await fresh();
      await store.write(a, piecesOf(Buffer.from('x')));
      await store.delete(a);
      await store.delete(a);
      await store.delete(blobName('never/there'));
      const again = await reopen();
      await expect(readAll(again, a)).rejects.toBeInstanceOf(BlobNotFoundError);
      await again.write(a, piecesOf(Buffer.from('y')));
      expect((await readAll(again, a)).toString()).toBe('y');
    });
  });
}
