import type { Column } from '../../kql/plan/types.ts';

/** A table whose rows lie in the user's storage. Its record is sealed with all others; what proves access is never shown. */
export interface ExternalTableView {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly folder: string;
  readonly docstring: string;
  /** As written: `csv`. */
  readonly format: string;
  /** Storage connection strings, with their secrets. */
  readonly connections: readonly string[];
  readonly partitions: readonly ExternalPartition[];
  /** As written between the parentheses. */
  readonly pathFormat: string;
  /** Of `with (…)`, by their documented names. */
  readonly properties: Readonly<Record<string, string>>;
}

/** A column that stands in the path of a file. */
export interface ExternalPartition {
  readonly name: string;
  readonly type: string;
  /** Absent: the column is in the path alone. */
  readonly of?: { readonly column: string; readonly call?: string; readonly argument?: string };
}
