import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileUnsynced, UnsyncedDisk } from '../../campaign/power-loss/unsynced-disk.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import { StateAnchor } from '../../src/state/tree/anchor.ts';
import { buildProgram } from '../support/build-program.ts';
import { temporaryDirectory } from '../support/kustody-command.ts';

const place = temporaryDirectory();
const compiled = compileUnsynced(place.path);
if ('reason' in compiled)
  console.warn(`Skipped: what is left after a loss of power cannot be seen, ${compiled.reason}.`);
const library = 'library' in compiled ? compiled.library : '';

const cache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'kustody-power-loss');
const writer = join(cache, 'writer.cjs');
beforeAll(() => {
  buildProgram(join(import.meta.dirname, 'power-loss-writer.ts'), writer);
});
afterAll(() => place[Symbol.dispose]());

/** @param ignored a pattern of paths whose syncs are forgotten */
function lose(name: string, ignored?: string): string {
  const parent = join(place.path, name);
  mkdirSync(parent);
  const disk = new UnsyncedDisk(parent, library);
  const env = { ...process.env, ...disk.env(ignored) };
  const { signal, stderr } = spawnSync(process.execPath, [writer, disk.directory], { env });
  expect([signal, stderr.toString()]).toEqual(['SIGKILL', '']);
  disk.losePower(() => false);
  return disk.directory;
}

it.runIf(library)(
  'the state, the root key, blobs and the anchor outlive a loss of power, with all names above',
  async () => {
    const directory = lose('all');
    const data = join(directory, 'new', 'data');
    expect(readFileSync(join(data, 'root.key'), 'utf8')).toMatch(/^[\w-]{43}\n$/);
    const state = SqliteStateStore.open(data);
    expect((await state.get('t', 'i'))?.value.toString()).toBe('kept');
    await state.close();
    expect(readFileSync(join(data, 'extents', 'cluster', 'folder', 'blob.blob'), 'utf8')).toBe('kept');
    const anchor = StateAnchor.open(join(directory, 'anchor'));
    expect(anchor.read()).toEqual({ counter: 1, digest: 'd' });
    anchor.close();
  },
);

it.runIf(library)('a sync that is forgotten is seen: of the log, and of a directory', async () => {
  const state = SqliteStateStore.open(join(lose('log', '*/state.db-wal'), 'new', 'data'));
  expect(await state.get('t', 'i')).toBeUndefined();
  await state.close();
  const folder = join(lose('folder', '*/folder/'), 'new', 'data', 'extents', 'cluster', 'folder');
  expect(() => readFileSync(join(folder, 'blob.blob'))).toThrow('ENOENT');
});
