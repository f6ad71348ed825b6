import { describe, expect, it } from 'vitest';
import { instant } from '../../clock/clock.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { sweepDue } from './due-schedule.ts';

const now = Date.parse('2031-03-04T05:06:07Z');
const clock = new VirtualClock({
  settings: { offset: 0, frozenAt: now },
  onError: (error) => {
    throw error;
  },
});

async function* each<T>(...objects: readonly T[]): AsyncGenerator<T> {
  for (const object of objects) yield await Promise.resolve(object);
}

describe('what is due', () => {
  it('of one that fails is told and tried again a day later, and the others are done', async () => {
    const [done, told]: [string[], unknown[]] = [[], []];
    const next = await sweepDue(each('a', 'broken', 'b'), { clock, failed: (error) => told.push(error) }, (name) => {
      if (name === 'broken') return Promise.reject(new Error('It cannot be renewed.'));
      done.push(name);
      return Promise.resolve(name === 'b' ? instant(now + 90 * 86_400_000) : undefined);
    });
    expect([done, next]).toEqual([['a', 'b'], now + 86_400_000]);
    expect(told).toEqual([new Error('It cannot be renewed.')]);
  });

  it('is never in the past, and of nothing is nothing', async () => {
    const options = { clock, failed: () => undefined };
    expect(await sweepDue(each('late'), options, () => Promise.resolve(instant(now - 1)))).toBe(now);
    expect(await sweepDue(each('idle'), options, () => Promise.resolve(undefined))).toBeUndefined();
  });
});
