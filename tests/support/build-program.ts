import { buildSync } from 'esbuild';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

const starter = join(import.meta.dirname, 'cached-start.cjs');

/** Makes one script of a program and all that it imports, packages too, for tests that start it again and again: hundreds of modules that
 * are found, read and compiled one by one are most of such a start.
 * @param outfile below the repository, so that it finds packages with native parts
 * @returns the arguments of Node.js that start it; whoever comes to its end first leaves for the others what V8 compiled */
export function buildProgram(entry: string, outfile: string): readonly string[] {
  rmSync(`${outfile}.cache`, { force: true }); // V8 takes it for any script of the same length
  buildSync({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    define: { 'import.meta.dirname': '__dirname', 'import.meta.url': '__filename' },
    external: ['libsql', '@duckdb/node-bindings', '@kusto/language-service-next', 'pino'],
    minifyWhitespace: true, // each start reads the text
    legalComments: 'none',
    logLevel: 'warning',
  });
  return [starter, outfile];
}
