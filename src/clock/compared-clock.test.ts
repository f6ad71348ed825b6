import { expect, it } from 'vitest';
import { ComparedClock } from './compared-clock.ts';

const at = 1_800_000_000_000;

it.each([
  ['the same', 0, [0, 0], false],
  ['five seconds ahead', 5_000, [0, 0], false],
  ['more than five seconds ahead', 5_001, [0, 0], true],
  ['more than five seconds behind', -5_001, [0, 0], true],
  ['somewhere within an answer that took a minute', 30_000, [0, 60_000], false],
  ['behind the beginning of such an answer', -5_001, [0, 60_000], true],
  ['ahead of its end', 65_001, [0, 60_000], true],
  ['within, while the machine was set back', -30_000, [0, -60_000], false],
] as const)('a clock that is %s', (_, other, [asked, answered], differs) => {
  const clock = new ComparedClock(() => undefined);
  clock.saw(at + other, at + asked, at + answered);
  expect(clock.differs).toBe(differs);
});

it('does not differ before it is compared, and tells each change once', () => {
  const told: number[] = [];
  const clock = new ComparedClock((differenceMs) => told.push(differenceMs));
  expect(clock.differs).toBe(false);
  for (const other of [0, 7_000, 8_000, -9_000, 1_000, 0]) clock.saw(at + other, at, at);
  expect(told).toEqual([7_000, 1_000]);
});
