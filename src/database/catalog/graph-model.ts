import type { EntityPrincipal } from '../../authz/kusto-roles.ts';
import type { Guid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Column } from '../../kql/plan/types.ts';

/** A graph that is kept: how it is made of tables, and what was made of it.
 * @see https://learn.microsoft.com/kusto/management/graph/graph-model-overview */
export interface GraphModelView {
  readonly name: string;
  /** Oldest first; the last is in force. */
  readonly versions: readonly GraphModelVersion[];
  /** Oldest first. */
  readonly snapshots: readonly GraphSnapshotView[];
  /** With a role on it alone. Absent: nobody. */
  readonly principals?: readonly EntityPrincipal[];
}

export interface GraphModelVersion {
  readonly versionId: Guid;
  readonly createdOn: Instant;
  /** JSON as it was sent. */
  readonly model: string;
}

export interface GraphSnapshotView {
  readonly name: string;
  readonly createdOn: Instant;
  /** Absent: it was made before this was kept. */
  readonly startedOn?: Instant;
  readonly versionId: Guid;
  readonly versionCreatedOn: Instant;
  readonly nodes: GraphPart;
  readonly edges: GraphPart;
  /** Tables and materialized views of its database whose rows are in it, by their ids. Absent: it was made before this was kept. */
  readonly reads?: readonly Guid[];
  /** Not everybody could read all of them when it was made. */
  readonly isRestricted?: true;
}

/** One of the two tables of a snapshot. */
export interface GraphPart {
  readonly tableId: Guid;
  readonly columns: readonly Column[];
  readonly rowCount: number;
}
