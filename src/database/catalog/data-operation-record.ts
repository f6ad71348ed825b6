import type { Guid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';

/** Those of the service, but for `QueryAcceleration`, which is not built. `RowStoreSeal`: rows that were streamed become an extent. */
export type DataOperationKind = 'BatchIngest' | 'SetOrAppend' | 'RowStoreSeal' | 'MaterializedView' | 'UpdatePolicy';

/** A row of `.show data operations`: extents that were added, and what that took. Nothing of rows is in it. */
export interface DataOperationRecord {
  readonly kind: 'dataOperation';
  readonly dataOperationId: Guid;
  /** Of the commit with the extents. */
  readonly at: Instant;
  readonly databaseId: Guid;
  readonly table: string;
  readonly clientActivityId: string;
  readonly operation: DataOperationKind;
  readonly originalBytes: number;
  readonly extentBytes: number;
  readonly rowCount: number;
  readonly extentCount: number;
  readonly milliseconds: number;
  /** Of all that the process did meanwhile. Absent: nobody counted. */
  readonly cpuMs?: number;
  readonly principal: string;
  readonly properties?: Readonly<Record<string, string | number>>;
}
