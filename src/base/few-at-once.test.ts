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

  it('counts those that wait, too, and tells when one has ended or failed', async () => {
    const few = new FewAtOnce(1);
    const { ends, work } = heldWork();
    const all = [0, 1].map((at) => few.run(work(at)));
    expect(few.count).toBe(2);
    const first = few.oneEnded();
    ends[0]?.(new Error('failed'));
    await first;
    expect(few.count).toBe(1);
    await expect(all[0]).rejects.toThrow('failed');
    const second = few.oneEnded();
    ends[1]?.();
    await second;
    expect(few.count).toBe(0);
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
