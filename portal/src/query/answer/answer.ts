/** What one request gave, whatever the version of its answer. */
export interface Answer {
  readonly tables: readonly ResultTable[];
  /** Failures told within the answer; a failed request as a whole is thrown as `RequestFailed`. */
  readonly failures: readonly Failure[];
  readonly cancelled: boolean;
  /** Rows of `QueryCompletionInformation` by the name of their event, parsed; absent in version 1. */
  readonly completion: Readonly<Record<string, unknown>>;
}

export interface ResultTable {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** The bag of `render`, as the answer has it; absent if the query has no `render`. */
  readonly visualization?: Readonly<Record<string, unknown>>;
}

export interface Column {
  readonly name: string;
  readonly type: KqlType;
}

export const kqlTypes = [
  ...(['bool', 'int', 'long', 'real', 'decimal', 'string'] as const),
  ...(['datetime', 'timespan', 'guid', 'dynamic'] as const),
];
export type KqlType = (typeof kqlTypes)[number];

/** As JSON has it. A number of more than 15 digits is a text that begins with `exactMark`, since no double holds it. */
export type Cell = string | number | boolean | null | object;
export type Row = readonly Cell[];

/** No text of JSON that a service writes begins so: control characters come escaped, and are told apart by the type of the column. */
export const exactMark = '\u0001';

export interface Failure {
  readonly code: string;
  readonly message: string;
  /** Where in the text that was sent: line from 1, position in the line from 0. */
  readonly place?: { readonly line: number; readonly position: number };
}
