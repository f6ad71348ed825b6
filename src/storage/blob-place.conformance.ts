import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import type { BlobPlace } from './places/blob-place.ts';
import { blobsAt } from './places/blob-place.ts';
import { blobName, blobStoreConformance, piecesOf, readAll } from './blob-store.conformance.ts';

/** What every place for blobs does.
 * @param makePlace one of its own for each test
 * @param snapshots whether blobs there can be put back */
export function blobPlaceConformance(
  name: string,
  makePlace: () => Promise<BlobPlace>,
  { snapshots: putsBack }: { readonly snapshots: boolean },
): void {
  /** As another process gets it. */
  const sent = (place: BlobPlace): BlobPlace => structuredClone(place);
  const one = blobName('clusters/a/extents/1');
  const held = async (place: BlobPlace): Promise<string[]> => {
    const store = await blobsAt(sent(place)).open();
    const names: string[] = [];
    for await (const blob of store.list('')) names.push(blob.name);
    return names;
  };
  const write = async (place: BlobPlace, text: string): Promise<void> => {
    const store = await blobsAt(sent(place)).open();
    await store.write(one, piecesOf(Buffer.from(text)));
  };

  blobStoreConformance(`${name}, a part of it,`, async () => {
    const place = blobsAt(await makePlace()).partOf(newGuid(systemRandomBytes));
    return { open: () => blobsAt(sent(place)).open() };
  });

  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'kustody-snapshots-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  describe(`${name} keeps the promises of a place`, () => {
    it('has parts that know nothing of each other, and are removed each by itself', async () => {
      const place = await makePlace();
      const [left, right] = [1, 2].map(() => blobsAt(place).partOf(newGuid(systemRandomBytes)));
      if (left === undefined || right === undefined) throw new Error('there are two');
      await write(left, 'left');
      await write(right, 'right');
      expect(String(await readAll(await blobsAt(left).open(), one))).toBe('left');
      await blobsAt(sent(left)).removeAll();
      await blobsAt(sent(left)).removeAll();
      expect([await held(left), await held(right)]).toEqual([[], [one]]);
      expect(String(await readAll(await blobsAt(right).open(), one))).toBe('right');
    });

    it('puts whole blobs in the place of others, which stay if it fails', async () => {
      const place = blobsAt(await makePlace()).partOf(newGuid(systemRandomBytes));
      await write(place, 'before');
      const store = await blobsAt(sent(place)).open();
      const failing = async function* (): AsyncIterable<Uint8Array> {
        yield Promise.resolve(Buffer.from('half'));
        throw new Error('something else');
      };
      await expect(store.replace(one, failing())).rejects.toThrow('something else');
      expect(String(await readAll(store, one))).toBe('before');
      const after = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
      expect(await store.replace(one, piecesOf(after.subarray(0, 7), after.subarray(7)))).toEqual({ length: 300_000 });
      const again = await blobsAt(sent(place)).open();
      expect((await readAll(again, one)).equals(after)).toBe(true);
      await again.replace(one, piecesOf());
      expect(await readAll(again, one)).toHaveLength(0);
      expect(await held(place)).toEqual([one]);
    });

    it('is read by others while its owner has it', async () => {
      const part = blobsAt(await makePlace()).partOf(newGuid(systemRandomBytes));
      await write(part, 'sealed');
      const target = Buffer.alloc(6);
      const reader = await blobsAt(sent(part)).reader();
      expect(await reader.readInto(one, 0, target)).toBe(6);
      expect(String(target)).toBe('sealed');
      await expect(reader.readInto(blobName('nothing'), 0, target)).rejects.toMatchObject({
        name: 'BlobNotFoundError',
      });
    });

    it.runIf(!putsBack)('says that blobs there cannot be put back', async () => {
      expect(blobsAt(await makePlace()).snapshotsIn).toBeUndefined();
    });

    it.runIf(putsBack)('puts back what was removed, and removes what is new', async () => {
      const place = await makePlace();
      const id = newGuid(systemRandomBytes);
      const snapshots = blobsAt(place).snapshotsIn?.(directory);
      if (snapshots === undefined) throw new Error('it has snapshots');
      const [before, after] = [1, 2].map(() => blobsAt(place).partOf(newGuid(systemRandomBytes)));
      if (before === undefined || after === undefined) throw new Error('there are two');
      await write(before, 'was there');
      await snapshots.take(id);
      await blobsAt(before).removeAll();
      await write(after, 'is new');
      await snapshots.bringBack(id);
      expect([await held(before), await held(after)]).toEqual([[one], [one]]);
      await snapshots.removeNew(id);
      expect([await held(before), await held(after)]).toEqual([[one], []]);
      await snapshots.forget(id);
      expect(String(await readAll(await blobsAt(before).open(), one))).toBe('was there');
    });
  });
}
