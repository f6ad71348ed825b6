import { createRequire } from 'node:module';

/** Of DuckDB's, and only for as long as the call that came with it. */
export interface RawVector {
  readonly __duckdb_type: 'duckdb_vector';
}
export interface RawChunk {
  readonly __duckdb_type: 'duckdb_data_chunk';
}

/** What the binding has, and its interface does not give on, or only by way of objects that take longer to make. */
interface Bindings {
  pending_execute_check_state(pending: unknown): number;
  readonly PendingState: Readonly<Record<'RESULT_NOT_READY' | 'NO_TASKS_AVAILABLE', number>>;
  /** Bytes at the address that stands in the buffer. */
  get_data_from_pointer(buffer: ArrayBuffer, addressAt: number, byteCount: number): Uint8Array;
  data_chunk_get_size(chunk: RawChunk): number;
  data_chunk_get_vector(chunk: RawChunk, column: number): RawVector;
  /** A copy of the first bytes of its values. */
  vector_get_data(vector: RawVector, byteCount: number): Uint8Array;
  /** A copy of the first bytes of its marks, a bit each row; null where no row is null. */
  vector_get_validity(vector: RawVector, byteCount: number): Uint8Array | null;
  vector_ensure_validity_writable(vector: RawVector): void;
  copy_data_to_vector(to: RawVector, at: number, from: ArrayBufferLike, fromAt: number, byteCount: number): void;
  copy_data_to_vector_validity(to: RawVector, at: number, from: ArrayBufferLike, fromAt: number, count: number): void;
  /** In place of the one that it has. */
  scalar_function_set_function(
    scalarFunction: unknown,
    call: (info: unknown, input: RawChunk, output: RawVector) => void,
  ): void;
}

/** The very one that the interface of DuckDB uses. */
export const bindings = createRequire(createRequire(import.meta.url).resolve('@duckdb/node-api'))(
  '@duckdb/node-bindings',
) as Bindings;
