import { describe, expect, it } from 'vitest';
import { drawn } from './drawn.ts';

const cases = Array.from({ length: 20 }, (_value, index) => index);

describe('a sample of cases', () => {
  it('has as many as asked for, in their order, and all where there are no more', () => {
    const some = drawn(cases, 3, 'a');
    expect(some).toHaveLength(3);
    expect(some).toEqual(some.toSorted((a, b) => a - b));
    expect(drawn(cases, 20, 'a')).toEqual(cases);
    expect(drawn(cases, 21, 'a')).toEqual(cases);
    expect(drawn([], 1, 'a')).toEqual([]);
  });

  it('is the same with the same seed, and comes to every case with others', () => {
    expect(drawn(cases, 3, 'a')).toEqual(drawn(cases, 3, 'a'));
    const seen = Array.from({ length: 200 }, (_value, seed) => drawn(cases, 1, String(seed)));
    expect(new Set(seen.flat())).toEqual(new Set(cases));
  });

  it('has a seed, which the run was given or has printed', () => {
    expect(process.env['KUSTODY_SEED']).toMatch(/^\d+$/);
  });
});
