/** How many characters have to be added, left out or exchanged to make one text of the other, letters of either case being the same. */
export function editDistance(left: string, right: string): number {
  const [from, to] = [left.toLowerCase().slice(0, lengthMax), right.toLowerCase().slice(0, lengthMax)];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let above = 0; above < from.length; above += 1) {
    const next = [above + 1];
    for (let at = 1; at <= to.length; at += 1) {
      const exchanged = (row[at - 1] ?? 0) + (to[at - 1] === from[above] ? 0 : 1);
      next.push(Math.min(exchanged, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Those that are spelt most like a text, the nearest first. */
export const nearest = (wanted: string, names: readonly string[], count: number): readonly string[] =>
  [...names]
    .map((name) => ({ name, distance: editDistance(wanted, name) }))
    .sort((left, right) => left.distance - right.distance)
    .slice(0, count)
    .map(({ name }) => name);

const lengthMax = 200;
