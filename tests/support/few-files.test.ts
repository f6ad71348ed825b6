import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesLeftOut, leftOutNow } from './few-files.ts';
import { longFiles } from './long-files.ts';

const root = join(import.meta.dirname, '..', '..');
const seeds = Array.from({ length: 120 }, (_value, seed) => String(seed));
const named = (folder: string, count: number): string[] =>
  Array.from({ length: count }, (_value, at) => `${folder}/inner/f${at}.test.ts`);

describe('test files that npm test leaves out', () => {
  it('are there', () => {
    expect(longFiles.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it('are all but one of ten of each folder, and never all', () => {
    const files = [...named('src/a', 10), ...named('tests/b', 11), ...named('tests/c', 1)];
    const left = filesLeftOut(files, 'a');
    const taken = (folder: string): number => files.filter((f) => f.startsWith(folder) && !left.includes(f)).length;
    expect(['src/a', 'tests/b', 'tests/c'].map(taken)).toEqual([1, 2, 1]);
  });

  it('are the same with the same seed, and each is taken with another', () => {
    expect(filesLeftOut(longFiles, 'a')).toEqual(filesLeftOut(longFiles, 'a'));
    const always = seeds
      .map((seed) => filesLeftOut(longFiles, seed))
      .reduce((both, left) => both.filter((file) => left.includes(file)));
    expect(always).toEqual([]);
  });

  it('are none unless a few are asked for', () => {
    expect(leftOutNow().length > 0).toBe(process.env['KUSTODY_CASES'] === 'few');
  });
});
