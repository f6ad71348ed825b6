import type { Column } from '../plan/types.ts';
import type { NativeValue } from '../sql/native.ts';
import type { RowTable } from './row-operator.ts';
import { nullOf } from './row-operator.ts';

/** Makes the rows of a lookup: the columns of the input, then those of the lookup table that are kept, numbered where the name
 * is taken, as the binder does it. A column of the result finds its value by that name, since plugins order them differently.
 * @param kept which columns of the lookup table go into the result
 * @returns a function of a row of the input and of a row of the lookup table, if there is one */
export function lookupRow(
  cols: readonly Column[],
  input: RowTable,
  table: RowTable,
  kept: (name: string) => boolean,
): (row: readonly NativeValue[], match: readonly NativeValue[] | undefined) => NativeValue[] {
  const places = new Map<string, { readonly side: 'input' | 'table'; readonly index: number }>();
  input.cols.forEach(({ name }, index) => places.set(name, { side: 'input', index }));
  table.cols.forEach(({ name }, index) => {
    if (!kept(name)) return;
    let free = name;
    for (let number = 1; places.has(free); number += 1) free = `${name}${number}`;
    places.set(free, { side: 'table', index });
  });
  return (row, match) =>
    cols.map(({ name, type }) => {
      const place = places.get(name);
      const value = place && (place.side === 'input' ? row : match)?.[place.index];
      return value ?? nullOf(type);
    });
}
