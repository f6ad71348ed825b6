import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isBuilt, recordBuild } from '../../scripts/built-from.mjs';
import { temporaryDirectory } from '../support/kustody-command.ts';

const root = resolve(import.meta.dirname, '..', '..');
const anHourAgo = new Date(Date.now() - 3_600_000);

function put(directory: string, name: string, text: string): void {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  utimesSync(path, anHourAgo, anHourAgo);
}

/** A project that was built: of one source, a folder and a module that is no file. */
function buildIn(directory: string, startedMs: number): void {
  put(directory, 'source.txt', 'first');
  put(directory, join('types', 'one.d.ts'), '');
  put(directory, join('dist', 'output.txt'), 'made of first');
  utimesSync(join(directory, 'types'), anHourAgo, anHourAgo);
  recordBuild(directory, ['source.txt', 'types', 'virtual:module', join('dist', 'output.txt')], startedMs);
}

describe('a build', () => {
  it('is that of now while nothing has changed', () => {
    using directory = temporaryDirectory();
    buildIn(directory.path, Date.now());
    expect(isBuilt(directory.path)).toBe(true);
  });

  const changes: readonly (readonly [string, (directory: string) => void])[] = [
    ['a source is longer', (directory) => put(directory, 'source.txt', 'longer than before')],
    ['a source was written anew', (directory) => writeFileSync(join(directory, 'source.txt'), 'other')],
    ['a source is gone', (directory) => rmSync(join(directory, 'source.txt'))],
    ['a folder has a new file', (directory) => put(directory, 'types/two.d.ts', '')],
    ['a folder has lost a file', (directory) => rmSync(join(directory, 'types/one.d.ts'))],
    ['an output is gone', (directory) => rmSync(join(directory, 'dist/output.txt'))],
    ['an output was cut', (directory) => put(directory, 'dist/output.txt', 'made')],
    ['nothing says what it was made from', (directory) => rmSync(join(directory, 'dist/built-from.json'))],
    ['what was no file is one', (directory) => put(directory, 'virtual:module', '')],
  ];
  it.each(changes)('is of before when %s', (_, change) => {
    using directory = temporaryDirectory();
    buildIn(directory.path, Date.now());
    change(directory.path);
    expect(isBuilt(directory.path)).toBe(false);
  });

  it('is of before when a source changed after it had begun', () => {
    using directory = temporaryDirectory();
    buildIn(directory.path, anHourAgo.getTime() - 1);
    expect(isBuilt(directory.path)).toBe(false);
  });

  it('records what scripts/build.mjs has read and written', () => {
    const files = Object.keys(JSON.parse(readFileSync(join(root, 'dist', 'built-from.json'), 'utf8')) as object);
    for (const [from, names] of Object.entries({
      '': ['package.json', 'package-lock.json', 'tsconfig.json'],
      scripts: ['build.mjs', 'built-from.mjs', 'licences.mjs'],
      src: ['cli/program/main.ts', 'cluster/process/main.ts', 'testing/public.ts', 'testing/types'],
      'node_modules/@kusto/language-service-next': ['bridge.min.js', 'Kusto.Language.Bridge.min.js'],
      dist: [
        'kustody-program.cjs',
        'kustody-rest.cjs',
        'cluster-program.cjs',
        'LICENCES.txt',
        'testing.d.ts',
        'kusto-language/bridge.min.js',
      ],
    }))
      for (const name of names) expect(files).toContain(join(from, name));
  });
});

describe('scripts/setup.mjs', () => {
  it('builds what was not built, or not of this, and for the package always', () => {
    using directory = temporaryDirectory();
    for (const name of ['setup.mjs', 'waiting.mjs', 'built-from.mjs']) {
      put(directory.path, join('scripts', name), '');
      copyFileSync(join(root, 'scripts', name), join(directory.path, 'scripts', name));
    }
    put(directory.path, 'package-lock.json', '{}');
    put(directory.path, join('node_modules', '.package-lock.json'), '{}');
    put(
      directory.path,
      join('scripts', 'build.mjs'),
      `import { appendFileSync, mkdirSync } from 'node:fs';
      import { recordBuild } from './built-from.mjs';
      mkdirSync('dist', { recursive: true });
      appendFileSync('builds.txt', process.argv.slice(2).join(' ') + ';');
      recordBuild('.', ['source.txt'], Date.now());`,
    );
    const setUp = (...words: readonly string[]): string => {
      const script = join(directory.path, 'scripts', 'setup.mjs');
      const { status, stderr } = spawnSync(process.execPath, [script, ...words], { cwd: directory.path });
      expect(status, stderr.toString()).toBe(0);
      return readFileSync(join(directory.path, 'builds.txt'), 'utf8');
    };
    expect(setUp()).toBe(';');
    expect(setUp()).toBe(';');
    put(directory.path, 'source.txt', 'new');
    expect(setUp()).toBe(';;');
    expect(setUp('--only')).toBe(';;--only;');
  });
});
