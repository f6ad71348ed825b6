import { expect, it } from 'vitest';
import { spreadSteps } from './spread-steps.ts';

it.each([
  [40, 6],
  [57, 3],
  [8, 8],
])('of %i steps %i are the first, the last, and one of each part between, in their order', (steps, count) => {
  const chosen = [...spreadSteps(steps, count)];
  expect(chosen).toHaveLength(count);
  expect([chosen[0], chosen.at(-1)]).toEqual([1, steps]);
  expect(chosen).toEqual(chosen.toSorted((a, b) => a - b));
  const gap = (steps - 1) / (count - 1);
  for (const [at, step] of chosen.entries()) expect(Math.abs(step - (1 + at * gap))).toBeLessThan(gap + 1);
});

it('is each step once where more are asked for than there are', () => {
  expect([...spreadSteps(4, 30)]).toEqual([1, 2, 3, 4]);
});
