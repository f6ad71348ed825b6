import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { buildProgram } from '../support/build-program.ts';

const hasStrace = process.platform === 'linux' && spawnSync('strace', ['-e', 'trace=none', 'true']).status === 0;
if (!hasStrace)
  console.warn('Skipped: the test that traces every file opened for writing needs strace, and the right to use it.');

const root = mkdtempSync(join(tmpdir(), 'kustody-written-'));
afterAll(() => rmSync(root, { recursive: true }));

it.runIf(hasStrace)('writing and reading an extent opens no file on a disk for writing, but the sealed one', () => {
  const program = join(
    import.meta.dirname,
    '..',
    '..',
    'node_modules',
    '.cache',
    'kustody-extents',
    'extent-writer.cjs',
  );
  buildProgram(join(import.meta.dirname, 'extent-writer.ts'), program);
  const trace = join(root, 'trace');
  const blobs = join(root, 'blobs');
  const canary = 'canary-5b1e';
  const calls = 'trace=open,openat,openat2,creat,memfd_create';
  const command = ['-f', '-s', '4096', '-e', calls, '-o', trace, process.execPath, program, blobs, canary];
  const { status, stdout, stderr } = spawnSync('strace', command, { encoding: 'utf8' });
  expect([stderr, status, stdout]).toEqual(['', 0, '100000']);

  const written = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => /O_WRONLY|O_RDWR|O_CREAT|creat\(/.test(line))
    .map((line) => ({ path: /"([^"]*)"/.exec(line)?.[1] ?? line, isUnnamed: line.includes('O_TMPFILE') }));
  const inMemory = ({ path, isUnnamed }: (typeof written)[number]): boolean =>
    (isUnnamed && path === '/dev/shm') || path.startsWith('/proc/self/fd/') || path === '/dev/null';
  expect(written.filter(inMemory).length).toBeGreaterThanOrEqual(3); // two extents, and DuckDB's way in
  const onDisk = written.filter((one) => !inMemory(one)).map(({ path }) => path);
  expect(onDisk).toHaveLength(1);
  expect(onDisk[0]).toMatch(new RegExp(`^${blobs}/\\.unfinished/`));
  // It finds nothing, after it could read all that there is.
  expect(spawnSync('grep', ['-rlaF', canary, blobs], { encoding: 'utf8' })).toMatchObject({ status: 1, stdout: '' });
});
