import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { platformRows, platformsPage } from './platforms-page.ts';

const root = join(import.meta.dirname, '..', '..');
const path = join(root, 'docs', 'platforms.md');

const sources = (folder: string, isWanted: (name: string) => boolean) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && isWanted(name))
    .map((name) => ({ name, text: readFileSync(join(root, folder, name), 'utf8') }));

const isTest = (name: string): boolean => /\.(test|conformance|fixture)\.ts$/.test(name);

describe('docs/platforms.md', () => {
  it('says what its rows say', () => {
    const page = platformsPage();
    if (process.env['KUSTODY_WRITE_DOCS'] === '1') writeFileSync(path, page);
    expect(readFileSync(path, 'utf8')).toBe(page);
  });

  it('has a row for each place of the source that asks for the platform, and no other', () => {
    const asking = /process\.platform|'\/proc\/|`\/proc\/|\/dev\/shm|'\/bin\/|'\/etc\/|win32/;
    const justShown = ['cli/version.ts'];
    const found = sources('src', (name) => !isTest(name) && !justShown.includes(name))
      .filter(({ text }) => asking.test(text))
      .map(({ name }) => name);
    const named = platformRows.flatMap(({ files }) => files);
    expect(named.toSorted()).toEqual(found.toSorted());
    expect(new Set(named).size).toBe(named.length);
  });
});

describe('tests of the control plane', () => {
  /** What exists on one system, or is a program that comes with it. */
  const assumptions = /\/proc\/|\/dev\/shm|coredump|O_TMPFILE|'(strace|prlimit|setpriv|mount|sh|bash)'|\/bin\/(ba)?sh/;
  /** Modes, links and owners of files, which Windows has not. */
  const posix = /\.mode & 0o|chmodSync|symlinkSync|getuid|'\/dev\/null'/;
  const isGuarded = (text: string): boolean => text.includes('process.platform');
  const planes = [
    'arm',
    'authz',
    'base',
    'clock',
    'cmk',
    'http',
    'identity',
    'providers',
    'server',
    'state',
    'storage',
    'vault',
  ];
  const wire = ['authorization', 'edge', 'entra', 'graph', 'keyvault-keys', 'keyvault-provider', 'kusto-provider'];
  const tests = [
    ...planes.flatMap((plane) =>
      sources(`src/${plane}`, isTest).map((file) => ({ ...file, name: `src/${plane}/${file.name}` })),
    ),
    ...[...wire, 'managed-identity', 'resources'].flatMap((part) =>
      sources(`tests/wire/${part}`, () => true).map((file) => ({ ...file, name: `tests/wire/${part}/${file.name}` })),
    ),
  ];

  it('are many', () => {
    expect(tests.length).toBeGreaterThan(90);
  });

  it.each([
    ['assume Linux', assumptions],
    ['assume POSIX', posix],
  ])('nowhere %s without asking for the platform', (_, pattern) => {
    expect(tests.filter(({ text }) => pattern.test(text) && !isGuarded(text)).map(({ name }) => name)).toEqual([]);
  });
});
