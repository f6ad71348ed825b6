import type { MessagePort } from 'node:worker_threads';
import type { Column, KqlType } from '../plan/types.ts';
import type { SerializedKqlError } from '../plan/kql-error.ts';
import { deserializeKqlError, KqlError, serializeKqlError } from '../plan/kql-error.ts';
import type { Program } from '../plan/plan.ts';
import type { ColumnValues } from '../duckdb/engine-database.ts';
import { OverflowError } from '../duckdb/engine-database.ts';
import { OpenSchema } from '../open-schemas.ts';
import type { KeptBefore } from '../kept-stages.ts';
import type { CommandRows, SessionFacts } from '../session.ts';
import type { BoundValue } from '../sql/context.ts';
import type { Translation } from '../sql/translate.ts';

/** What a thread needs to open an engine of its own. */
export interface ThreadSettings {
  readonly threads: number;
  readonly memoryLimit: string;
  readonly geoipDatabase: string | undefined;
  /** Of the `WorkState`. */
  readonly shared: Int32Array;
  /** To the function thread. */
  readonly port: MessagePort;
}

export type FunctionThreadSettings = Pick<ThreadSettings, 'geoipDatabase' | 'shared' | 'port'>;

interface SentTable {
  readonly sql: string;
  readonly extentSql: string | undefined;
  readonly columns: ReadonlyMap<string, string>;
}

/** What the engine asks of a thread, one at a time: `open` first, `close` last, then `open` again. */
export interface ThreadCalls {
  readonly open: object;
  /** A copy of rows that lie in a table of the engine, under the same name. */
  readonly makeTable: {
    readonly table: string;
    readonly columns: readonly { readonly name: string; readonly type: KqlType }[];
  };
  readonly fillTable: {
    readonly table: string;
    readonly types: readonly KqlType[];
    readonly columns: readonly ColumnValues[];
  };
  readonly begin: {
    readonly program: Program;
    readonly facts: SessionFacts;
    readonly tables: ReadonlyMap<string, SentTable>;
    readonly command: CommandRows | undefined;
    /** Of the first program, what has told columns elsewhere. */
    readonly kept: KeptBefore | undefined;
    readonly memoryBytes: number | undefined;
    readonly threadsPercent: number | undefined;
  };
  readonly startResult: { readonly index: number };
  readonly startStream: { readonly sql: string; readonly bound: readonly BoundValue[] };
  readonly next: { readonly stream: number };
  readonly endStream: { readonly stream: number };
  readonly statement: { readonly index: number; readonly wrapping: boolean };
  readonly run: { readonly sql: string; readonly bound: readonly BoundValue[] };
  readonly close: object;
}

export interface ThreadReplies {
  readonly open: null;
  readonly makeTable: null;
  readonly fillTable: null;
  readonly begin: null;
  readonly startResult: number;
  readonly startStream: number;
  /** Undefined: there is no more. */
  readonly next: readonly ColumnValues[] | undefined;
  readonly endStream: null;
  readonly statement: Translation;
  readonly run: null;
  readonly close: null;
}

export type ThreadOperation = keyof ThreadCalls;

/** To a thread: a call, or a word in between. */
export type ThreadMessage =
  | { readonly k: 'call'; readonly id: number; readonly operation: ThreadOperation; readonly body: unknown }
  | { readonly k: 'interrupt' }
  | { readonly k: 'end' };

export type ThreadReply =
  | { readonly k: 'ready' }
  | { readonly k: 'ended' }
  | { readonly k: 'reply'; readonly id: number; readonly body: unknown }
  | { readonly k: 'failed'; readonly id: number; readonly error: SentError };

export type SentError =
  | { readonly kind: 'kql'; readonly error: SerializedKqlError }
  | { readonly kind: 'overflow' }
  | { readonly kind: 'schema'; readonly place: string; readonly columns: readonly Column[] }
  /** Our own fault. */
  | { readonly kind: 'other'; readonly name: string };

export function sentError(error: unknown): SentError {
  if (error instanceof OverflowError) return { kind: 'overflow' };
  if (error instanceof KqlError) return { kind: 'kql', error: serializeKqlError(error) };
  if (error instanceof OpenSchema) return { kind: 'schema', place: error.place, columns: error.columns };
  return { kind: 'other', name: error instanceof Error ? error.name : 'unknown error' };
}

export function errorOf(sent: SentError): Error {
  switch (sent.kind) {
    case 'kql':
      return deserializeKqlError(sent.error);
    case 'overflow':
      return new OverflowError();
    case 'schema':
      return new OpenSchema(sent.place, sent.columns);
    case 'other':
      return new KqlError('internal', `A thread of the engine failed: ${sent.name}.`);
  }
}
