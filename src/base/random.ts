import { randomBytes as nodeRandomBytes } from 'node:crypto';
import { invariant } from './invariant.ts';

/** @returns exactly `length` bytes that nobody can guess; tests pass a seeded one */
export type RandomBytes = (length: number) => Uint8Array;

export const systemRandomBytes: RandomBytes = (length) => nodeRandomBytes(length);

/** `count` values of `length` bytes in one draw, which costs more than its bytes. Nothing is kept for later: a copy of this machine
 * that goes on from here must not know what will be drawn. */
export function drawMany(randomBytes: RandomBytes, length: number, count: number): readonly Uint8Array[] {
  const all = randomBytes(length * count);
  return Array.from({ length: count }, (_value, index) => all.subarray(index * length, (index + 1) * length));
}

/** What takes its bytes out of one draw, for a thing that is made of several. Taking more than was drawn is our mistake. */
export function drawOnce(randomBytes: RandomBytes, length: number): RandomBytes {
  const all = randomBytes(length);
  let taken = 0;
  return (wanted) => {
    invariant(taken + wanted <= length, 'as many bytes were drawn as are taken');
    taken += wanted;
    return all.subarray(taken - wanted, taken);
  };
}
