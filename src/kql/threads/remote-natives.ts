import type { MessagePort } from 'node:worker_threads';
import { receiveMessageOnPort } from 'node:worker_threads';
import { invariant } from '../../base/invariant.ts';
import type { NativeCaller, NativeRows } from '../duckdb/run-native.ts';
import type { NativeValue } from '../sql/native.ts';
import type { SentError } from './thread-protocol.ts';
import { errorOf } from './thread-protocol.ts';
import type { WorkState } from './work-state.ts';

/** Calls of one function, to the function thread. */
export interface NativeCalls extends NativeRows {
  readonly name: string;
  /** Milliseconds that are left for the query. */
  readonly leftMs: number;
}

export type NativeAnswer = { readonly usedMs: number } & (
  { readonly values: readonly NativeValue[] } | { readonly error: SentError }
);

/** Functions in JavaScript done by another thread while DuckDB waits in this one: a thread that is inside a call of DuckDB's cannot be ended
 * (Node aborts the process), the other one can. */
export const remoteNatives =
  (port: MessagePort, state: WorkState): NativeCaller =>
  (fn, rows, put, budget) => {
    const calls: NativeCalls = { ...rows, name: fn.name, leftMs: budget.requireLeft() };
    state.call(() => port.postMessage(calls));
    const answer = receiveMessageOnPort(port)?.message as NativeAnswer | undefined;
    invariant(answer !== undefined, 'an answer is sent before it is told of');
    budget.add(answer.usedMs);
    if ('error' in answer) throw budget.explained(errorOf(answer.error));
    for (const [row, value] of answer.values.entries()) put(row, value);
  };
