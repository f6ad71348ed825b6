import type { EntityPrincipal } from '../../authz/kusto-roles.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Column } from '../../kql/plan/types.ts';
import { isKqlType } from '../../kql/plan/types.ts';

/** A table whose rows lie in the user's storage. Its record is sealed with all others; what proves access is never shown. */
export interface ExternalTableView {
  readonly name: string;
  /** Its files and its partitions are those that a log in its only folder says; its files are Parquet. Absent: whatever lies below its folders. */
  readonly kind?: 'delta';
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
  /** By which files are read, where a query names one. Absent: none. */
  readonly mappings?: readonly ExternalMapping[];
  /** Who has a role on it alone. Absent: nobody. */
  readonly principals?: readonly EntityPrincipal[];
}

export interface ExternalMapping {
  readonly name: string;
  /** As the JSON array of an ingestion mapping. */
  readonly mapping: string;
  readonly lastUpdatedOn: Instant;
}

/** A column that stands in the path of a file. */
export interface ExternalPartition {
  readonly name: string;
  readonly type: string;
  /** Absent: the column is in the path alone. */
  readonly of?: { readonly column: string; readonly call?: string; readonly argument?: string };
}

const hiddenProof = '*******';

/** A connection string without what proves access. */
export const shownConnection = (text: string): string => {
  const [address = ''] = text.split(/[?;]/);
  return `${address};${hiddenProof}`;
};

/** What only the paths of its files say, as columns after its own. */
export const virtualColumns = ({ columns, partitions }: Pick<ExternalTableView, 'columns' | 'partitions'>): Column[] =>
  partitions.flatMap(({ name, type, of }) => {
    const kqlType = type.toLowerCase();
    const isOwn = of !== undefined || columns.some((column) => column.name === name);
    return isOwn || !isKqlType(kqlType) ? [] : [{ name, type: kqlType }];
  });
