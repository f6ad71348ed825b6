import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { blobName, blobStoreConformance, piecesOf, readAll } from '../blob-store.conformance.ts';
import { FilesystemBlobStore } from './filesystem-blob-store.ts';

const root = mkdtempSync(join(tmpdir(), 'kustody-blobs-'));
afterAll(() => rmSync(root, { recursive: true }));
let directories = 0;
const newDirectory = (): string => join(root, String((directories += 1)));

blobStoreConformance('FilesystemBlobStore', () => {
  const directory = newDirectory();
  return Promise.resolve({ open: () => FilesystemBlobStore.open(directory) });
});

describe('FilesystemBlobStore', () => {
  it.skipIf(process.platform === 'win32')('makes files and directories that only the owner can read', async () => {
    const directory = newDirectory();
    const store = FilesystemBlobStore.open(directory);
    await store.write(blobName('a/b/c'), piecesOf(Buffer.from('x')));
    for (const path of ['', 'a', 'a/b']) expect(statSync(join(directory, path)).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, 'a/b/c.blob')).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(directory, '.unfinished'))).toEqual([]);
  });

  it('removes what a crash left unfinished, and does not list it', async () => {
    const directory = newDirectory();
    FilesystemBlobStore.open(directory);
    writeFileSync(join(directory, '.unfinished', 'half'), 'half');
    const store = FilesystemBlobStore.open(directory);
    expect(readdirSync(join(directory, '.unfinished'))).toEqual([]);
    const listed = [];
    for await (const one of store.list('')) listed.push(one);
    expect(listed).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')('does not follow links out of its directory', async () => {
    const directory = newDirectory();
    const store = FilesystemBlobStore.open(directory);
    const outside = newDirectory();
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret.blob'), 'outside');
    symlinkSync(outside, join(directory, 'link'));
    symlinkSync(join(outside, 'secret.blob'), join(directory, 'direct.blob'));
    for (const name of ['link/secret', 'direct']) await expect(readAll(store, blobName(name))).rejects.toThrow();
    await expect(store.write(blobName('link/new'), piecesOf(Buffer.from('x')))).rejects.toThrow('leads elsewhere');
    await expect(store.delete(blobName('link/secret'))).rejects.toThrow('leads elsewhere');
    expect(readdirSync(outside)).toEqual(['secret.blob']);
  });
});
