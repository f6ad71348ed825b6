import { parentPort, workerData } from 'node:worker_threads';
import { invariant } from '../../base/invariant.ts';
import { NativeBudget } from '../duckdb/native-budget.ts';
import { runNative } from '../duckdb/run-native.ts';
import type { NativeValue } from '../sql/native.ts';
import { languageWith, nativesOf } from '../language.ts';
import type { NativeAnswer, NativeCalls } from './remote-natives.ts';
import type { FunctionThreadSettings } from './thread-protocol.ts';
import { sentError } from './thread-protocol.ts';
import { WorkState } from './work-state.ts';

// A thread that does functions in JavaScript for one engine thread, and nothing else: it can be ended in the middle of any of them.

invariant(parentPort !== null, 'a function thread is started by the engine');
const { geoipDatabase, port, shared } = workerData as FunctionThreadSettings;
const state = new WorkState(shared);
const functions = new Map(nativesOf(languageWith(geoipDatabase)).map((fn) => [fn.name, fn]));

function done({ name, leftMs, ...rows }: NativeCalls): NativeAnswer {
  const budget = new NativeBudget({ milliseconds: leftMs, then: 'end' });
  try {
    const fn = functions.get(name);
    invariant(fn !== undefined, 'both threads know the same functions');
    const values = new Array<NativeValue>(rows.rowCount).fill(null);
    runNative(fn, rows, (row, value) => (values[row] = value), budget);
    return { usedMs: budget.usedMs, values };
  } catch (error) {
    return { usedMs: budget.usedMs, error: sentError(error) };
  }
}

port.on('message', (calls: NativeCalls) => {
  const answer = done(calls);
  port.postMessage(answer);
  state.answered();
});
parentPort.postMessage('ready');
