import { build } from 'esbuild';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..', '..');

/** Bundles the parser process for tests. @returns the file to start; the same for all tests of one worker process */
export async function buildParserEntry(): Promise<string> {
  const outfile = join(root, 'node_modules', '.cache', 'kustody', `kql-process-${process.pid}.mjs`);
  await build({
    absWorkingDir: root,
    entryPoints: ['src/engine/kql/process/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    external: ['@kusto/language-service-next'],
  });
  return outfile;
}

/** Bundles the script that builds the start-up snapshot. @returns its path in `folder` */
export async function buildSnapshotScript(folder: string): Promise<string> {
  const outfile = join(folder, 'kql-snapshot.cjs');
  const entryPoints = ['src/engine/kql/process/snapshot.ts'];
  await build({
    absWorkingDir: root,
    entryPoints,
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'warning',
  });
  return outfile;
}
