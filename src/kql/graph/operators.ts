import { invariant } from '../../base/invariant.ts';
import type { GraphComponentsSettings, GraphNodesSettings, GraphShape } from '../plan/graph-settings.ts';
import type { NativeValue } from '../sql/native.ts';
import { toType } from '../sql/convert-value.ts';
import type { GraphIndex } from './graph-index.ts';
import { indexGraph, nodeKey, partitionReader } from './graph-index.ts';
import { graphMatch } from './match.ts';
import type { RowOperator, RowOperatorCall, RowTable } from '../plugins/row-operator.ts';
import { columnIndex, nullOf } from '../plugins/row-operator.ts';

function graphOf({ inputs, settings }: RowOperatorCall): {
  nodes: RowTable;
  edges: RowTable;
  shape: GraphShape;
  index: GraphIndex;
} {
  const [nodes, edges] = inputs;
  invariant(nodes && edges, 'a graph has nodes and edges');
  // The plan builder makes the settings of graph operators in exactly this shape.
  const shape = settings as GraphShape;
  return { nodes, edges, shape, index: indexGraph(nodes, edges, shape) };
}

const isEmpty = (value: NativeValue): boolean => value === null || value === '';

/** Two JSON lists of texts as one, each label once. */
function mergedLabels(left: NativeValue, right: NativeValue): NativeValue {
  if (left === null || right === null || left === right) return left ?? right;
  const labels = (value: NativeValue): readonly unknown[] => JSON.parse(String(value)) as readonly unknown[];
  return JSON.stringify([...new Set([...labels(left), ...labels(right)])]);
}

/** make-graph: one node for every id. Rows of two node tables with the same id are merged, the first value winning (the last where that is asked for); an id
 * that only edges name gets a node without other properties.
 * @see Kusto documentation, make-graph operator, "Returns" */
const makeGraph: RowOperator = ({ inputs, settings, cols }) => {
  const [edges, ...tables] = inputs;
  invariant(edges && cols, 'make-graph has edges and columns');
  const { source, target, partition, keys, idColumn, lastWins } = settings as GraphNodesSettings;
  const nodes = new Map<string, NativeValue[]>();
  const idAt = cols.findIndex((column) => column.name === '$id');
  const idType = cols[idAt]?.type ?? 'string';
  const labelsAt = cols.findIndex((column) => column.name === '$labels');
  const ensure = (id: NativeValue, group: string): NativeValue[] => {
    const key = nodeKey(id, group);
    const known = nodes.get(key);
    if (known) return known;
    const fresh = cols.map((column): NativeValue =>
      column.name === '$id' ? id : column.name === '$partition' ? group : null,
    );
    nodes.set(key, fresh);
    return fresh;
  };
  tables.forEach((table, tableNumber) => {
    const keyAt = columnIndex(table, keys[tableNumber] ?? '');
    const partitionOf = partitionReader(table, partition);
    const places = table.cols.map((column) => cols.findIndex((candidate) => candidate.name === column.name));
    for (const row of table.rows) {
      const id = toType(row[keyAt] ?? null, table.cols[keyAt]?.type ?? idType, idType);
      const node = ensure(id, partitionOf(row));
      places.forEach((place, index) => {
        if (place < 0 || place === idAt) return;
        const value = row[index] ?? null;
        if (place === labelsAt) node[place] = mergedLabels(node[place] ?? null, value);
        else if (lastWins ? !isEmpty(value) : isEmpty(node[place] ?? null)) node[place] = value;
      });
    }
  });
  const named = cols.findIndex((column) => column.name === (idColumn ?? keys[0]));
  const partitionOf = partitionReader(edges, partition);
  const partitionAt = cols.findIndex((column) => column.name === partition);
  const ends = [columnIndex(edges, source), columnIndex(edges, target)];
  for (const row of edges.rows) {
    for (const end of ends) {
      const group = partitionOf(row);
      const id = toType(row[end] ?? null, edges.cols[end]?.type ?? idType, idType);
      if (nodes.has(nodeKey(id, group))) continue;
      const node = ensure(id, group);
      if (named >= 0) node[named] = toType(id, idType, cols[named]?.type ?? idType);
      if (partitionAt >= 0) node[partitionAt] = row[columnIndex(edges, partition ?? '')] ?? null;
    }
  }
  const rows = [...nodes.values()].map((node) =>
    node.map((value, index) => value ?? (index === labelsAt ? '[]' : nullOf(cols[index]?.type ?? 'long'))),
  );
  return { cols, rows };
};

/** The edges that are part of the graph: filters may have taken their ends away. */
const graphEdges: RowOperator = (call) => {
  const { edges, index } = graphOf(call);
  return { cols: edges.cols, rows: edges.rows.filter((_row, edge) => (index.from[edge] ?? -1) >= 0) };
};

const graphDegrees: RowOperator = (call) => {
  const { nodes, index } = graphOf(call);
  const rows = nodes.rows.map((row, node) => [
    ...row,
    BigInt(index.reaching[node]?.length ?? 0),
    BigInt(index.leaving[node]?.length ?? 0),
  ]);
  return { cols: call.cols ?? nodes.cols, rows };
};

/** Components are numbered from 0 in the order of their first node, in every partition anew. */
const markComponents: RowOperator = (call) => {
  const { nodes, index } = graphOf(call);
  const { kind } = call.settings as GraphComponentsSettings;
  const roots = kind === 'strong' ? strongComponents(index) : weakComponents(index);
  const numbers = new Map<number, bigint>();
  const nextOf = new Map<string, bigint>();
  const cols = call.cols ?? nodes.cols;
  const places = cols.slice(0, -1).map((column) => columnIndex(nodes, column.name));
  const rows = nodes.rows.map((row, node) => {
    const root = roots[node] ?? node;
    let number = numbers.get(root);
    if (number === undefined) {
      const partition = index.partitionOf[node] ?? '';
      number = nextOf.get(partition) ?? 0n;
      nextOf.set(partition, number + 1n);
      numbers.set(root, number);
    }
    return [...places.map((place) => row[place] ?? null), number];
  });
  return { cols, rows };
};

/** @returns by node, a number that it shares with all nodes of its component */
function weakComponents({ nodeCount, from, to }: GraphIndex): number[] {
  const parent = Array.from({ length: nodeCount }, (_node, index) => index);
  const rootOf = (node: number): number => {
    let at = node;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] ?? at] ?? at;
      at = parent[at] ?? at;
    }
    return at;
  };
  from.forEach((source, edge) => {
    if (source >= 0) parent[rootOf(source)] = rootOf(to[edge] ?? source);
  });
  return parent.map((_parent, node) => rootOf(node));
}

/** Two passes of depth-first search, the second backwards, without recursion.
 * @see Kosaraju's algorithm */
function strongComponents({ nodeCount, from, to, leaving, reaching }: GraphIndex): number[] {
  const finished: number[] = [];
  const seen = new Uint8Array(nodeCount);
  for (let start = 0; start < nodeCount; start += 1) {
    if (seen[start]) continue;
    seen[start] = 1;
    const stack = [{ node: start, next: 0 }];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const edge = leaving[top.node]?.[top.next];
      top.next += 1;
      if (edge === undefined) {
        finished.push(top.node);
        stack.pop();
        continue;
      }
      const target = to[edge] ?? -1;
      if (target >= 0 && !seen[target]) {
        seen[target] = 1;
        stack.push({ node: target, next: 0 });
      }
    }
  }
  const root = new Array<number>(nodeCount).fill(-1);
  for (const start of finished.reverse()) {
    if (root[start] !== -1) continue;
    root[start] = start;
    const stack = [start];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      for (const edge of reaching[node] ?? []) {
        const source = from[edge] ?? -1;
        if (source < 0 || root[source] !== -1) continue;
        root[source] = start;
        stack.push(source);
      }
    }
  }
  return root;
}

/** Graph operators over nodes and edges in memory. */
export const graphRowOperators: Readonly<Record<string, RowOperator>> = {
  'make-graph': makeGraph,
  'graph-edges': graphEdges,
  'graph-degrees': graphDegrees,
  'graph-mark-components': markComponents,
  'graph-match': graphMatch,
};
