const word = 8;
const rounded = (bytes: number): number => Math.ceil(bytes / word) * word;
/** Up to here V8 keeps one byte for each unit of a text. */
const narrow = /^[\0-\xff]*$/;

/** What a tree of plain values, as JSON makes them, takes in V8's heap on 64 bits, at most: texts that V8 keeps once for several places, and
 * values that two members share, count in each.
 * @param enough it counts no further: the answer is then more than that, and the time that it takes has an end
 * @returns bytes */
export function heapBytes(value: unknown, enough = Infinity): number {
  let total = 0;
  const left: unknown[] = [value];
  while (left.length > 0 && total <= enough) {
    const one = left.pop();
    if (typeof one === 'string') total += 2 * word + rounded(narrow.test(one) ? one.length : 2 * one.length);
    else if (typeof one === 'number') total += Number.isInteger(one) && Math.abs(one) < 2 ** 30 ? 0 : 2 * word;
    else if (typeof one === 'object' && one !== null) {
      const members: readonly unknown[] = Array.isArray(one) ? one : Object.values(one);
      // An object: its shape and two places for members that come later. An array: as much, its length, and another object with the members.
      total += (members.length + (Array.isArray(one) ? 6 : 3)) * word;
      for (const member of members) left.push(member);
    }
  }
  return total;
}
