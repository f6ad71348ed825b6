import { readdirSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { drawn } from './drawn.ts';

/** Most tests of these start servers, clusters or threads of their own, and take nine tenths of the time of all. `npm test` takes of the test
 * files of each of their folders one of so many, rounded up. Whole files, since what a file starts it starts for all of its tests. */
export const longFolders: readonly (readonly [start: string, share: number])[] = [
  ['tests/promises', 6],
  ['tests/scenarios', 6],
  ['tests/crash', 4],
  ['tests/extents', 3],
  ['tests/wire', 5],
  ['src/cluster', 4],
  ['src/database', 5],
  ['src/kql/duckdb', 4],
  ['src/kql/parser', 4],
  ['src/kql/threads', 3],
];

/** @returns paths of test files that a run does not take with this seed, from the root of the repository */
export function filesLeftOut(root: string, seed: string): readonly string[] {
  return longFolders.flatMap(([start, share]) => {
    const files = readdirSync(join(root, start), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => `${start}/${name.replaceAll(sep, '/')}`)
      .toSorted();
    return [...new Set(files.map((file) => dirname(file)))].flatMap((folder) => {
      const own = files.filter((file) => dirname(file) === folder);
      const taken = new Set(drawn(own, Math.ceil(own.length / share), `${seed}\n${folder}`));
      return own.filter((file) => !taken.has(file));
    });
  });
}

/** With `KUSTODY_CASES=few`, which `npm test` sets. */
export const leftOutNow = (root: string): readonly string[] =>
  process.env['KUSTODY_CASES'] === 'few' ? filesLeftOut(root, process.env['KUSTODY_SEED'] ?? '0') : [];
