import type { Guid } from '../../base/guid.ts';
import type { RowBatch } from './row-batch.ts';

/** Rows for the log of small writes. */
export interface LogAppend {
  readonly tableId: Guid;
  readonly batch: RowBatch;
  readonly at: number;
  /** The table's policy is that nobody learns the time. */
  readonly isUntimed?: true;
  readonly request?: string;
}
