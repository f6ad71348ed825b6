// Bundles the entry points into dist/ (which is not emptied: a running Kustody may still load its parts from there). Native and very large packages stay outside the bundle.
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const entries = {
  main: 'src/cli/main.ts',
  article: 'src/cli/article/main.ts',
  'cluster-process': 'src/cluster/process/main.ts',
  'kql-process': 'src/engine/kql/process/main.ts',
};
await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(join(root, file)))),
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: true,
  minify: false,
  legalComments: 'none',
  external: ['libsql', '@duckdb/node-api', '@kusto/language-service-next', 'pino', 'azurite'],
  // Bundled CommonJS packages call require(): an ES module has none of its own.
  banner: { js: "import { createRequire as kustodyCreateRequire } from 'node:module'; const require = kustodyCreateRequire(import.meta.url);" },
  logLevel: 'warning',
});
