import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const runs = Math.max(3, Math.floor(Number(process.env['KUSTODY_CRASH_RUNS'] ?? 12) / 10));

describe('a process that is killed while it ingests and merges', () => {
  it(`has every acknowledged row once (${runs} kills)`, { timeout: 240_000 + runs * 15_000 }, async () => {
    const work = mkdtempSync(join(tmpdir(), 'kustody-killed-'));
    // Native packages are found from here.
    const bundle = mkdtempSync(join(root, 'node_modules', '.killed-'));
    try {
      await build({
        absWorkingDir: root,
        entryPoints: { killed: 'tests/support/killed-data.ts' },
        outdir: bundle,
        outExtension: { '.js': '.mjs' },
        bundle: true,
        platform: 'node',
        target: 'node20',
        format: 'esm',
        external: ['libsql', '@duckdb/node-api', '@kusto/language-service-next', 'pino'],
        logLevel: 'warning',
      });
      const acknowledged = new Set<number>();
      for (let run = 0; run <= runs; run += 1) {
        const { found, added } = await runUntilKilled(
          join(bundle, 'killed.mjs'),
          work,
          run === runs ? 0 : randomInt(1, 120),
        );
        expect(new Set(found).size).toBe(found.length);
        for (const n of acknowledged) if (!found.includes(n)) expect([run, n]).toEqual([run, 'there']);
        for (const n of added) acknowledged.add(n);
      }
      expect(acknowledged.size).toBeGreaterThan(runs);
    } finally {
      rmSync(work, { recursive: true, force: true });
      rmSync(bundle, { recursive: true, force: true });
    }
  });
});

/** @param count of acknowledgements after which it is killed @returns rows at the start, and rows acknowledged */
async function runUntilKilled(
  script: string,
  directory: string,
  count: number,
): Promise<{ found: number[]; added: number[] }> {
  const child = spawn(process.execPath, [script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { UV_THREADPOOL_SIZE: '8' },
  });
  const exit = once(child, 'exit');
  let found: number[] | undefined;
  const added: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (found === undefined) found = JSON.parse(line) as number[];
    else added.push(Number(line));
    if (added.length >= count) child.kill('SIGKILL');
  }
  await exit;
  if (found === undefined) throw new Error('the process ended before it had opened its data');
  return { found, added };
}
