import { readFileSync, readlinkSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { BlobName, BlobStore } from '../../storage/blob-store.ts';
import { FailingBlobStore } from '../../storage/failing.ts';
import { MemoryBlobStore } from '../../storage/memory/memory-blob-store.ts';
import { ExtentFiles } from './extent-files.ts';
import type { ExtentFilesOptions } from './extent-files.ts';
import type { SealedExtent } from './sealed-extent.ts';
import { parseSealedExtent, rewrapExtent } from './sealed-extent.ts';

const wrappingKey = Buffer.alloc(32, 3);
const regionBytes = 1024;

class CountingStore extends MemoryBlobStore {
  reads = 0;
  override readInto(name: BlobName, offset: number, target: Uint8Array): Promise<number> {
    this.reads += 1;
    return super.readInto(name, offset, target);
  }
}

const made: ExtentFiles[] = [];
afterEach(() => Promise.all(made.map((files) => files.dispose())));

const filesOver = (store: BlobStore, options: Partial<ExtentFilesOptions> = {}): ExtentFiles => {
  const files = new ExtentFiles({
    store,
    withDekWrappingKey: (use) => use(wrappingKey),
    randomBytes: systemRandomBytes,
    cacheBytesMax: 10_000,
    openBytesMax: 20_000,
    regionBytes,
    ...options,
  });
  made.push(files);
  return files;
};

async function write(files: ExtentFiles, plaintext: Uint8Array | string): Promise<SealedExtent> {
  const file = await files.create();
  writeFileSync(file.path, plaintext);
  return file.seal('clusters/c/extents', newGuid(systemRandomBytes));
}

/** Unnamed files that this process holds open on the tmpfs. */
const memoryFiles = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('/dev/shm/#');
    } catch {
      return false; // the descriptor of the listing itself
    }
  }).length;

describe.runIf(process.platform === 'linux')('ExtentFiles', () => {
  it.each([0, 1, regionBytes, 5 * regionBytes + 1])('gives back %i bytes to another process', async (length) => {
    const store = new MemoryBlobStore();
    const plaintext = Buffer.from(systemRandomBytes(length));
    const extent = await write(filesOver(store), plaintext);
    expect(extent.blob).toBe(`clusters/c/extents/${extent.dekId}`);
    const { path } = await filesOver(store).open(extent);
    expect(readFileSync(path).equals(plaintext)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(path).nlink).toBe(0);
  });

  it('stores no plaintext, and a new DEK for each attempt', async () => {
    const blobs = new Map<BlobName, Buffer>();
    const files = filesOver(new MemoryBlobStore(blobs));
    const first = await write(files, 'canary '.repeat(500));
    const second = await write(files, 'canary '.repeat(500));
    expect(first.wrappedDek).not.toBe(second.wrappedDek);
    expect([...blobs.values()].some((blob) => blob.includes('canary'))).toBe(false);
  });

  it('opens an extent once for all who want it, also at the same time', async () => {
    const store = new CountingStore();
    const extent = await write(filesOver(store), Buffer.alloc(100));
    const files = filesOver(store);
    const [one, two] = await Promise.all([files.open(extent), files.open(extent)]);
    expect(one.path).toBe(two.path);
    one.release();
    two.release();
    expect((await files.open(extent)).path).toBe(one.path);
    expect(store.reads).toBe(1);
  });

  it('keeps what it has just written open', async () => {
    const store = new CountingStore();
    const files = filesOver(store);
    const extent = await write(files, 'fresh');
    expect(readFileSync((await files.open(extent)).path, 'utf8')).toBe('fresh');
    expect(store.reads).toBe(0);
  });

  it('lets the least recently used go first, never one in use', async () => {
    const store = new CountingStore();
    const extents = [];
    for (let index = 0; index < 4; index += 1)
      extents.push(await write(filesOver(store, { cacheBytesMax: 0 }), Buffer.alloc(4000, index)));
    const [a, b, c, d] = extents;
    if (!a || !b || !c || !d) throw new Error('four extents');
    const files = filesOver(store); // room for two
    const held = await files.open(a);
    (await files.open(b)).release();
    (await files.open(c)).release(); // b goes
    (await files.open(a)).release();
    const { reads } = store;
    (await files.open(c)).release();
    expect(store.reads).toBe(reads);
    (await files.open(d)).release(); // c goes; a is older, but in use
    expect(readFileSync(held.path)[0]).toBe(0);
    (await files.open(a)).release();
    expect(store.reads).toBe(reads + 4);
    held.release();
    held.release();
    await files.dispose();
  });

  it('refuses to open more at once than there may be', async () => {
    const store = new MemoryBlobStore();
    const writer = filesOver(store);
    const extents = await Promise.all([1, 2, 3].map((value) => write(writer, Buffer.alloc(8000, value))));
    const files = filesOver(store);
    const results = await Promise.allSettled(extents.map((extent) => files.open(extent)));
    expect(results.map((result) => (result.status === 'rejected' ? (result.reason as Error).name : 'open'))).toEqual([
      'open',
      'open',
      'MemoryFilesFullError',
    ]);
  });

  it('closes everything on dispose, and whatever failed', async () => {
    const before = memoryFiles();
    const store = new MemoryBlobStore();
    const files = filesOver(store);
    const extent = await write(files, 'x');
    await files.open(extent);
    const unsealed = await files.create();
    expect(memoryFiles()).toBe(before + 2);
    await unsealed.discard();
    await files.dispose();
    await store.delete(extent.blob);
    await expect(filesOver(store).open(extent)).rejects.toMatchObject({ name: 'BlobNotFoundError' });
    const failing = filesOver(new FailingBlobStore(store, { onWrite: 1, when: 'during' }));
    await expect(write(failing, 'y')).rejects.toMatchObject({ name: 'InjectedBlobFailure' });
    expect(memoryFiles()).toBe(before);
  });

  it('forgets an extent, but not under a reader', async () => {
    const store = new MemoryBlobStore();
    const files = filesOver(store);
    const before = memoryFiles();
    const extent = await write(files, 'x');
    const held = await files.open(extent);
    await files.forget(extent);
    expect(readFileSync(held.path, 'utf8')).toBe('x');
    held.release();
    await files.dispose();
    expect(memoryFiles()).toBe(before);
  });

  it('asks for the key each time, so a cached file is refused once the key is gone', async () => {
    let isLost = false;
    const files = filesOver(new MemoryBlobStore(), {
      withDekWrappingKey: (use) => {
        if (isLost) throw new Error('suspended');
        return use(wrappingKey);
      },
    });
    const extent = await write(files, 'x');
    files.requireKey();
    isLost = true;
    await expect(files.open(extent)).rejects.toThrow('suspended');
    expect(() => files.requireKey()).toThrow('suspended');
  });

  it('refuses the bytes of another extent, a wrong key and a changed catalog row', async () => {
    const blobs = new Map<BlobName, Buffer>();
    const writer = filesOver(new MemoryBlobStore(blobs));
    const [one, two] = [await write(writer, Buffer.alloc(3000, 1)), await write(writer, Buffer.alloc(3000, 2))];
    const files = filesOver(new MemoryBlobStore(blobs));
    await expect(files.open({ ...one, blob: two.blob, dekId: newGuid(systemRandomBytes) })).rejects.toMatchObject({
      name: 'SealedBytesError',
    });
    await expect(files.open({ ...one, wrappedDek: two.wrappedDek })).rejects.toMatchObject({
      name: 'SealedBytesError',
    });
    await expect(files.open({ ...one, length: 2048, regions: 2 })).rejects.toMatchObject({ region: 'length' });
    const strangers = filesOver(new MemoryBlobStore(blobs), { withDekWrappingKey: (use) => use(Buffer.alloc(32)) });
    await expect(strangers.open(one)).rejects.toMatchObject({ name: 'KeyUnwrapError' });
    expect(readFileSync((await files.open(one)).path)[0]).toBe(1);
  });

  it('opens an extent after a change of custody with the new key only, and the blob is the same', async () => {
    const blobs = new Map<BlobName, Buffer>();
    const extent = await write(filesOver(new MemoryBlobStore(blobs)), 'kept');
    const bytes = Buffer.from(blobs.get(extent.blob) ?? []);
    const next = Buffer.alloc(32, 4);
    const moved = rewrapExtent(extent, wrappingKey, next);
    const files = filesOver(new MemoryBlobStore(blobs), { withDekWrappingKey: (use) => use(next) });
    expect(readFileSync((await files.open(moved)).path, 'utf8')).toBe('kept');
    expect(blobs.get(extent.blob)).toEqual(bytes);
    await expect(filesOver(new MemoryBlobStore(blobs)).open(moved)).rejects.toMatchObject({ name: 'KeyUnwrapError' });
  });

  it('refuses a directory on a disk', async () => {
    const directory = import.meta.dirname;
    await expect(filesOver(new MemoryBlobStore(), { directory }).create()).rejects.toMatchObject({
      name: 'NoMemoryFilesError',
    });
    const missing = `${tmpdir()}/no-such-directory`;
    await expect(filesOver(new MemoryBlobStore(), { directory: missing }).create()).rejects.toThrow('does not exist');
  });
});

describe('parseSealedExtent', () => {
  const row = {
    blob: 'a/b',
    dekId: '00000000-0000-4000-8000-000000000000',
    wrappedDek: Buffer.alloc(48).toString('base64url'),
    algorithm: 'AES_GCM_256/2.0',
    regionBytes: 64,
    regions: 2,
    length: 65,
  };

  it('takes what was written', () => {
    expect(parseSealedExtent(row)).toEqual(row);
  });

  it.each([
    { blob: '../x' },
    { dekId: 'x' },
    { wrappedDek: 'AA' },
    { algorithm: 'none' },
    { regionBytes: 1 },
    { regionBytes: 2 ** 40 },
    { regions: 1 },
    { length: -1 },
    { length: 1.5 },
  ])('refuses %j', (change) => {
    expect(() => parseSealedExtent({ ...row, ...change })).toThrow('sealed extent');
  });
});
