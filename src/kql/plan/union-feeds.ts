import type { Column } from './types.ts';

/** Which columns of a union a leg has something for: the place in the union's columns, and the name of the leg's own. In the order of the places.
 * Of a wildcard over hundreds of tables each leg has few of very many. */
export type UnionFeeds = readonly (readonly [place: number, own: string])[];

/** By their names. */
export function namesakes(leg: readonly Column[], cols: readonly Column[]): UnionFeeds {
  const names = new Set(leg.map(({ name }) => name));
  return cols.flatMap(({ name }, place) => (names.has(name) ? [[place, name] as const] : []));
}

/** The feeds of a union of some of its columns, in their order.
 * @param places of the columns that stay */
export function feedsAt(feeds: UnionFeeds, places: readonly number[]): UnionFeeds {
  const now = new Map(places.map((place, index) => [place, index]));
  return feeds
    .flatMap(([place, own]) => {
      const index = now.get(place);
      return index === undefined ? [] : [[index, own] as const];
    })
    .sort(([one], [other]) => one - other);
}
