import type { MessagePort } from 'node:worker_threads';
import { receiveMessageOnPort } from 'node:worker_threads';
import { invariant } from '../../base/invariant.ts';
import type { NativeCaller } from '../duckdb/run-native.ts';
import type { NativeValue } from '../sql/native.ts';
import type { SentError } from './thread-protocol.ts';
import { errorOf } from './thread-protocol.ts';
import type { WorkState } from './work-state.ts';

/** A chunk of calls of one function, to the function thread. */
export interface NativeCalls {
  readonly name: string;
  /** Arguments by position, one value a row. */
  readonly columns: readonly (readonly NativeValue[])[];
  readonly rowCount: number;
  /** Milliseconds that are left for the query. */
  readonly leftMs: number;
  /** That the values may take, where the query has a limit of memory. */
  readonly rowBytesMax: number;
}

export type NativeAnswer = { readonly usedMs: number } & (
  { readonly values: readonly NativeValue[] } | { readonly error: SentError }
);

/** Functions in JavaScript done by another thread while DuckDB waits in this one: a thread that is inside a call of DuckDB's cannot be ended
 * (Node aborts the process), the other one can. */
export const remoteNatives =
  (port: MessagePort, state: WorkState): NativeCaller =>
  (fn, rowCount, argumentsOf, put, budget) => {
    const columns = fn.parameters.map((): NativeValue[] => []);
    for (let row = 0; row < rowCount; row += 1)
      for (const [index, value] of argumentsOf(row).entries()) columns[index]?.push(value);
    const { rowBytesMax } = budget;
    const calls: NativeCalls = { name: fn.name, columns, rowCount, leftMs: budget.requireLeft(), rowBytesMax };
    state.call(() => port.postMessage(calls));
    const answer = receiveMessageOnPort(port)?.message as NativeAnswer | undefined;
    invariant(answer !== undefined, 'an answer is sent before it is told of');
    budget.add(answer.usedMs);
    if ('error' in answer) throw budget.explained(errorOf(answer.error));
    for (const [row, value] of answer.values.entries()) put(row, value);
  };
