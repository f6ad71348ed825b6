/** A name for a column that only the engine knows: one that no column of the rows has, whatever users call theirs. */
export function freeName(name: string, cols: readonly { readonly name: string }[]): string {
  const taken = new Set(cols.map((column) => column.name));
  let free = name;
  for (let number = 1; taken.has(free); number += 1) free = `${name}${number}`;
  return free;
}
