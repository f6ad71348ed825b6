import { describe, expect, it } from 'vitest';
import { soon } from './soon.ts';

describe('a value that may be there', () => {
  it('is taken at once, or when it comes', async () => {
    expect(soon(1, (value) => value + 1)).toBe(2);
    await expect(soon(Promise.resolve(1), (value) => value + 1)).resolves.toBe(2);
    await expect(soon(1, (value) => Promise.resolve(value + 1))).resolves.toBe(2);
  });

  it('fails at once, or when it comes', async () => {
    const fail = (): never => {
      throw new Error('no');
    };
    expect(() => soon(1, fail)).toThrow('no');
    await expect(soon(Promise.resolve(1), fail)).rejects.toThrow('no');
  });
});
