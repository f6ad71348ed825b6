import { KqlError } from '../plan/kql-error.ts';
import type { PatternEdge } from '../plan/graph-settings.ts';
import type { Match, Search } from './search.ts';
import { matches, ways } from './search.ts';

/** The shortest matches for every choice of the pattern's nodes: one (`any`) or all of them. Nodes of different names are
 * different nodes. */
export function* shortestMatches(search: Search): Generator<Match> {
  const { edges, nodes, shortest } = search.settings;
  const variable = edges.filter((edge) => edge.variable);
  const [only] = variable;
  if (!only || variable.length > 1)
    throw new KqlError(
      'notSupported',
      'graph-shortest-paths takes a pattern with exactly one variable-length edge; others are not supported.',
    );
  const found =
    edges.length === 1 && nodes.length === 2 && only.min <= 1 ? byBreadth(search, only) : byLength(search, only);
  const seen = new Set<string>();
  for (const match of found) {
    const key = match.nodes.join();
    if (shortest === 'any' && seen.has(key)) continue;
    seen.add(key);
    yield match;
  }
}

/** Breadth first from every start: the first level that reaches a node holds all its shortest paths. */
function* byBreadth(search: Search, edge: PatternEdge): Generator<Match> {
  const { index, nodeAllowed, edgeAllowed, innerAllowed } = search;
  for (let start = 0; start < index.nodeCount; start += 1) {
    if ((nodeAllowed[edge.from]?.[start] ?? 1) === 0) continue;
    const distance = new Map([[start, 0]]);
    const before = new Map<number, { readonly way: number; readonly from: number }[]>();
    let level = [start];
    for (let length = 1; length <= edge.max && level.length > 0; length += 1) {
      const reachedNow: number[] = [];
      for (const node of level) {
        if (length > 1 && (innerAllowed[0]?.[node] ?? 1) === 0) continue;
        for (const [way, reached] of ways(index, node, edge.direction, false)) {
          search.spend();
          if ((edgeAllowed[0]?.[way] ?? 1) === 0) continue;
          const known = distance.get(reached);
          if (known !== undefined && known < length) continue;
          if (known === undefined) {
            distance.set(reached, length);
            reachedNow.push(reached);
          }
          before.set(reached, [...(before.get(reached) ?? []), { way, from: node }]);
        }
      }
      level = reachedNow;
    }
    for (const end of distance.keys()) {
      if (end === start || (nodeAllowed[edge.to]?.[end] ?? 1) === 0) continue;
      for (const { path, inner } of unwind(search, before, start, end)) {
        const ends = search.settings.nodes.map((_name, node) => (node === edge.from ? start : end));
        yield { nodes: ends, edges: [path], inner: [inner] };
        if (search.settings.shortest === 'any') break;
      }
    }
  }
}

function* unwind(
  search: Search,
  before: ReadonlyMap<number, readonly { readonly way: number; readonly from: number }[]>,
  start: number,
  node: number,
): Generator<{ readonly path: readonly number[]; readonly inner: readonly number[] }> {
  for (const { way, from } of before.get(node) ?? []) {
    search.spend();
    if (from === start) {
      yield { path: [way], inner: [] };
      continue;
    }
    for (const { path, inner } of unwind(search, before, start, from))
      yield { path: [...path, way], inner: [...inner, from] };
  }
}

/** Patterns with more edges, or a least length: all matches of each length, the nodes that have one being done with. */
function* byLength(search: Search, variable: PatternEdge): Generator<Match> {
  const done = new Set<string>();
  for (let length = variable.min; length <= variable.max; length += 1) {
    const edges = search.settings.edges.map((edge) =>
      edge === variable ? { ...edge, min: length, max: length } : edge,
    );
    const now = new Set<string>();
    for (const match of matches({ ...search, settings: { ...search.settings, edges } })) {
      const key = match.nodes.join();
      if (done.has(key) || (variable.from !== variable.to && match.nodes[variable.from] === match.nodes[variable.to]))
        continue;
      now.add(key);
      yield match;
    }
    for (const key of now) done.add(key);
  }
}
