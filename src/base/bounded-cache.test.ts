import { describe, expect, it } from 'vitest';
import { BoundedCache } from './bounded-cache.ts';

describe('a bounded cache', () => {
  it('keeps the entries used last', () => {
    const cache = new BoundedCache<number>({ countMax: 2 });
    cache.set('a', 1);
    cache.set('b', 2);
    cache.get('a');
    cache.set('c', 3);
    expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([1, undefined, 3, 2]);
  });

  it('keeps no more than the weight that it may', () => {
    const cache = new BoundedCache<string>({
      countMax: 100,
      weight: { max: 10, of: (key, value) => key.length + value.length },
    });
    cache.set('a', '1234');
    cache.set('b', '1234');
    expect([cache.size, cache.weight]).toEqual([2, 10]);
    cache.set('c', '1');
    expect([cache.get('a'), cache.size, cache.weight]).toEqual([undefined, 2, 7]);
    cache.set('b', '1');
    expect(cache.weight).toBe(4);
    cache.set('d', 'far too long for it');
    expect([cache.get('d'), cache.size]).toEqual([undefined, 2]);
    cache.delete('b');
    cache.delete('nobody');
    expect([cache.size, cache.weight]).toEqual([1, 2]);
  });
});
