import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..', '..');

/** Bundles entry points the way scripts/build.mjs does, for tests that start real processes.
 * @param entries name → path in the repository
 * @returns the directory with `{name}.mjs`, and what removes it */
export async function bundleProcesses(
  entries: Readonly<Record<string, string>>,
): Promise<{ directory: string; script: (name: string) => string; remove: () => void }> {
  const directory = mkdtempSync(join(tmpdir(), 'kustody-bundle-'));
  await build({
    absWorkingDir: root,
    entryPoints: { ...entries },
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['libsql', '@duckdb/node-api', '@kusto/language-service-next', 'pino'],
    banner: {
      js: "import { createRequire as kustodyCreateRequire } from 'node:module'; const require = kustodyCreateRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return {
    directory,
    script: (name) => join(directory, `${name}.mjs`),
    remove: () => {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
