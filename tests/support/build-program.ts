import { buildSync } from 'esbuild';

/** Makes one file of a program and what it imports from here, for tests that end it in the middle.
 * @param outfile below the repository, so that it finds what is installed */
export function buildProgram(entry: string, outfile: string): void {
  buildSync({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', packages: 'external' });
}
