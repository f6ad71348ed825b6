import { withV8 } from '../algorithms/regex/regex.ts';
import { lowMemory } from '../plan/kql-error.ts';
import type { NativeFunction, NativeValue } from '../sql/native.ts';
import type { NativeBudget } from './native-budget.ts';

/** In UTF-16 units; a slice of a chunk has at least one row. */
const sliceLength = 1 << 18;
/** For V8's regular expressions over one slice: some hundred times what they take unless they try again and again. */
const sliceMs = (length: number): number => 50 + Math.ceil(Math.min(length, sliceLength) / 1024);

/** What a native function is called with. */
export interface NativeRows {
  readonly rowCount: number;
  /** Arguments by position: a value for each row, or one that all of them have. */
  readonly columns: readonly (readonly NativeValue[])[];
  /** That the texts may take which it gives. */
  readonly bytesMax: number;
}

/** Calls a native function for rows of one chunk, here or elsewhere. */
export type NativeCaller = (
  fn: Pick<NativeFunction, 'name' | 'run' | 'hasPatterns'>,
  rows: NativeRows,
  put: (row: number, value: NativeValue) => void,
  budget: NativeBudget,
) => void;

/** Calls a native function for rows of one chunk.
 * @throws KqlError limits, where it does not come to an end in the time that is left; memory, where it makes too much; cancelled */
export function runNative(
  fn: Pick<NativeFunction, 'run' | 'hasPatterns'>,
  { rowCount, columns, bytesMax }: NativeRows,
  put: (row: number, value: NativeValue) => void,
  budget: NativeBudget,
): void {
  const argumentsOf = (row: number): NativeValue[] =>
    columns.map((column) => column[column.length === 1 ? 0 : row] ?? null);
  let left = bytesMax;
  const give = (row: number, value: NativeValue): void => {
    if (typeof value === 'string') left -= value.length;
    if (left < 0) throw lowMemory();
    put(row, value);
  };
  if (!fn.hasPatterns) {
    budget.within(() => {
      for (let row = 0; row < rowCount; row += 1) {
        budget.check();
        const args = argumentsOf(row);
        budget.weigh(args);
        give(row, fn.run(args));
      }
    });
    return;
  }
  for (let start = 0; start < rowCount;) {
    const slice: (readonly NativeValue[])[] = [];
    let length = 0;
    while (length < sliceLength && start + slice.length < rowCount) {
      const args = argumentsOf(start + slice.length);
      budget.weigh(args);
      slice.push(args);
      length += args.reduce((sum: number, value) => sum + (typeof value === 'string' ? value.length : 0), 0);
    }
    runSlice(fn, slice, sliceMs(length), (index, value) => give(start + index, value), budget);
    start += slice.length;
  }
}

/** First with V8; the rows that it does not get to in time, in linear time. */
function runSlice(
  fn: Pick<NativeFunction, 'run'>,
  slice: readonly (readonly NativeValue[])[],
  milliseconds: number,
  put: (index: number, value: NativeValue) => void,
  budget: NativeBudget,
): void {
  let done = 0;
  const rest = (): void => {
    for (; done < slice.length; done += 1) {
      budget.check();
      put(done, fn.run(slice[done] ?? []));
    }
  };
  if (!withV8(() => budget.within(rest, milliseconds))) budget.within(rest);
}
