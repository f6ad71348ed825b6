// Bundles the campaign beside the product and runs it: node scripts/campaign.mjs [PART…]
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
await build({
  absWorkingDir: root,
  entryPoints: { main: 'campaign/main.ts' },
  outdir: 'dist/campaign', // as far from the root as tests/support is, whose parts find `bin` from where they stand
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
const { status } = spawnSync(process.execPath, [join(root, 'dist', 'campaign', 'main.js'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
