import { createHash } from 'node:crypto';

/** Those of the `count` lowest lots, each a hash of its place and `lottery`. */
export function drawn<T>(cases: readonly T[], count: number, lottery: string): readonly T[] {
  const lots = cases.map((_case, index) => createHash('sha256').update(`${lottery}\n${index}`).digest('hex'));
  const limit = lots.toSorted()[count];
  return limit === undefined ? cases : cases.filter((_case, index) => (lots[index] ?? '') < limit);
}
