import { invariant } from '../../base/invariant.ts';
import type { GraphMatchSettings, PatternEdge } from '../plan/graph-settings.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { GraphIndex } from './graph-index.ts';

/** One match: by pattern node its node, by pattern edge the edges and the nodes between them, in pattern order. */
export interface Match {
  readonly nodes: readonly number[];
  readonly edges: readonly (readonly number[])[];
  readonly inner: readonly (readonly number[])[];
}

/** What may stand where; undefined allows everything. */
export interface Search {
  readonly index: GraphIndex;
  readonly settings: GraphMatchSettings;
  readonly nodeAllowed: readonly (Uint8Array | undefined)[];
  readonly edgeAllowed: readonly (Uint8Array | undefined)[];
  readonly innerAllowed: readonly (Uint8Array | undefined)[];
  /** Called for every step of the search. @throws KqlError limits */
  spend(): void;
}

/** The edges of the pattern in the order in which they are tried: each starts from a node that is bound by then. */
interface Step {
  readonly edge: number;
  readonly backwards: boolean;
}

function orderOf(search: Search): { readonly start: number; readonly steps: readonly Step[] } {
  const { nodes, edges } = search.settings;
  const size = (node: number): number =>
    search.nodeAllowed[node]?.reduce((sum, flag) => sum + flag, 0) ?? search.index.nodeCount;
  let start = 0;
  nodes.forEach((_name, node) => {
    if (size(node) < size(start)) start = node;
  });
  const bound = new Set([start]);
  const left = new Set(edges.keys());
  const steps: Step[] = [];
  const rank = (edge: PatternEdge): number =>
    bound.has(edge.from) && bound.has(edge.to)
      ? 0
      : !bound.has(edge.from) && !bound.has(edge.to)
        ? 3
        : edge.variable
          ? 2
          : 1;
  while (left.size > 0) {
    const [next] = [...left].sort((a, b) => rankAt(a) - rankAt(b));
    const edge = next === undefined ? undefined : edges[next];
    if (next === undefined || !edge || rank(edge) === 3)
      throw new KqlError('semantic', 'The parts of a graph pattern must be connected.');
    steps.push({ edge: next, backwards: !bound.has(edge.from) });
    bound.add(edge.from).add(edge.to);
    left.delete(next);
  }
  if (bound.size < nodes.length) throw new KqlError('semantic', 'The parts of a graph pattern must be connected.');
  return { start, steps };
  function rankAt(index: number): number {
    const edge = edges[index];
    return edge ? rank(edge) : 3;
  }
}

/** The edges that lead on from a node, with the node they lead to. A loop is met once, also without a direction. */
export function* ways(
  index: GraphIndex,
  node: number,
  direction: PatternEdge['direction'],
  backwards: boolean,
): Generator<readonly [edge: number, node: number]> {
  const forwards = (direction === 'out') !== backwards;
  if (direction === 'any' || forwards) for (const edge of index.leaving[node] ?? []) yield [edge, index.to[edge] ?? -1];
  if (direction === 'any' || !forwards)
    for (const edge of index.reaching[node] ?? [])
      if (direction !== 'any' || index.from[edge] !== node) yield [edge, index.from[edge] ?? -1];
}

/** All matches, by depth-first search. */
export function* matches(search: Search): Generator<Match> {
  const { index, settings, nodeAllowed, edgeAllowed, innerAllowed } = search;
  const { start, steps } = orderOf(search);
  const unique = settings.cycles !== 'all';
  const acyclic = settings.cycles === 'none';
  const bound: (number | undefined)[] = settings.nodes.map(() => undefined);
  const paths: (readonly number[])[] = settings.edges.map(() => []);
  const inner: (readonly number[])[] = settings.edges.map(() => []);
  const usedEdges = new Set<number>();
  const usedNodes = new Set<number>();

  function* next(at: number): Generator<Match> {
    const step = steps[at];
    if (!step) {
      yield { nodes: bound.map((node) => node ?? -1), edges: [...paths], inner: [...inner] };
      return;
    }
    const edge = settings.edges[step.edge];
    invariant(edge, 'a step follows an edge of the pattern');
    const here = bound[step.backwards ? edge.to : edge.from];
    if (here !== undefined) yield* walk(at, step, edge, here, [], []);
  }

  /** `path` and `between` are in walking order. */
  function* walk(
    at: number,
    step: Step,
    edge: PatternEdge,
    node: number,
    path: readonly number[],
    between: readonly number[],
  ): Generator<Match> {
    search.spend();
    if (path.length >= edge.min) yield* arrive(at, step, edge, node, path, between);
    if (path.length >= edge.max) return;
    const isInner = path.length > 0;
    if (isInner && ((innerAllowed[step.edge]?.[node] ?? 1) === 0 || (acyclic && usedNodes.has(node)))) return;
    const insides = isInner ? [...between, node] : between;
    if (isInner && acyclic) usedNodes.add(node);
    for (const [way, reached] of ways(index, node, edge.direction, step.backwards)) {
      if ((edgeAllowed[step.edge]?.[way] ?? 1) === 0 || (unique && usedEdges.has(way))) continue;
      usedEdges.add(way);
      yield* walk(at, step, edge, reached, [...path, way], insides);
      usedEdges.delete(way);
    }
    if (isInner && acyclic) usedNodes.delete(node);
  }

  function* arrive(
    at: number,
    step: Step,
    edge: PatternEdge,
    node: number,
    path: readonly number[],
    between: readonly number[],
  ): Generator<Match> {
    const end = step.backwards ? edge.from : edge.to;
    const known = bound[end];
    // An edge onto a node that the match has already closes a cycle.
    if (known !== undefined && (known !== node || (acyclic && path.length > 0))) return;
    if (known === undefined) {
      if ((nodeAllowed[end]?.[node] ?? 1) === 0 || (acyclic && path.length > 0 && usedNodes.has(node))) return;
      bound[end] = node;
    }
    const isNew = known === undefined && !usedNodes.has(node);
    if (isNew) usedNodes.add(node);
    paths[step.edge] = step.backwards ? [...path].reverse() : path;
    inner[step.edge] = step.backwards ? [...between].reverse() : between;
    yield* next(at + 1);
    if (isNew) usedNodes.delete(node);
    if (known === undefined) bound[end] = undefined;
  }

  for (let node = 0; node < index.nodeCount; node += 1) {
    if ((nodeAllowed[start]?.[node] ?? 1) === 0) continue;
    bound[start] = node;
    usedNodes.add(node);
    yield* next(0);
    usedNodes.delete(node);
  }
}
