import type { Guid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import type { IngestedAt } from './ingestion-order.ts';

/** A query whose new rows go to an external table again and again, and how far that has come. */
export interface ContinuousExport extends ContinuousExportDefinition {
  readonly exportId: Guid;
  readonly createdOn: Instant;
  /** Rows that were ingested until then are not exported, unless the cursor is set. */
  readonly startCursor: IngestedAt;
  /** Rows that were ingested until then are in the artifacts that are listed. */
  readonly exportedTo: IngestedAt;
  readonly isDisabled: boolean;
  /** When it last began. */
  readonly lastRunOn?: Instant;
  readonly lastRunResult?: 'Completed' | 'Failed';
  readonly lastSuccessOn?: Instant;
  /** Since when every run failed for something that does not pass by itself. */
  readonly failingSince?: Instant;
}

export interface ContinuousExportDefinition {
  readonly name: string;
  readonly externalTable: string;
  readonly query: string;
  /** Tables whose rows are exported once each; of others all rows take part in every run. */
  readonly factTables: readonly string[];
  /** Whether the command names them. */
  readonly isScoped: boolean;
  readonly intervalMs: number;
  /** Rows are left for a later run until they are so old. Absent: none is. */
  readonly forcedLatencyMs?: number;
  /** Of the export, by their documented names. */
  readonly properties: Readonly<Record<string, string>>;
  /** Object id of the managed identity of the cluster that the query runs as. Absent: the service itself does. */
  readonly identity?: Guid;
  /** Who made it: the audit log names them for each run. */
  readonly creator: {
    readonly objectId: Guid;
    readonly tenantId: Guid;
    readonly displayName: string;
    readonly fqn: string;
  };
}

/** Those of one database. */
export interface ContinuousExportsRecord {
  readonly kind: 'continuousExports';
  readonly databaseId: Guid;
  readonly exports: readonly ContinuousExport[];
}

/** What runs of one left behind, newest first. */
export interface ExportHistoryRecord {
  readonly kind: 'exportHistory';
  readonly exportId: Guid;
  readonly artifacts: readonly ExportArtifact[];
  readonly failures: readonly ExportFailure[];
}

export interface ExportArtifact {
  readonly on: Instant;
  readonly externalTable: string;
  readonly path: string;
  readonly rows: number;
}

export interface ExportFailure {
  readonly on: Instant;
  readonly operationId: Guid;
  readonly lastSuccessOn?: Instant;
  /** Whether some artifacts were written before, which nobody lists. */
  readonly isPartial: boolean;
  readonly details: string;
}

/** When it has something to do next, as far as the clock says; undefined: never, as it is now. */
export function exportDueOn(one: ContinuousExport, ingestedTo: IngestedAt): number | undefined {
  if (one.isDisabled || ingestedTo <= one.exportedTo) return undefined;
  const paced = (one.lastRunOn ?? one.createdOn) + one.intervalMs;
  const { forcedLatencyMs = 0 } = one;
  return forcedLatencyMs === 0 ? paced : Math.max(paced, Math.ceil(one.exportedTo / 1000) + forcedLatencyMs + 1);
}

/** Up to where a run of now goes. */
export const exportUntil = (
  { forcedLatencyMs = 0 }: ContinuousExport,
  ingestedTo: IngestedAt,
  now: Instant,
): IngestedAt =>
  forcedLatencyMs === 0 ? ingestedTo : Math.min(ingestedTo, (Math.trunc(now) - forcedLatencyMs) * 1000);
