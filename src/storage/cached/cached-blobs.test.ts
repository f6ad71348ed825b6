import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { invariant } from '../../base/invariant.ts';
import type { BlobName } from '../blob-store.ts';
import { BlobNotFoundError } from '../blob-store.ts';
import { blobName, blobStoreConformance, piecesOf } from '../blob-store.conformance.ts';
import { MemoryBlobStore } from '../memory/memory-blob-store.ts';
import { addedUse, noCacheUse } from '../cache-use.ts';
import { CachedBlobs } from './cached-blobs.ts';
import { SealedCache } from './sealed-cache.ts';

const root = mkdtempSync(join(tmpdir(), 'kustody-cached-'));
afterAll(() => rmSync(root, { recursive: true }));
let directories = 0;
const newDirectory = (): string => join(root, String((directories += 1)));
const checkKey = Buffer.alloc(32, 9);
const [a, b, c] = ['a', 'b', 'c'].map(blobName) as [BlobName, BlobName, BlobName];
const range = 10_000;
/** As a file counts: its bytes, what they are known by, and what a file takes. */
const counted = range + 32 + 8_192;

/** Counts what it is asked. */
class Far extends MemoryBlobStore {
  asked: string[] = [];
  onRead: () => Promise<void> = () => Promise.resolve();
  override async readInto(name: BlobName, offset: number, target: Uint8Array): Promise<number> {
    this.asked.push(`${name}@${offset}`);
    const length = await super.readInto(name, offset, target);
    await this.onRead();
    return length;
  }
}

async function farWith(blobs: Readonly<Record<string, number>>): Promise<Far> {
  const far = new Far();
  for (const [name, length] of Object.entries(blobs))
    await far.write(blobName(name), piecesOf(Buffer.alloc(length, name)));
  return far;
}

const cacheIn = async (directory: string, bytesMax = 10 * counted, key = checkKey): Promise<SealedCache> => {
  const cache = await SealedCache.open({ directory, bytesMax, checkKey: key }, 0);
  invariant(cache !== undefined, 'there is a cache');
  return cache;
};

/** Reads a range, and sees that it is what the blob has. */
async function reads(store: CachedBlobs, name: BlobName, offset = 0, length = range, there = length): Promise<void> {
  const target = Buffer.alloc(length, '-');
  expect(await store.readInto(name, offset, target)).toBe(there);
  expect(target.subarray(0, there).equals(Buffer.alloc(there, name))).toBe(true);
}

async function twice(work: () => Promise<void>): Promise<void> {
  await work();
  await work();
}

blobStoreConformance('CachedBlobs', async () => {
  const [far, cache] = [new Far(), await cacheIn(newDirectory())];
  return { open: () => new CachedBlobs(far, cache) };
});

describe('CachedBlobs', () => {
  it('asks the store once for a range, and again for another one', async () => {
    const [far, directory] = [await farWith({ a: range + 5 }), newDirectory()];
    const store = new CachedBlobs(far, await cacheIn(directory));
    await twice(() => reads(store, a));
    expect(far.asked).toEqual(['a@0']);
    // The end of a blob is remembered, too.
    await twice(() => reads(store, a, range, range, 5));
    await twice(() => reads(store, a, 2 * range, range, 0));
    expect(far.asked).toEqual(['a@0', `a@${range}`, `a@${2 * range}`]);
  });

  it.skipIf(process.platform === 'win32')('keeps what only the owner can read', async () => {
    const [far, directory] = [await farWith({ a: range }), newDirectory()];
    await reads(new CachedBlobs(far, await cacheIn(directory)), a);
    const [file = ''] = readdirSync(directory);
    expect([statSync(directory).mode & 0o777, statSync(join(directory, file)).mode & 0o777]).toEqual([0o700, 0o600]);
    expect(readFileSync(join(directory, file)).subarray(32).equals(Buffer.alloc(range, 'a'))).toBe(true);
  });

  it.each<[string, (file: string) => void]>([
    ['was cut by a crash', (file) => truncateSync(file, 700)],
    ['was cut to nothing', (file) => truncateSync(file, 0)],
    ['has grown', (file) => writeFileSync(file, Buffer.alloc(2 * range))],
    ['has one bit turned', (file) => flip(file, 5_000)],
    ['has a bit turned in what it is known by', (file) => flip(file, 3)],
    ['is gone', (file) => rmSync(file)],
    [
      'has become a link',
      (file) => {
        rmSync(file);
        symlinkSync(import.meta.filename, file);
      },
    ],
  ])('reads again what %s', async (_, damage) => {
    const [far, directory] = [await farWith({ a: range }), newDirectory()];
    const store = new CachedBlobs(far, await cacheIn(directory));
    await reads(store, a);
    damage(join(directory, readdirSync(directory)[0] ?? ''));
    await twice(() => reads(store, a));
    expect(far.asked).toEqual(['a@0', 'a@0']);
  });

  it('takes no range for another one, whoever put its file there', async () => {
    const [far, directory] = [await farWith({ a: range, b: range }), newDirectory()];
    const store = new CachedBlobs(far, await cacheIn(directory));
    await reads(store, a);
    const [first = ''] = readdirSync(directory);
    await reads(store, b);
    const [second = ''] = readdirSync(directory).filter((name) => name !== first);
    writeFileSync(join(directory, second), readFileSync(join(directory, first)));
    await reads(store, b);
    expect(far.asked).toEqual(['a@0', 'b@0', 'b@0']);
  });

  it('has room for so many bytes, and lets go what was not read for longest', async () => {
    const [far, directory] = [await farWith({ a: range, b: range, c: range }), newDirectory()];
    const store = new CachedBlobs(far, await cacheIn(directory, 2 * counted));
    for (const name of [a, b, a, c, a]) await reads(store, name);
    expect(far.asked).toEqual(['a@0', 'b@0', 'c@0']);
    expect(readdirSync(directory)).toHaveLength(2);
    await reads(store, b);
    expect(far.asked).toEqual(['a@0', 'b@0', 'c@0', 'b@0']);
    expect(readdirSync(directory)).toHaveLength(2);
  });

  it('tells what was there, what was not, what came of it and what gave way', async () => {
    const far = await farWith({ a: range + 5, b: range });
    let used = noCacheUse;
    const place = { directory: newDirectory(), bytesMax: counted, checkKey };
    const cache = await SealedCache.open(place, 0, (use) => (used = addedUse(used, use)));
    invariant(cache !== undefined, 'there is a cache');
    const store = new CachedBlobs(far, cache);
    await twice(() => reads(store, a));
    expect(used).toEqual({ hits: 1, misses: 1, readBytes: range, evictedBytes: 0 });
    await reads(store, b); // for which `a` has to go
    expect(used).toEqual({ hits: 1, misses: 2, readBytes: range, evictedBytes: counted });
    await store.delete(b); // which is no want of room
    await twice(() => reads(store, a, range, range, 5));
    expect(used).toEqual({ hits: 2, misses: 3, readBytes: range + 5, evictedBytes: counted });
  });

  it('keeps nothing of what is larger than all its room', async () => {
    const [far, directory] = [await farWith({ a: range }), newDirectory()];
    const store = new CachedBlobs(far, await cacheIn(directory, counted - 1));
    await twice(() => reads(store, a));
    expect([far.asked, readdirSync(directory)]).toEqual([['a@0', 'a@0'], []]);
  });

  it('forgets a blob that is deleted', async () => {
    const [far, directory] = [await farWith({ a: range, b: range }), newDirectory()];
    const store = new CachedBlobs(far, await cacheIn(directory));
    await reads(store, a);
    await reads(store, b);
    await store.delete(a);
    expect(readdirSync(directory)).toHaveLength(1);
    await expect(store.readInto(a, 0, Buffer.alloc(range))).rejects.toThrow(BlobNotFoundError);
    far.asked = [];
    await reads(store, b);
    expect(far.asked).toEqual([]);
  });

  it('keeps nothing of a blob that was deleted while it was read', async () => {
    const [far, directory] = [await farWith({ a: range, b: range }), newDirectory()];
    const store = new CachedBlobs(far, await cacheIn(directory));
    far.onRead = () => store.delete(a);
    await reads(store, a);
    expect(readdirSync(directory)).toEqual([]);
    far.onRead = () => Promise.resolve();
    await reads(store, b);
    expect(readdirSync(directory)).toHaveLength(1);
  });

  it('takes over what an earlier process of the same start has left, oldest first to go', async () => {
    const [far, directory] = [await farWith({ a: range, b: range, c: range }), newDirectory()];
    const before = new CachedBlobs(far, await cacheIn(directory));
    for (const [name, second] of [
      [a, 2],
      [b, 1],
      [c, 3],
    ] as const) {
      const known = readdirSync(directory);
      await reads(before, name);
      const [file = ''] = readdirSync(directory).filter((one) => !known.includes(one));
      utimesSync(join(directory, file), second, second);
    }
    writeFileSync(join(directory, 'something-else'), 'x');
    far.asked = [];
    const after = new CachedBlobs(far, await cacheIn(directory, 2 * counted));
    expect(readdirSync(directory)).toHaveLength(2);
    for (const name of [a, c]) await reads(after, name);
    expect(far.asked).toEqual([]);
    await reads(after, b);
    expect(far.asked).toEqual(['b@0']);
  });

  it('believes nothing that another start has left', async () => {
    const [far, directory] = [await farWith({ a: range }), newDirectory()];
    await reads(new CachedBlobs(far, await cacheIn(directory)), a);
    const other = new CachedBlobs(far, await cacheIn(directory, 10 * counted, Buffer.alloc(32, 8)));
    await reads(other, a);
    expect(far.asked).toEqual(['a@0', 'a@0']);
  });

  it('gives way on a disk that has little room left', async () => {
    const [far, directory] = [await farWith({ a: range, b: range }), newDirectory()];
    await reads(new CachedBlobs(far, await cacheIn(directory)), a);
    const little = await SealedCache.open({ directory, bytesMax: 10 * counted, checkKey }, 2 ** 60);
    invariant(little !== undefined, 'there is a cache');
    const store = new CachedBlobs(far, little);
    await reads(store, a);
    await twice(() => reads(store, b));
    expect(far.asked).toEqual(['a@0', 'b@0', 'b@0']);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is the store itself where there can be no directory', async () => {
    const far = await farWith({ a: range });
    const file = newDirectory();
    writeFileSync(file, 'x');
    const place = { directory: join(file, 'cache'), bytesMax: counted, checkKey };
    expect(await CachedBlobs.over(far, place)).toBe(far);
  });

  it('holds no file open', async () => {
    const [far, directory] = [await farWith({ a: 100 * range }), newDirectory()];
    const store = new CachedBlobs(far, await cacheIn(directory, 100 * counted));
    const all = Array.from({ length: 100 }, (_, index) => index * range);
    await Promise.all([...all, ...all].map((offset) => reads(store, a, offset)));
    await Promise.all(all.map((offset) => reads(store, a, offset)));
    const held = process.platform === 'linux' ? openBelow(directory) : [];
    expect(held).toEqual([]);
  });
});

const mountPoint = mkdtempSync(join(tmpdir(), 'kustody-cached-full-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'tmpfs', mountPoint]).status === 0;
afterAll(() => {
  if (mounted) spawnSync('umount', ['-l', mountPoint]);
  rmdirSync(mountPoint);
});

/** Skipped where a file system of its own cannot be mounted: only root may. */
describe.skipIf(!mounted)('CachedBlobs on a disk that is full', () => {
  const filler = join(mountPoint, 'filler');

  it('goes on without, and keeps again when there is room', async () => {
    const far = await farWith({ a: range, b: range });
    const directory = join(mountPoint, 'cache');
    const store = new CachedBlobs(far, await cacheIn(directory));
    writeFileSync(filler, Buffer.alloc(60 * 1024));
    await twice(() => reads(store, a));
    expect(far.asked).toEqual(['a@0', 'a@0']);
    expect(readdirSync(directory)).toEqual([]);
    rmSync(filler);
    await twice(() => reads(store, a));
    expect(far.asked).toEqual(['a@0', 'a@0', 'a@0']);
  });
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

function openBelow(directory: string): string[] {
  const listed = spawnSync('ls', ['-l', `/proc/${process.pid}/fd`], { encoding: 'utf8' });
  return listed.stdout.split('\n').filter((line) => line.includes(directory));
}
