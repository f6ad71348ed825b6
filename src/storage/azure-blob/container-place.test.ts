import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { blobsAt } from '../places/blob-place.ts';
import type { ContainerPlace } from './container-place.ts';
import type { Azurite } from '../../../tests/support/azurite.ts';
import { startAzurite } from '../../../tests/support/azurite.ts';
import { blobName, piecesOf } from '../blob-store.conformance.ts';
import { blobPlaceConformance } from '../blob-place.conformance.ts';

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

blobPlaceConformance('a container on Azurite', async () => ({ container: await azurite.newContainer() }), {
  snapshots: false,
});

const directory = mkdtempSync(join(tmpdir(), 'kustody-cache-'));
afterAll(() => rmSync(directory, { recursive: true }));
let caches = 0;
const withCache = async (): Promise<ContainerPlace> => ({
  container: await azurite.newContainer(),
  cache: { directory: join(directory, String((caches += 1))), bytesMax: 1024 ** 2, checkKey: Buffer.alloc(32, 1) },
});

blobPlaceConformance('a container on Azurite with a cache', withCache, { snapshots: false });

describe('a container with a cache', () => {
  it('keeps what each owner reads for himself, and removes it with his blobs', async () => {
    const place = await withCache();
    const parts = [1, 2].map(() => blobsAt(place).partOf(newGuid(systemRandomBytes)));
    for (const part of parts) {
      const store = await blobsAt(part).open();
      await store.write(blobName('a'), piecesOf(Buffer.from('sealed')));
      await store.readInto(blobName('a'), 0, Buffer.alloc(6));
    }
    const files = (): number[] =>
      readdirSync(place.cache?.directory ?? '').map(
        (owner) => readdirSync(join(place.cache?.directory ?? '', owner)).length,
      );
    expect(files()).toEqual([1, 1]);
    for (const part of parts.slice(1)) await blobsAt(part).removeAll();
    expect(files()).toEqual([1]);
    expect(existsSync(place.cache?.directory ?? '')).toBe(true);
  });
});
