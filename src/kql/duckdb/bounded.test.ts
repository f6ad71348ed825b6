import { describe, expect, it } from 'vitest';
import { bounded } from './bounded.ts';

const never = (): never => {
  throw new Error('it was not ended');
};

describe('bounded work', () => {
  it('is done', () => {
    let sum = 0;
    bounded(
      1_000,
      () => {
        for (let index = 0; index < 10; index += 1) sum += index;
      },
      never,
    );
    expect(sum).toBe(45);
  });

  it('passes its errors on', () => {
    const work = (): never => {
      throw new RangeError('mine');
    };
    expect(() => bounded(1_000, work, never)).toThrow(RangeError);
  });

  it('ends, even a regular expression that would try for ever', () => {
    const text = `${'a'.repeat(40)}b`;
    let ended = 0;
    bounded(
      50,
      () => void /^(a+)+$/u.exec(text),
      () => (ended += 1),
    );
    expect(ended).toBe(1);
    bounded(1_000, () => undefined, never);
  });
});
