import { invariant } from '../../base/invariant.ts';
import type { GraphMatchSettings, PatternOutput } from '../plan/graph-settings.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { Column } from '../plan/types.ts';
import type { NativeValue } from '../sql/native.ts';
import { jsonOf } from '../sql/convert-value.ts';
import { indexGraph } from './graph-index.ts';
import type { RowOperator, RowTable } from '../plugins/row-operator.ts';
import { columnIndex } from '../plugins/row-operator.ts';
import type { Match, Search } from './search.ts';
import { matches } from './search.ts';
import { shortestMatches } from './shortest.ts';

const stepsMax = 20_000_000;
const matchesMax = 1_000_000;

/** graph-match and graph-shortest-paths.
 * @see Kusto documentation, graph-match operator, "Pattern notation" and "cycles" */
export const graphMatch: RowOperator = ({ inputs, settings, cols }) => {
  const [nodes, edges] = inputs;
  invariant(nodes && edges && cols, 'a match has nodes, edges and columns');
  const match = settings as GraphMatchSettings;
  let steps = 0;
  const search: Search = {
    index: indexGraph(nodes, edges, match),
    settings: match,
    nodeAllowed: match.nodes.map((name) => allowed(match, nodes, name, 'self')),
    edgeAllowed: match.edges.map(({ name }) => allowed(match, edges, name, 'self')),
    innerAllowed: match.edges.map(({ name }) => allowed(match, nodes, name, 'inner')),
    spend: () => {
      steps += 1;
      if (steps > stepsMax) throw new KqlError('limits', 'The graph pattern has too many candidates.');
    },
  };
  const read = match.outputs.map((output) => reader(match, output, nodes, edges));
  const rows: NativeValue[][] = [];
  for (const found of match.shortest ? shortestMatches(search) : matches(search)) {
    if (rows.length >= matchesMax) throw new KqlError('limits', `A graph pattern gives at most ${matchesMax} matches.`);
    rows.push([...read.map((output) => output(found)), BigInt(rows.length)]);
  }
  return { cols, rows };
};

function allowed(
  match: GraphMatchSettings,
  table: RowTable,
  element: string,
  over: 'self' | 'inner',
): Uint8Array | undefined {
  const columns = match.constraints
    .filter((constraint) => constraint.element === element && constraint.over === over)
    .map((constraint) => columnIndex(table, constraint.column));
  if (columns.length === 0) return undefined;
  return Uint8Array.from(table.rows, (row) => (columns.every((column) => row[column] === true) ? 1 : 0));
}

function reader(
  { nodes: nodeNames, edges: patternEdges }: GraphMatchSettings,
  output: PatternOutput,
  nodes: RowTable,
  edges: RowTable,
): (match: Match) => NativeValue {
  const edgeAt = patternEdges.findIndex((edge) => edge.name === output.element);
  if (output.k === 'element') {
    const nodeAt = nodeNames.indexOf(output.element);
    const table = nodeAt >= 0 ? nodes : edges;
    const column = columnIndex(table, output.column);
    return (match) =>
      table.rows[(nodeAt >= 0 ? match.nodes[nodeAt] : match.edges[edgeAt]?.[0]) ?? -1]?.[column] ?? null;
  }
  const table: RowTable = output.over === 'inner' ? nodes : edges;
  const column = columnIndex(table, output.column);
  const type: Column['type'] = output.type;
  return (match) => {
    const path = (output.over === 'inner' ? match.inner[edgeAt] : match.edges[edgeAt]) ?? [];
    const values = path.map((number) => table.rows[number]?.[column] ?? null);
    if (output.fold === 'any') return values.includes(true);
    if (output.fold === 'all') return values.every((value) => value === true);
    return `[${values.map((value) => jsonOf(value, type) ?? 'null').join(',')}]`;
  };
}
