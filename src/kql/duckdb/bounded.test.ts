import { describe, expect, it, vi } from 'vitest';
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

  it('leaves nothing half read when it ends while the patterns of user agents are read', async () => {
    vi.resetModules();
    const { parseUserAgent } = await import('../algorithms/text/user-agent.ts');
    const parsed = (): unknown => parseUserAgent('AdobeAIR/2.5.1', new Set(['browser']));
    for (let milliseconds = 1; milliseconds < 64; milliseconds *= 2) bounded(milliseconds, parsed, () => undefined);
    expect(parsed()).toHaveProperty('Browser.Family', 'AdobeAIR');
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
