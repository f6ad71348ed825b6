import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const hasStrace = spawnSync('strace', ['-V']).status === 0;
if (!hasStrace) console.log('strace is not installed: nobody watches which files are opened');

/** Opens for writing that hold no plaintext: sealed blobs under way, memory, and what every program writes. */
const harmless = (path: string, directory: string): boolean =>
  path.startsWith('/dev/shm') ||
  path.startsWith('/proc/self/') ||
  path.startsWith('/dev/') ||
  path.startsWith('/sys/fs/cgroup') ||
  path.startsWith(`${directory}/.unfinished/`);

describe.skipIf(!hasStrace)('ingestion, a query that spills, and eviction', () => {
  it('open no file on a disk for writing but sealed ones', async () => {
    const work = mkdtempSync(join(tmpdir(), 'kustody-trace-'));
    // Native packages are found from here.
    const bundle = mkdtempSync(join(root, 'node_modules', '.trace-'));
    try {
      await build({
        absWorkingDir: root,
        entryPoints: { traced: 'tests/support/traced-data.ts' },
        outdir: bundle,
        outExtension: { '.js': '.mjs' },
        bundle: true,
        splitting: true,
        platform: 'node',
        target: 'node20',
        format: 'esm',
        external: ['libsql', '@duckdb/node-api', '@kusto/language-service-next', 'pino'],
        logLevel: 'warning',
      });
      const extents = join(work, 'extents');
      const trace = join(work, 'trace');
      const calls = 'trace=open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,memfd_create';
      const script = join(bundle, 'traced.mjs');
      const output = execFileSync(
        'strace',
        ['-f', '-qq', '-s', '4096', '-e', calls, '-o', trace, process.execPath, script, extents],
        {
          encoding: 'utf8',
          env: { PATH: process.env['PATH'] ?? '', UV_THREADPOOL_SIZE: '8' },
        },
      );
      expect(JSON.parse(output)).toMatchObject({ rows: 1_260_002, isHot: true });
      const opened = readFileSync(trace, 'utf8')
        .split('\n')
        .filter((line) => /O_WRONLY|O_RDWR|O_CREAT|creat\(/.test(line))
        .map((line) => /"((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? line);
      expect(opened.filter((path) => path.startsWith('/dev/shm/kustody-spill-')).length).toBeGreaterThan(0);
      expect(opened.filter((path) => path.startsWith(`${extents}/.unfinished/`)).length).toBeGreaterThan(4);
      expect(opened.filter((path) => !harmless(path, extents))).toEqual([]);
      for (const file of readdirSync(extents, { recursive: true, withFileTypes: true })) {
        if (file.isFile())
          expect(readFileSync(join(file.parentPath, file.name)).includes('canary-in-the-mine')).toBe(false);
      }
    } finally {
      rmSync(work, { recursive: true, force: true });
      rmSync(bundle, { recursive: true, force: true });
    }
  });
});
