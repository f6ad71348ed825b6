import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The start-up snapshot that belongs to a parser entry (`dist/kql-process.js`), one for each Node version, beside it. When
 * there is none yet it is built in the background, for the next start; where that cannot be, starts stay plain.
 * @returns its path, undefined while there is none */
export function parserSnapshot(entry: string): string | undefined {
  const folder = dirname(entry);
  const builder = join(folder, 'kql-snapshot.cjs');
  const blob = join(folder, `kql-snapshot-${process.version}-${process.arch}.blob`);
  if (!existsSync(builder)) return undefined;
  if (existsSync(blob) && statSync(blob).mtimeMs > statSync(builder).mtimeMs) return blob;
  if (claim(`${blob}.building`)) build(builder, blob);
  return undefined;
}

/** One process builds at a time; the claim of one that is gone counts no more. */
function claim(file: string): boolean {
  try {
    if (existsSync(file) && !isAlive(Number(readFileSync(file, 'utf8')))) rmSync(file, { force: true });
    writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch {
    // Claimed by another, or a folder that cannot be written to.
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Builds into a draft and puts it in place when it is whole; goes on when this process ends. */
const buildAndPlace = `
const [builder, blob] = process.argv.slice(1);
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const draft = blob + '.' + process.pid;
const { status } = spawnSync(process.execPath, ['--snapshot-blob', draft, '--build-snapshot', builder], { stdio: 'ignore' });
try { if (status === 0) fs.renameSync(draft, blob); } finally { fs.rmSync(draft, { force: true }); fs.rmSync(blob + '.building', { force: true }); }
`;

function build(builder: string, blob: string): void {
  const child = spawn(process.execPath, ['-e', buildAndPlace, builder, blob], {
    stdio: 'ignore',
    env: {},
    detached: true,
  });
  child.on('error', () => undefined);
  child.unref();
}
