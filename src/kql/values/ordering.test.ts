import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderingOf } from './ordering.ts';

const order = (type: Parameters<typeof orderingOf>[0], text: string): bigint | undefined => orderingOf(type)?.(text);

describe('the order of values', () => {
  it('is that of reals, zeros are equal, and NaN is in none', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (one, other) => {
        const [left = 0n, right = 0n] = [order('real', String(one)), order('real', String(other))];
        expect([left < right, left === right]).toEqual([one < other, one === other]);
      }),
    );
    expect(order('real', '-0.0')).toBe(order('real', '0'));
    expect(order('real', '-Infinity')).toBeLessThan(order('real', '-1.7976931348623157e308') ?? 0n);
    for (const text of ['NaN', 'nan', '', 'null']) expect(order('real', text)).toBeUndefined();
  });

  it('is that of decimals, guids and bools', () => {
    expect(order('decimal', '-1.5')).toBeLessThan(order('decimal', '0.000000000000000001') ?? 0n);
    expect(order('decimal', '2')).toBe(order('decimal', '2.000000000000000000'));
    expect(order('decimal', '1e3')).toBeUndefined();
    const [low, high] = ['00000000-0000-4000-8000-000000000000', 'FF000000-0000-4000-8000-000000000000'];
    expect(order('guid', low)).toBeLessThan(order('guid', high) ?? 0n);
    expect(order('guid', high.toLowerCase())).toBe(order('guid', high));
    expect([order('bool', 'false'), order('bool', 'true'), order('bool', '')]).toEqual([0n, 1n, undefined]);
    expect(orderingOf('dynamic')).toBeUndefined();
  });
});
