import { spawn } from 'node:child_process';
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const building = new Set<string>();

/** The start-up snapshot that belongs to a parser entry (`dist/kql-process.js`), one for each Node version, beside it. When
 * there is none yet it is built in the background, for the next start; where that cannot be, starts stay plain.
 * @returns its path, undefined while there is none */
export function parserSnapshot(entry: string): string | undefined {
  const folder = dirname(entry);
  const builder = join(folder, 'kql-snapshot.cjs');
  const blob = join(folder, `kql-snapshot-${process.version}-${process.arch}.blob`);
  if (!existsSync(builder)) return undefined;
  if (existsSync(blob) && statSync(blob).mtimeMs > statSync(builder).mtimeMs) return blob;
  if (!building.has(blob)) {
    building.add(blob);
    build(builder, blob);
  }
  return undefined;
}

function build(builder: string, blob: string): void {
  const draft = `${blob}.${process.pid}`;
  const child = spawn(process.execPath, ['--snapshot-blob', draft, '--build-snapshot', builder], {
    stdio: 'ignore',
    env: {},
  });
  child.unref();
  child.on('error', () => undefined);
  child.on('exit', (code) => {
    try {
      if (code === 0) renameSync(draft, blob);
      else rmSync(draft, { force: true });
    } catch {
      // A folder that cannot be written to: every start is a plain one.
    }
  });
}
