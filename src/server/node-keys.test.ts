import { expect, it } from 'vitest';
import { NodeKeys } from './node-keys.ts';

it('keys by which nodes prove themselves: the one before counts until others have seen the next, and no longer', () => {
  const timers: [number, () => void][] = [];
  const keys = new NodeKeys((milliseconds, run) => {
    timers.push([milliseconds, run]);
    return () => undefined;
  });
  const [first, second] = [1, 2].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer];
  keys.sign(first);
  expect([keys.all, timers]).toEqual([[first], []]);
  keys.sign(second);
  expect([keys.all, timers[0]?.[0]]).toEqual([[second, first], 6_000]);
  timers[0]?.[1]();
  expect(keys.all).toEqual([second]);
});
