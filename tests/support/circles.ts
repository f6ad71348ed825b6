/** The strongly connected parts of a graph that have more than one node: whoever is in one can be reached from itself. After Tarjan,
 * "Depth-first search and linear graph algorithms" (1972).
 * @param edges from each node to others; those that are no node themselves are left out */
export function circlesOf(edges: ReadonlyMap<string, ReadonlySet<string>>): readonly (readonly string[])[] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];
  const low = (node: string): number => lowest.get(node) ?? Infinity;
  const visit = (node: string): void => {
    order.set(node, order.size);
    lowest.set(node, order.size - 1);
    open.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!edges.has(next)) continue;
      if (!order.has(next)) {
        visit(next);
        lowest.set(node, Math.min(low(node), low(next)));
      } else if (open.includes(next)) lowest.set(node, Math.min(low(node), order.get(next) ?? Infinity));
    }
    if (lowest.get(node) !== order.get(node)) return;
    const circle = open.splice(open.indexOf(node));
    if (circle.length > 1) circles.push(circle.sort());
  };
  for (const node of edges.keys()) if (!order.has(node)) visit(node);
  return circles;
}
