import { invariant } from '../../base/invariant.ts';
import type { ByteRows, KeptValues } from '../algorithms/text/byte-rows.ts';
import type { KqlType } from '../plan/types.ts';
import type { OverBytes } from '../sql/native.ts';
import { chunkRows, nativeTypes } from './append-columns.ts';
import type { RawChunk, RawVector } from './bindings.ts';
import { bindings } from './bindings.ts';
import type { NativeBudget } from './native-budget.ts';
import { nullsOf, TextVector } from './vector-values.ts';

/** What a call reads, the number of its connection before the arguments, and where its result goes. */
export interface ByteCall {
  readonly input: RawChunk;
  readonly output: RawVector;
  /** Of its one argument. */
  readonly type: KqlType;
  /** Whether there is a second one, a long that is the same for every row. */
  readonly hasSame: boolean;
}

/** Of one call at a time. */
const results = new BigInt64Array(chunkRows);

/** The number of the connection that a call is for. */
export const connectionOf = (input: RawChunk): number => {
  const bytes = bindings.vector_get_data(bindings.data_chunk_get_vector(input, 0), 4);
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
};

/** Puts what a function makes of the bytes of its argument into its result. By the binding alone, which copies what is asked for: the
 * interface's objects ask for the type of each vector and copy all of it, also what is only written, and take several times as long until V8
 * has compiled them.
 * @throws NeedsThreadError where it would hold up others; KqlError `cancelled` */
export function callOverBytes(overBytes: OverBytes, call: ByteCall, budget: NativeBudget): void {
  const { input, output } = call;
  const rowCount = bindings.data_chunk_get_size(input);
  invariant(rowCount <= results.length, 'a chunk has no more rows than a vector of DuckDB');
  const vector = bindings.data_chunk_get_vector(input, 1);
  const marks = bindings.vector_get_validity(vector, Math.ceil(rowCount / 64) * 8);
  const rows = byteRowsOf(call.type, vector, rowCount, marks, (bytes) => budget.weighBytes(bytes));
  budget.check();
  overBytes(rows, rowCount === results.length ? results : results.subarray(0, rowCount), sameOf(call, rowCount));
  bindings.copy_data_to_vector(output, 0, results.buffer, 0, rowCount * 8);
  if (marks === null) return;
  bindings.vector_ensure_validity_writable(output);
  bindings.copy_data_to_vector_validity(output, 0, marks.buffer, marks.byteOffset, marks.byteLength);
}

/** The number that every row has. */
function sameOf({ input, hasSame }: ByteCall, rowCount: number): bigint | undefined {
  if (!hasSame) return undefined;
  const vector = bindings.data_chunk_get_vector(input, 2);
  const { buffer, byteOffset } = bindings.vector_get_data(vector, rowCount * 8);
  const numbers = new BigInt64Array(buffer, byteOffset, rowCount);
  invariant(
    bindings.vector_get_validity(vector, 8) === null && numbers[0] === numbers[rowCount - 1],
    'a vector has the same number for every row',
  );
  return numbers[0];
}

/** The bytes of each value: of a text in UTF-8, of a number the eight that it has, least first; NaN is one number.
 * @param weigh hears how many bytes texts have, before they are looked for one by one */
function byteRowsOf(
  type: KqlType,
  vector: RawVector,
  rowCount: number,
  marks: Uint8Array | null,
  weigh: (bytes: number) => void,
): ByteRows & { readonly kept: KeptValues } {
  const validity = { data: marks };
  if (nativeTypes[type] === nativeTypes.string)
    return new TextVector({ dataView: bindings.vector_get_data(vector, rowCount * 16), validity }, rowCount, weigh);
  const data = bindings.vector_get_data(vector, rowCount * 8);
  // A copy: a number that is written from JavaScript has the bytes of JavaScript's NaN.
  if (type === 'real') putOneNaN(new Float64Array(data.buffer, data.byteOffset, rowCount));
  const bytes = Buffer.from(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  const rows = {
    ...{ rowCount, isNull: nullsOf(validity), bytes, from: 0, to: 8 },
    kept: { of: 'numbers' as const, bytes, hasNulls: marks !== null, bytesAt: () => bytes },
    find: (row: number): void => {
      rows.from = row * 8;
      rows.to = rows.from + 8;
    },
  };
  return rows;
}

function putOneNaN(values: Float64Array): void {
  for (let row = 0; row < values.length; row += 1) if (Number.isNaN(values[row])) values[row] = NaN;
}
