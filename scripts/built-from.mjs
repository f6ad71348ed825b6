// What dist/ was made from and what came of it, so that a build of the same is not made twice.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const record = join('dist', 'built-from.json');

/** @param files what was read and what was written, below the root; folders count by the names in them
 * @param startedMs what was changed after this moment may have been read before, so it counts as changed */
export function recordBuild(root, files, startedMs) {
  const states = files.map((file) => [file, stateOf(root, file)]);
  const outputs = join('dist', '/');
  const isLate = (file, state) => !file.startsWith(outputs) && state !== null && state[1] >= startedMs;
  const kept = states.map(([file, state]) => [file, isLate(file, state) ? 'changed meanwhile' : state]);
  writeFileSync(join(root, record), JSON.stringify(Object.fromEntries(kept)));
}

/** Whether nothing that the last build read or wrote has changed or is missing since. */
export function isBuilt(root) {
  if (!existsSync(join(root, record))) return false;
  const files = Object.entries(JSON.parse(readFileSync(join(root, record), 'utf8')));
  return files.every(([file, state]) => JSON.stringify(stateOf(root, file)) === JSON.stringify(state));
}

/** @returns size and time of change, or null for what is no file: bundles have inputs that are made for them */
function stateOf(root, file) {
  const { size, mtimeMs } = statSync(join(root, file), { throwIfNoEntry: false }) ?? {};
  return size === undefined ? null : [size, mtimeMs];
}
