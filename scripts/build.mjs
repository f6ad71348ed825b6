// Bundles the entry points into dist/ (which is not emptied: a running Kustody may still load its parts from there).
// Native and very large packages stay outside the bundles.
import { build } from 'esbuild';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const common = {
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  legalComments: 'none',
  external: ['libsql', '@duckdb/node-api', '@kusto/language-service-next', 'pino', 'azurite'],
  logLevel: 'warning',
};
await build({
  ...common,
  entryPoints: {
    main: 'src/cli/main.ts',
    article: 'src/cli/article/main.ts',
    testing: 'src/testing/testing.ts',
    'cluster-process': 'src/cluster/process/main.ts',
    'kql-process': 'src/engine/kql/process/main.ts',
    'engine-thread': 'src/engine/apart/engine-thread.ts',
  },
  splitting: true,
  format: 'esm',
  // Bundled CommonJS packages call require(): an ES module has none of its own.
  banner: {
    js: "import { createRequire as kustodyCreateRequire } from 'node:module'; const require = kustodyCreateRequire(import.meta.url);",
  },
});
// The parser as a script for `node --build-snapshot`, which takes one file and built-in modules only.
await build({
  ...common,
  entryPoints: { 'kql-snapshot': 'src/engine/kql/process/snapshot.ts' },
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
});
// The test library once more, for programs that call require().
await build({
  ...common,
  entryPoints: { testing: 'src/testing/testing.ts' },
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  define: { 'import.meta.dirname': '__dirname' },
});
// Its public types stand in one file that imports from packages only.
const types = `${readFileSync(join(root, 'src/testing/public.ts'), 'utf8')}
/** Starts a Kustody of its own in this process, on free ports and in a temporary directory, with a clock that can be moved. */
export declare function startKustody<const Options extends StartOptions = Record<never, never>>(
  options?: Options,
): Promise<Started<Options>>;
`;
for (const name of ['testing.d.ts', 'testing.d.cts']) writeFileSync(join(root, 'dist', name), types);
