import { withV8 } from '../native/regex.ts';
import type { NativeFunction, NativeValue } from '../sql/native.ts';
import { bounded } from './bounded.ts';

/** For a function over the rows of one chunk, 2048 at most: far more than any takes that comes to an end. */
const chunkMsMax = 20_000;
/** In UTF-16 units; a slice of a chunk has at least one row. */
const sliceLength = 1 << 18;
/** For V8's regular expressions over one slice: some hundred times what they take unless they try again and again. */
const sliceMs = (length: number): number => 50 + Math.ceil(Math.min(length, sliceLength) / 1024);

/** Calls a native function for the rows of one chunk.
 * @throws KqlError limits, where it does not come to an end */
export function runNative(
  fn: Pick<NativeFunction, 'run' | 'hasPatterns'>,
  rowCount: number,
  argumentsOf: (row: number) => readonly NativeValue[],
  put: (row: number, value: NativeValue) => void,
): void {
  if (!fn.hasPatterns) {
    bounded(chunkMsMax, () => {
      for (let row = 0; row < rowCount; row += 1) put(row, fn.run(argumentsOf(row)));
    });
    return;
  }
  for (let start = 0; start < rowCount;) {
    const slice: (readonly NativeValue[])[] = [];
    let length = 0;
    while (length < sliceLength && start + slice.length < rowCount) {
      const args = argumentsOf(start + slice.length);
      slice.push(args);
      length += args.reduce((sum: number, value) => sum + (typeof value === 'string' ? value.length : 0), 0);
    }
    runSlice(fn, slice, sliceMs(length), (index, value) => put(start + index, value));
    start += slice.length;
  }
}

/** First with V8; the rows that it does not get to in time, in linear time. */
function runSlice(
  fn: Pick<NativeFunction, 'run'>,
  slice: readonly (readonly NativeValue[])[],
  milliseconds: number,
  put: (index: number, value: NativeValue) => void,
): void {
  let done = 0;
  const rest = (): void => {
    for (; done < slice.length; done += 1) put(done, fn.run(slice[done] ?? []));
  };
  if (!withV8(() => bounded(milliseconds, rest))) bounded(chunkMsMax, rest);
}
