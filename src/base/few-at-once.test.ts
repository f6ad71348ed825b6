import { describe, expect, it } from 'vitest';
import { FewAtOnce } from './few-at-once.ts';

/** Work that ends when it is told to. */
function heldWork() {
  const begun: number[] = [];
  const ends: ((failed?: Error) => void)[] = [];
  const work = (at: number) => (): Promise<number> => {
    begun.push(at);
    return new Promise((resolve, reject) => {
      ends[at] = (failed) => (failed === undefined ? resolve(at) : reject(failed));
    });
  };
  return { begun, ends, work };
}

describe('few at once', () => {
  it('begins the next in the order of its coming, when one before has ended or failed', async () => {
    const few = new FewAtOnce(2);
    const { begun, ends, work } = heldWork();
    const all = [0, 1, 2, 3].map((at) => few.run(work(at)));
    expect(begun).toEqual([0, 1]);
    ends[1]?.(new Error('failed'));
    await expect(all[1]).rejects.toThrow('failed');
    expect(begun).toEqual([0, 1, 2]);
    ends[0]?.();
    expect(await all[0]).toBe(0);
    expect(begun).toEqual([0, 1, 2, 3]);
    ends[2]?.();
    ends[3]?.();
    expect(await Promise.all([all[2], all[3]])).toEqual([2, 3]);
  });

  it('has its places back when all has ended', async () => {
    const few = new FewAtOnce(1);
    expect(await Promise.all([1, 2, 3].map((one) => few.run(() => Promise.resolve(one))))).toEqual([1, 2, 3]);
    const { begun, work } = heldWork();
    void few.run(work(0));
    void few.run(work(1));
    expect(begun).toEqual([0]);
  });
});
