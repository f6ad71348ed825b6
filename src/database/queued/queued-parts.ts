import type { Guid } from '../../base/guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { ExtentWriter } from '../extents/extent-writer.ts';

/** What queued ingestion works with. */
export interface QueuedParts {
  readonly clusterId: Guid;
  readonly catalog: Catalog;
  readonly writer: ExtentWriter;
  readonly randomBytes: RandomBytes;
  readonly now: () => Instant;
  /** A database by its name, without case. */
  readonly databaseNamed: (name: string) => Guid | undefined;
}

/** What is put into the accounts stays so long at most, as messages of Azure's queues do. */
export const keptMs = 7 * 86_400_000;
