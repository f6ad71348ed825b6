import type { GraphShape } from '../../../../plan/graph-settings.ts';
import type { Plan } from '../../../../plan/plan.ts';
import type { Column } from '../../../../plan/types.ts';

/** A graph while the text is compiled: two tables. `nodes` has the properties, `$id` and, when it is partitioned,
 * `$partition`; edges whose ends are not among the nodes are no part of it. */
export interface Graph {
  readonly shape: GraphShape;
  readonly nodes: Plan;
  readonly edges: Plan;
  readonly properties: readonly Column[];
  readonly edgeProperties: readonly Column[];
  /** Both have `$labels`: a graph that is kept. Graphs of a query have none. */
  readonly labelled: boolean;
}
