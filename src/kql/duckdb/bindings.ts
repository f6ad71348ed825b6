import { createRequire } from 'node:module';

/** What the binding has, and its interface does not give on, or only by way of objects that take longer to make. */
interface Bindings {
  pending_execute_check_state(pending: unknown): number;
  readonly PendingState: Readonly<Record<'RESULT_NOT_READY' | 'NO_TASKS_AVAILABLE', number>>;
  /** Bytes at the address that stands in the buffer. */
  get_data_from_pointer(buffer: ArrayBuffer, addressAt: number, byteCount: number): Uint8Array;
}

/** The very one that the interface of DuckDB uses. */
export const bindings = createRequire(createRequire(import.meta.url).resolve('@duckdb/node-api'))(
  '@duckdb/node-bindings',
) as Bindings;
