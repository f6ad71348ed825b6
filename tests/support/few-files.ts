import { drawn } from './drawn.ts';
import { longFiles } from './long-files.ts';

/** `npm test` takes all files that are short, and of the long ones of each folder (such as `tests/wire`) one of so many, rounded up. Whole files:
 * what a file starts it starts for all of its tests, and tests of some go on from those before. */
const share = 10;

const folderOf = (file: string): string => file.split('/').slice(0, 2).join('/');

/** @param files all that are long
 * @returns those that a run does not take with this seed */
export function filesLeftOut(files: readonly string[], seed: string): readonly string[] {
  return [...new Set(files.map(folderOf))].flatMap((folder) => {
    const own = files.filter((file) => folderOf(file) === folder);
    const taken = new Set(drawn(own, Math.ceil(own.length / share), `${seed}\n${folder}`));
    return own.filter((file) => !taken.has(file));
  });
}

/** With `KUSTODY_CASES=few`, which `npm test` sets. */
export const leftOutNow = (): readonly string[] =>
  process.env['KUSTODY_CASES'] === 'few' ? filesLeftOut(longFiles, process.env['KUSTODY_SEED'] ?? '0') : [];
