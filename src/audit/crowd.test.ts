import { describe, expect, it } from 'vitest';
import { Crowd } from './crowd.ts';

const crowdMin = 32;

/** Clients that ask again when they are answered, of whom the thread takes in one a turn. A commit is made once enough wait,
 * and is durable after so many turns.
 * @returns how many were in each of the commits */
function commitsOf(crowd: Crowd, clients: number, commitTurns: number, commits: number): readonly number[] {
  const sizes: number[] = [];
  let [asking, waiting] = [clients, 0];
  const turn = (): boolean => {
    if (asking === 0) return false;
    asking -= 1;
    waiting += 1;
    return true;
  };
  while (sizes.length < commits) {
    while (waiting < crowd.enough && turn());
    if (waiting < crowd.enough) crowd.waitedInVain();
    const together = waiting;
    waiting = 0;
    let isIdle = false;
    for (let at = 0; at < commitTurns; at += 1) isIdle = !turn() || isIdle;
    crowd.were(together, waiting, isIdle);
    asking += together;
    sizes.push(together);
  }
  return sizes;
}

const mean = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0) / sizes.length;

describe('a crowd', () => {
  it('is nearly whole in each commit when commits are fast', () => {
    const sizes = commitsOf(new Crowd(crowdMin), 64, 1, 200).slice(100);
    expect(mean(sizes)).toBeGreaterThan(60);
  });

  it('leaves as many out as are answered while a commit is made', () => {
    const sizes = commitsOf(new Crowd(crowdMin), 64, 16, 400).slice(200);
    expect(mean(sizes)).toBeGreaterThan(44);
    expect(mean(sizes)).toBeLessThan(50);
  });

  it('is halved, and no more, when commits are slow', () => {
    const sizes = commitsOf(new Crowd(crowdMin), 64, 1_000, 200).slice(100);
    expect(mean(sizes)).toBe(32);
  });

  it('that is small is not divided', () => {
    const sizes = commitsOf(new Crowd(crowdMin), 20, 5, 50);
    expect(sizes.slice(1).every((size) => size === 20)).toBe(true);
    expect(new Crowd(crowdMin).enough).toBe(Infinity);
  });

  it('that became smaller is not waited for again, and one that became larger is seen', () => {
    const crowd = new Crowd(crowdMin);
    commitsOf(crowd, 100, 4, 100);
    commitsOf(crowd, 40, 4, 3);
    expect(crowd.enough).toBeLessThanOrEqual(40);
    commitsOf(crowd, 100, 4, 100);
    expect(crowd.enough).toBeGreaterThan(80);
  });
});
