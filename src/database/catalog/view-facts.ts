import type { Guid } from '../../base/guid.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { ViewLookback } from '../../kql/plan/view-lookback.ts';
import { ingestedState } from '../../kql/plan/view-lookback.ts';
import { parseTimespan } from '../../kql/values/ticks.ts';
import type { IngestedAt } from './ingestion-order.ts';

/** What makes a hidden table the stored part of a materialized view. Its columns are states of groups; times are milliseconds. */
export interface ViewFacts extends ViewProgress {
  readonly query: string;
  /** The table that its rows come from, or another view. */
  readonly source: string;
  readonly isOverView: boolean;
  /** Of the view itself, as its query gives them. */
  readonly columns: readonly Column[];
  /** Of the stored part: what its rows are grouped by. */
  readonly keys: readonly string[];
  /** It has one aggregate, which takes its values from one row of the source; `picksAll`: all of them. */
  readonly picks?: 'arg_max' | 'arg_min' | 'take_any';
  readonly picksAll: boolean;
  readonly dimensionTables: readonly string[];
  readonly effectiveOn: number;
  /** Its columns follow those of its source. */
  readonly autoUpdateSchema: boolean;
  /** Digest of the columns of the source that it followed last. Absent: none yet. */
  readonly sourceColumns?: string;
  /** Timespan text. */
  readonly lookback?: string;
  readonly lookbackColumn?: string;
}

/** How far it is: what changes while rows come. */
export interface ViewProgress {
  readonly isEnabled: boolean;
  /** Rows of the source that were ingested up to then are in it. 0: none yet, and all that there are will be. */
  readonly materializedTo: IngestedAt;
  readonly lastRunOn?: number;
  /** Newest first. */
  readonly failures?: readonly ViewFailure[];
}

export interface ViewFailure {
  readonly operationId: Guid;
  readonly failedOn: number;
  readonly isPermanent: boolean;
  readonly details: string;
}

/** @returns undefined where new rows are compared with all */
export function lookbackOf({
  lookback,
  lookbackColumn,
}: {
  readonly lookback?: string | null | undefined;
  readonly lookbackColumn?: string | undefined;
}): ViewLookback | undefined {
  const ticks = typeof lookback === 'string' ? parseTimespan(lookback) : undefined;
  return ticks === undefined ? undefined : { column: lookbackColumn ?? ingestedState.name, ticks: String(ticks) };
}
