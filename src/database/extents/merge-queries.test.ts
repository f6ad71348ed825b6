import { afterEach, describe, expect, it } from 'vitest';
import { openDataFixture, openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import type { CatalogStore } from '../catalog/catalog-store.ts';
import type { EngineConnection, EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import type { BlobName } from '../../storage/blob-store.ts';
import { MemoryBlobStore } from '../../storage/memory/memory-blob-store.ts';

/** Steps of a merge. */
const steps = ['read', 'copy', 'write', 'commit', 'delete'] as const;
type Step = (typeof steps)[number];

/** Lets whoever comes first to a step stand still there, until it is told to go on. */
class Pauses {
  #at: Step | undefined;
  #reached = (): void => undefined;
  #released: Promise<void> = Promise.resolve();
  #release = (): void => undefined;

  /** @returns what resolves when the step is reached */
  pauseAt(step: Step): Promise<void> {
    this.#at = step;
    this.#released = new Promise((resolve) => (this.#release = resolve));
    return new Promise((resolve) => (this.#reached = resolve));
  }

  goOn(): void {
    this.#release();
  }

  async passes(step: Step): Promise<void> {
    if (this.#at !== step) return;
    this.#at = undefined;
    this.#reached();
    await this.#released;
  }
}

class PausedBlobs extends MemoryBlobStore {
  constructor(readonly pauses: Pauses) {
    super();
  }
  override async readInto(name: BlobName, offset: number, target: Uint8Array): Promise<number> {
    await this.pauses.passes('read');
    return super.readInto(name, offset, target);
  }
  override async write(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }> {
    await this.pauses.passes('write');
    return super.write(name, pieces);
  }
  override async delete(name: BlobName): Promise<void> {
    await this.pauses.passes('delete');
    return super.delete(name);
  }
}

/** Statements that make an extent stand still before they run. */
const pausedEngine = (engine: EngineDatabase, pauses: Pauses): EngineDatabase => ({
  close: () => engine.close(),
  connect: async (limit) => {
    const connection: EngineConnection = await engine.connect(limit);
    const run: EngineConnection['run'] = async (sql, bound) => {
      if (sql.startsWith('COPY')) await pauses.passes('copy');
      await connection.run(sql, bound);
    };
    return { ...connection, run };
  },
});

const pausedStore = (store: CatalogStore, pauses: Pauses): CatalogStore =>
  new Proxy(store, {
    get: (target, name) => {
      const found: unknown = Reflect.get(target, name, target);
      if (typeof found !== 'function') return found;
      return async (...given: unknown[]): Promise<unknown> => {
        if (name === 'commit') await pauses.passes('commit');
        return Reflect.apply(found, target, given);
      };
    },
  });

let fixture: DataFixture | undefined;
afterEach(async () => {
  await fixture?.close();
  fixture = undefined;
});

describe('queries beside a merge', () => {
  it('are answered while it stands still in any of its steps', async () => {
    const pauses = new Pauses();
    const engine = pausedEngine(await openTestEngine(), pauses);
    const wrapStore = (store: CatalogStore): CatalogStore => pausedStore(store, pauses);
    const opened = (fixture = await openDataFixture({
      ...{ engine, wrapStore, blobs: new PausedBlobs(pauses), cacheBytesMax: 0 },
    }));
    await opened.table('Merged', { n: 'long' });
    await opened.table('Other', { n: 'long' });
    await opened.ingest('Other', 'csv', '7\n', { kind: 'inline' });
    let rows = 0;
    for (const step of steps) {
      for (let part = 0; part < 8; part += 1) await opened.ingest('Merged', 'csv', `${rows++}\n`, { kind: 'inline' });
      const reached = pauses.pauseAt(step);
      const merged = (await opened.data()).maintain({});
      await Promise.race([reached, merged.then(() => Promise.reject(new Error(`a merge has no step '${step}'`)))]);
      expect(await opened.rows('Other')).toEqual([[7n]]);
      // An extent is opened once for all who want it: who wants the one that does not come waits for the storage, too.
      if (step !== 'read') expect(await opened.rows('Merged')).toHaveLength(rows);
      pauses.goOn();
      await merged;
      expect((await opened.data()).extents('db', 'Merged')).toHaveLength(1);
    }
    engine.close();
  });
});
