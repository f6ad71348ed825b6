import { madeOnce } from './made-once.ts';

/** Lists as short as this are looked through each time. */
const shortMax = 16;

/** Finds the first with a key in immutable lists. A long one is looked through once, however often it is asked: with as many questions as there
 * are in it, the time grows with its length, not with the square of that. */
export function findBy<One>(keyOf: (one: One) => string): (list: readonly One[], key: string) => One | undefined {
  const firsts = madeOnce((list: readonly One[]): ReadonlyMap<string, One> => {
    const found = new Map<string, One>();
    for (const one of list) {
      const key = keyOf(one);
      if (!found.has(key)) found.set(key, one);
    }
    return found;
  });
  return (list, key) => (list.length <= shortMax ? list.find((one) => keyOf(one) === key) : firsts(list).get(key));
}
