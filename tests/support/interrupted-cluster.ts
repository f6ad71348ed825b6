import type { EngineDatabase } from '../../src/kql/duckdb/engine-database.ts';
import type { QueryEngine } from '../../src/kql/query-engine.ts';
import { createQueryEngine } from '../../src/kql/query-engine.ts';
import { MemoryBlobStore } from '../../src/storage/memory/memory-blob-store.ts';
import type { DataFixture } from './cluster-data-fixture.ts';
import { openDataFixture, openTestEngine } from './cluster-data-fixture.ts';
import { openTestParser } from './command-fixture.ts';
import type { World } from './interrupted-world.ts';

/** What the clusters of a test file share, since it takes a second to open. */
interface QueryParts {
  readonly engine: EngineDatabase;
  readonly queries: QueryEngine;
  close(): void;
}

export async function openQueryParts(): Promise<QueryParts> {
  const engine = await openTestEngine();
  const parser = openTestParser();
  const close = (): void => {
    parser.stop();
    engine.close();
  };
  return { engine, queries: createQueryEngine({ parser, database: engine }), close };
}

/** A cluster whose durable steps are those of a world. */
export const openInterruptedCluster = (world: World, { engine, queries }: QueryParts): Promise<DataFixture> =>
  openDataFixture({
    ...{ engine, queries },
    blobs: world.blobs(new MemoryBlobStore()),
    wrapStore: (store) => world.store(store),
  });
