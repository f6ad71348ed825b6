import type { CatalogStore } from '../../src/database/catalog/catalog-store.ts';
import type { BlobStore } from '../../src/storage/blob-store.ts';

class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Stops the world at the durable step `at`: before it is done, or when it is done and nobody has heard of it. */
export class World {
  steps = 0;
  at = Infinity;
  isAfter = false;

  async step<T>(work: () => Promise<T>): Promise<T> {
    this.steps += 1;
    if (this.steps > this.at || (this.steps === this.at && !this.isAfter)) throw new Interrupted('before a step');
    const result = await work();
    if (this.steps === this.at) throw new Interrupted('after a step');
    return result;
  }

  store(store: CatalogStore): CatalogStore {
    return { ...store, commit: (...commit) => this.step(() => store.commit(...commit)) };
  }

  blobs(blobs: BlobStore): BlobStore {
    return {
      write: (name, pieces) => this.step(() => blobs.write(name, pieces)),
      delete: (name) => this.step(() => blobs.delete(name)),
      read: (name, range) => blobs.read(name, range),
      readInto: (name, offset, target) => blobs.readInto(name, offset, target),
      list: (prefix) => blobs.list(prefix),
    };
  }
}
