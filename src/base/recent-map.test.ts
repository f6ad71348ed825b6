import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentMap } from './recent-map.ts';

describe('a map of what was asked for lately', () => {
  it('lets go of the oldest that nobody asked for', () => {
    const map = new RecentMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.get('a');
    map.set('c', 3);
    expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([1, undefined, 3]);
  });

  it('lets go of the oldest where all were asked for, and never of the newest', () => {
    const map = new RecentMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.get('a');
    map.get('b');
    map.set('c', 3);
    expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([undefined, 2, 3]);
  });

  it('holds what was put there last, and never too much', () => {
    const key = fc.nat(8);
    const step = fc.oneof(
      fc.record({ set: key, value: fc.nat() }),
      fc.record({ get: key }),
      fc.record({ delete: key }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step), (entriesMax, steps) => {
        const map = new RecentMap<number, number>(entriesMax);
        const model = new Map<number, number>();
        for (const one of steps) {
          if ('set' in one) {
            map.set(one.set, one.value);
            model.set(one.set, one.value);
            expect(map.get(one.set)).toBe(one.value);
          } else if ('delete' in one) {
            map.delete(one.delete);
            model.delete(one.delete);
            expect(map.get(one.delete)).toBeUndefined();
          } else expect([model.get(one.get), undefined]).toContain(map.get(one.get));
          expect(map.size).toBeLessThanOrEqual(entriesMax);
        }
      }),
    );
  });
});
