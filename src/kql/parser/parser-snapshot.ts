import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What Node.js is started with, for a snapshot and from it: V8 takes no snapshot that was built with other flags. */
export const parserFlags = ['--max-old-space-size=2048'] as const;

/** The start-up snapshot that belongs to a parser entry (`dist/kql-process.js`). It is kept in a directory of the user's, under a name
 * that says all it depends on: the script that builds it, with the digest of the official parser at its top, and which Node.js this is.
 * So two installations never take each other's, and an installation that nobody may write to has one for each of its users.
 * When there is none yet it is built in the background, for the next start; where that cannot be, starts stay plain.
 * @param cache made when it is missing (0700); undefined: there are no snapshots
 * @returns its path, undefined while there is none */
export function parserSnapshot(entry: string, cache: string | undefined): string | undefined {
  const builder = join(dirname(entry), 'kql-snapshot.cjs');
  if (cache === undefined || !existsSync(builder) || !isOurs(cache)) return undefined;
  const key = createHash('sha256')
    .update(JSON.stringify([process.version, process.versions.v8, process.platform, process.arch, process.execPath]))
    .update(JSON.stringify(parserFlags))
    .update(readFileSync(builder));
  const blob = join(cache, `parser-${key.digest('hex').slice(0, 32)}.blob`);
  if (existsSync(blob)) return blob;
  if (claim(`${blob}.building`)) build(builder, blob);
  return undefined;
}

/** A snapshot is a program: only what nobody else can have written is started. */
function isOurs(directory: string): boolean {
  const uid = process.getuid?.();
  try {
    // Root leaves nothing of its own in another user's home.
    if (uid === 0 && statSync(nearestAbove(directory)).uid !== 0) return false;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const found = lstatSync(directory);
    return found.isDirectory() && (uid === undefined || (found.uid === uid && (found.mode & 0o077) === 0));
  } catch {
    return false; // It cannot be made, or not be looked at.
  }
}

/** The directory itself, or the next above it that is there. */
const nearestAbove = (path: string): string => (existsSync(path) ? path : nearestAbove(dirname(path)));

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

/** So many, of some 50 MB each, stay: those that were built last. */
const keptMax = 4;

/** Builds into a draft and puts it in place when it is whole; goes on when this process ends. */
const buildAndPlace = `
const [builder, blob, keptMax, ...flags] = process.argv.slice(1);
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const folder = path.dirname(blob);
const draft = blob + '.' + process.pid + '-' + require('node:crypto').randomBytes(8).toString('hex') + '.draft';
process.umask(0o077);
try {
  for (const name of fs.readdirSync(folder))
    if (name.endsWith('.draft') && name.startsWith(path.basename(blob))) fs.rmSync(path.join(folder, name), { force: true });
  const { status } = spawnSync(process.execPath, [...flags, '--snapshot-blob', draft, '--build-snapshot', builder], { stdio: 'ignore' });
  if (status === 0) fs.renameSync(draft, blob);
  const blobs = fs.readdirSync(folder).filter((name) => /^parser-[0-9a-f]{32}\\.blob$/.test(name)).map((name) => path.join(folder, name));
  const builtMs = new Map(blobs.map((file) => [file, fs.statSync(file).mtimeMs]));
  blobs.sort((left, right) => builtMs.get(right) - builtMs.get(left));
  for (const file of blobs.slice(Number(keptMax))) fs.rmSync(file, { force: true });
} finally { fs.rmSync(draft, { force: true }); fs.rmSync(blob + '.building', { force: true }); }
`;

function build(builder: string, blob: string): void {
  const child = spawn(process.execPath, ['-e', buildAndPlace, '--', builder, blob, String(keptMax), ...parserFlags], {
    stdio: 'ignore',
    env: {},
    detached: true,
  });
  child.on('error', () => undefined);
  child.unref();
}

/** One that does not start is built anew, for the next start. */
export function discardSnapshot(blob: string): void {
  try {
    rmSync(blob, { force: true });
  } catch {
    // It stays, and is passed over each time.
  }
}
