import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ReadTask } from './few-tests.ts';
import { leaveFew } from './few-tests.ts';
import { longFolders, shareOf } from './long-folders.ts';

const test = (name: string, mode = 'run'): ReadTask => ({ type: 'test', name, mode });
const suite = (name: string, tasks: readonly ReadTask[], mode = 'run'): ReadTask => ({
  ...{ type: 'suite', name, mode, tasks },
});
const tests = (count: number): ReadTask[] => Array.from({ length: count }, (_value, at) => test(`test ${at}`));
const left = (task: ReadTask): string[] =>
  task.tasks === undefined ? (task.mode === 'run' ? [task.name] : []) : task.tasks.flatMap(left);

describe('few tests of a file', () => {
  it('are one of so many, rounded up, in each suite by itself', () => {
    const inner = suite('inner', tests(3));
    const file = suite('file', [...tests(13), inner, suite('with none', [suite('below', tests(5))])]);
    leaveFew(file, 5, 'a');
    expect(left(inner)).toHaveLength(1);
    expect(left(file)).toHaveLength(3 + 1 + 1);
  });

  it('are told as skipped, for reporters that have been told of them as to run', () => {
    const file = suite('file', tests(10));
    leaveFew(file, 10, 'a');
    const skipped = file.tasks?.filter(({ mode }) => mode === 'skip') ?? [];
    expect(skipped).toHaveLength(9);
    expect(skipped.every(({ result }) => result?.state === 'skip')).toBe(true);
  });

  it('are all with a share of 1', () => {
    const file = suite('file', [...tests(4), suite('inner', tests(3))]);
    leaveFew(file, 1, 'a');
    expect(left(file)).toHaveLength(7);
  });

  it('are not those that do not run anyway: another stays then', () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const file = suite('file', [test('off', 'skip'), ...tests(2), suite('none', tests(2), 'skip')]);
      leaveFew(file, 3, String(seed));
      expect(left(file)).toEqual([expect.stringMatching(/^test [01]$/), 'test 0', 'test 1']);
      expect(file.tasks?.[0]?.result).toBeUndefined();
    }
  });

  it('are the same with the same lottery, and come to every test with others', () => {
    const drawn = (lottery: string): string[] => {
      const file = suite('file', tests(8));
      leaveFew(file, 4, lottery);
      return left(file);
    };
    expect(drawn('a')).toEqual(drawn('a'));
    expect(new Set(Array.from({ length: 100 }, (_value, seed) => drawn(String(seed))).flat()).size).toBe(8);
  });

  it('are of folders and files that there are', () => {
    const root = join(import.meta.dirname, '..', '..');
    expect(longFolders.filter(([start]) => !existsSync(join(root, start)))).toEqual([]);
    expect(shareOf('src/cluster/supervisor/revocation.test.ts')).toBe(5);
    expect(shareOf('tests/architecture.test.ts')).toBe(1);
  });
});
