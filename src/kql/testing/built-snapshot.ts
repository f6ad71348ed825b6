import { mkdirSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { parserSnapshot } from '../parser/parser-snapshot.ts';

/** However busy the machine is. */
const builtMsMax = 200_000;

/** Starts the build of a snapshot, as the first start of a parser does. @returns its path, once it is in place */
export const builtSnapshot = (entry: string, cache: string): Promise<string> =>
  inPlace(cache, () => parserSnapshot(entry, cache));

/** @param look for a file in `cache`, and has it made when there is none
 * @returns its path, once it is there */
export async function inPlace(cache: string, look: () => string | undefined): Promise<string> {
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const changes = watch(cache, { signal: AbortSignal.timeout(builtMsMax) });
  const placed = look();
  if (placed !== undefined) return placed;
  for await (const { filename } of changes) {
    if (filename === null || !/\.(?:blob|code)$/.test(filename)) continue;
    const made = look();
    if (made !== undefined) return made;
  }
  throw new Error('Nothing was made.');
}
