import type { Column } from '../../../kql/plan/types.ts';
import type { QueryResult } from '../../../kql/query-engine.ts';

/** Rows that accompany the results: what became of the request. */
export interface Completion {
  readonly timestamp: string;
  readonly clientRequestId: string;
  readonly activityId: string;
  /** That the request was classified into. Absent: `default`. */
  readonly workloadGroup?: string;
  /** What the query did without, and why. */
  readonly warnings?: readonly string[];
  /** JSON text. */
  readonly resources: string;
  /** JSON texts of the OneApi errors that are told apart from the rows. */
  readonly errors: readonly string[];
  readonly cancelled: boolean;
  /** The failure that was asked to be told in the status only (`deferpartialqueryfailures`). */
  readonly deferred?: { readonly statusCode: number; readonly text: string; readonly kind: string };
}

/** 0x80DA000A, `E_ENTITY_NOT_FOUND`, of what a fuzzy union does without.
 * @see https://github.com/Azure/azure-sdk-for-python/issues/25137, which has it as a warning of severity 3 */
export const warningStatusCode = -2133196790;

/** Whose answer this is again, from the cache of results. */
export interface FromCache {
  readonly clientRequestId: string;
  /** ISO 8601. */
  readonly startedOn: string;
}

export type ResultHead = Pick<QueryResult, 'name' | 'columns' | 'visualization'>;

/** One way to write results as JSON text, piece by piece. Each function gives the next piece. */
export interface ResultFormat {
  /** @param fromCache absent: the query ran */
  begin(results: readonly ResultHead[], fromCache?: FromCache): string;
  beginTable(index: number, result: ResultHead): string;
  /** @param rows one row or more, already joined by commas @param first of this table */
  rows(index: number, rows: string, first: boolean): string;
  /** @param error JSON text of the failure that ended this table early */
  endTable(index: number, rowCount: number, error: TableError | undefined): string;
  end(completion: Completion): string;
}

export interface TableError {
  /** `{"error":{…}}` */
  readonly json: string;
  readonly text: string;
}

/** The bag that tells how to draw a result; every key is there. */
export function visualizationText(given: ResultHead['visualization']): string {
  return JSON.stringify({ ...emptyVisualization, ...given });
}

const emptyVisualization = {
  Visualization: null,
  Title: null,
  XColumn: null,
  Series: null,
  YColumns: null,
  AnomalyColumns: null,
  XTitle: null,
  YTitle: null,
  XAxis: null,
  YAxis: null,
  Legend: null,
  YSplit: null,
  Accumulate: false,
  IsQuerySorted: false,
  Kind: null,
  Ymin: 'NaN',
  Ymax: 'NaN',
  Xmin: null,
  Xmax: null,
} as const;

/** Names of .NET for the ten types, as answers of version 1 have them. */
export const dataTypes = {
  bool: 'SByte',
  int: 'Int32',
  long: 'Int64',
  real: 'Double',
  decimal: 'SqlDecimal',
  datetime: 'DateTime',
  timespan: 'TimeSpan',
  guid: 'Guid',
  string: 'String',
  dynamic: 'Object',
} as const satisfies Record<Column['type'], string>;
