import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..', '..', '..');
const folder = join(root, 'node_modules', '.cache', 'kustody', 'parser');

/** The parser process for tests: what `buildParser` has made before the first of them. */
export const parserEntry = join(folder, 'kql-process.mjs');
/** Where its start-up snapshots are kept. */
export const parserSnapshots = join(folder, 'snapshots');

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
} as const;

/** Bundles the parser process and the script that builds its start-up snapshot, once for a run of tests. */
export async function buildParser(): Promise<void> {
  const draft = `${parserEntry}.${process.pid}`;
  await build({
    ...common,
    entryPoints: ['src/kql/parser/process/main.ts'],
    outfile: draft,
    format: 'esm',
    external: ['@kusto/language-service-next'],
  });
  renameSync(draft, parserEntry); // another run may be reading it
  await buildSnapshotScript(folder);
}

/** Bundles the script that builds the start-up snapshot. @returns its path in `folder` */
export async function buildSnapshotScript(folder: string): Promise<string> {
  const outfile = join(folder, 'kql-snapshot.cjs');
  const draft = `${outfile}.${process.pid}`;
  await build({ ...common, entryPoints: ['src/kql/parser/process/snapshot.ts'], outfile: draft, format: 'cjs' });
  renameSync(draft, outfile);
  return outfile;
}
