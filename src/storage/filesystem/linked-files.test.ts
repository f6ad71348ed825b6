import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linkAll, linkBack, removeUnlinked } from './linked-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linked-files-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});
const at = (path: string): string => join(folder, path);
const write = (path: string, text: string): void => {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
};
const files = (path: string): readonly string[] =>
  readdirSync(at(path), { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(at(join(path, name))).isFile())
    .sort();

describe('linked files', () => {
  it('come back when they were removed, and go when they are new', async () => {
    write('data/a/one.blob', '1');
    write('data/two.blob', '2');
    await linkAll(at('data'), at('links'));
    expect(statSync(at('links/two.blob')).ino).toBe(statSync(at('data/two.blob')).ino);
    rmSync(at('data/a'), { recursive: true });
    write('data/b/three.blob', '3');
    await linkBack(at('links'), at('data'));
    expect(files('data')).toEqual(['a/one.blob', 'b/three.blob', 'two.blob']);
    expect(readFileSync(at('data/a/one.blob'), 'utf8')).toBe('1');
    await removeUnlinked(at('links'), at('data'));
    expect(files('data')).toEqual(['a/one.blob', 'two.blob']);
  });

  it('are none where there is no directory', async () => {
    await linkAll(at('nothing'), at('links'));
    expect(files('links')).toEqual([]);
    await linkBack(at('links'), at('nothing'));
    await removeUnlinked(at('links'), at('nothing'));
    expect(readdirSync(folder)).toEqual(['links']);
  });
});
