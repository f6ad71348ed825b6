import { expect, it } from 'vitest';
import { Activity } from './activity.ts';

it('a data plane is idle from the end of the last thing that went on, whatever ended before', () => {
  let now = 100;
  const activity = new Activity(() => now);
  now = 150;
  expect(activity.idleMs()).toBe(50);
  const [first, second] = [activity.begin(), activity.begin()];
  now = 1_000;
  first();
  expect(activity.idleMs()).toBeUndefined();
  now = 2_000;
  second();
  expect(activity.idleMs()).toBe(0);
  now = 2_300;
  expect(activity.idleMs()).toBe(300);
});
