import type { HotLimits } from '../../database/extents/hot-extents.ts';
import type { DataQueries } from '../../database/ingest/update-query.ts';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import type { BlobStore } from '../../storage/blob-store.ts';

/** What is needed to serve data, besides to change keys. */
export interface DataParts {
  readonly endpoint: string;
  readonly blobs: BlobStore;
  readonly engine: EngineDatabase;
  /** Runs what tables are to be filled with when others are. */
  readonly queries: DataQueries;
  /** Opened extents in memory. */
  readonly cacheBytesMax: number;
  readonly openBytesMax: number;
  /** Tables of extents that are read often, in the engine's memory; absent: there are none. */
  readonly hot?: HotLimits;
  /** Absent: as many as a page holds. */
  readonly extentsPerPage?: number;
  /** Undefined: `/dev/shm`. */
  readonly memoryDirectory?: string;
}
