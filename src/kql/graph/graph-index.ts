import type { GraphShape } from '../plan/graph-settings.ts';
import type { NativeValue } from '../sql/native.ts';
import type { RowTable } from '../plugins/row-operator.ts';
import { columnIndex } from '../plugins/row-operator.ts';

/** Nodes and edges by number. Edges whose ends are not both among the nodes are left out (`from` is -1). */
export interface GraphIndex {
  readonly nodeCount: number;
  readonly partitionOf: readonly string[];
  /** By edge: the number of its source and target node. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** By node: the numbers of the edges that leave it, and that reach it. */
  readonly leaving: readonly (readonly number[])[];
  readonly reaching: readonly (readonly number[])[];
}

/** Ids are the same when their text is: an int 5 names the node of a long 5. Partitions never share a node. */
export const nodeKey = (id: NativeValue, partition: string): string => `${partition}\u0000${String(id)}`;

/** The text of an edge's partition; '' when the graph is not split. */
export function partitionReader(table: RowTable, column: string | undefined): (row: readonly NativeValue[]) => string {
  if (column === undefined) return () => '';
  const index = columnIndex(table, column);
  return (row) => String(row[index] ?? '');
}

export function indexGraph(nodes: RowTable, edges: RowTable, shape: GraphShape): GraphIndex {
  const id = columnIndex(nodes, '$id');
  const nodePartition = partitionReader(nodes, shape.partition === undefined ? undefined : '$partition');
  const edgePartition = partitionReader(edges, shape.partition);
  const numbers = new Map<string, number>();
  const partitionOf = nodes.rows.map(nodePartition);
  nodes.rows.forEach((row, index) => numbers.set(nodeKey(row[id] ?? null, partitionOf[index] ?? ''), index));
  const [source, target] = [columnIndex(edges, shape.source), columnIndex(edges, shape.target)];
  const from = new Int32Array(edges.rows.length).fill(-1);
  const to = new Int32Array(edges.rows.length).fill(-1);
  const leaving: number[][] = nodes.rows.map(() => []);
  const reaching: number[][] = nodes.rows.map(() => []);
  edges.rows.forEach((row, edge) => {
    const partition = edgePartition(row);
    const a = numbers.get(nodeKey(row[source] ?? null, partition));
    const b = numbers.get(nodeKey(row[target] ?? null, partition));
    if (a === undefined || b === undefined) return;
    from[edge] = a;
    to[edge] = b;
    leaving[a]?.push(edge);
    reaching[b]?.push(edge);
  });
  return { nodeCount: nodes.rows.length, partitionOf, from, to, leaving, reaching };
}
