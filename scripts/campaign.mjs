// Bundles the campaign beside the product and runs it: node scripts/campaign.mjs [PART…]
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
// Of its own, for several may run at once; as far from the root as tests/support is, whose parts find `bin` from where they stand.
const outdir = join(root, 'dist', `campaign-${process.pid}`);
await build({
  absWorkingDir: root,
  entryPoints: { main: 'campaign/main.ts' },
  outdir,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  external: ['libsql', '@duckdb/node-api', 'pg', '@kusto/language-service-next', 'pino', 'azurite'],
  banner: {
    js: "import { createRequire as kustodyCreateRequire } from 'node:module'; const require = kustodyCreateRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
const { status } = spawnSync(process.execPath, [join(outdir, 'main.js'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
rmSync(outdir, { recursive: true });
process.exitCode = status ?? 1;
