import { describe, expect, it } from 'vitest';
import { drawOnce } from './random.ts';

describe('drawOnce', () => {
  it('gives each byte of one draw once, and no more than were drawn', () => {
    const draws: number[] = [];
    const take = drawOnce((length) => {
      draws.push(length);
      return Uint8Array.from({ length }, (_, at) => at);
    }, 5);
    expect([...take(2), ...take(0), ...take(3)]).toEqual([0, 1, 2, 3, 4]);
    expect(() => take(1)).toThrow();
    expect(draws).toEqual([5]);
  });
});
