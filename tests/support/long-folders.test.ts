import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesLeftOut, leftOutNow, longFolders } from './long-folders.ts';

const root = join(import.meta.dirname, '..', '..');
const seeds = Array.from({ length: 60 }, (_value, seed) => String(seed));
const testsIn = (folder: string): readonly string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `${folder}/${name}`);

describe('test files that npm test leaves out', () => {
  it('are there, and are all but one of so many of each folder', () => {
    const left = filesLeftOut(root, 'a');
    expect(left.filter((file) => !existsSync(join(root, file)))).toEqual([]);
    for (const [folder, share] of longFolders) {
      const all = testsIn(folder);
      const taken = all.filter((file) => !left.includes(file));
      expect(taken).toHaveLength(Math.ceil(all.length / share));
    }
  });

  it('are never all of a folder, at any depth', () => {
    const left = filesLeftOut(root, 'b');
    for (const folder of new Set(left.map((file) => file.slice(0, file.lastIndexOf('/')))))
      expect(testsIn(folder).filter((file) => !left.includes(file)).length, folder).toBeGreaterThan(0);
  });

  it('are the same with the same seed, and each is taken with another', () => {
    expect(filesLeftOut(root, 'a')).toEqual(filesLeftOut(root, 'a'));
    const always = seeds
      .map((seed) => filesLeftOut(root, seed))
      .reduce((both, left) => both.filter((file) => left.includes(file)));
    expect(always).toEqual([]);
  });

  it('are none unless a few are asked for', () => {
    expect(leftOutNow(root).length > 0).toBe(process.env['KUSTODY_CASES'] === 'few');
  });
});
