import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a program starts faster with, and what can be made again of the program's text at any time. */
export interface StartUpFile {
  /** Files are named `{kind}-{digest}.{extension}`. */
  readonly kind: string;
  readonly extension: string;
  /** All that it depends on besides Node.js itself. */
  readonly of: readonly string[];
  /** Arguments of Node.js that make it write the file at `draft`. */
  readonly make: (draft: string) => readonly string[];
}

/** The file that belongs to this program and this Node.js. It is kept in a directory of the user's, under a name that says all it depends
 * on, so two installations never take each other's, and an installation that nobody may write to has one for each of its users.
 * When there is none yet it is made in the background, for the next start; where that cannot be, starts stay plain.
 * @param cache made when it is missing (0700); undefined: there are none
 * @returns its path, undefined while there is none */
export function startUpFile(file: StartUpFile, cache: string | undefined): string | undefined {
  if (cache === undefined || !canBeOurs(cache) || !isOurs(cache)) return undefined;
  const path = pathOf(file, cache);
  if (existsSync(path)) return path;
  if (claim(`${path}.building`)) make(file, path);
  return undefined;
}

/** The same for those that only take what is there: they make none. */
export function keptStartUpFile(file: StartUpFile, cache: string | undefined): string | undefined {
  if (cache === undefined || !isOurs(cache)) return undefined;
  const path = pathOf(file, cache);
  return existsSync(path) ? path : undefined;
}

function pathOf(file: StartUpFile, cache: string): string {
  const key = createHash('sha256').update(
    JSON.stringify([process.version, process.versions.v8, process.platform, process.arch, process.execPath]),
  );
  for (const part of file.of) key.update(`${part.length}:`).update(part);
  return join(cache, `${file.kind}-${key.digest('hex').slice(0, 32)}.${file.extension}`);
}

/** One that nothing can be started with is made anew, for the next start. */
export function discardStartUpFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It stays, and is passed over each time.
  }
}

/** Makes it when it is missing. Root leaves nothing of its own in another user's home. */
function canBeOurs(directory: string): boolean {
  try {
    if (process.getuid?.() === 0 && statSync(nearestAbove(directory)).uid !== 0) return false;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return true;
  } catch {
    return false;
  }
}

/** What lies there is a program: only what nobody else can have written is started. */
function isOurs(directory: string): boolean {
  const uid = process.getuid?.();
  try {
    const found = lstatSync(directory);
    return found.isDirectory() && (uid === undefined || (found.uid === uid && (found.mode & 0o077) === 0));
  } catch {
    return false;
  }
}

/** The directory itself, or the next above it that is there. */
const nearestAbove = (path: string): string => (existsSync(path) ? path : nearestAbove(dirname(path)));

/** One process makes it at a time; the claim of one that is gone counts no more. */
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

/** So many of a kind stay: those that were made last. */
const keptMax = 4;
const draftMark = '{draft}';

/** Makes a draft and puts it in place when it is whole; goes on when this process ends. */
const makeAndPlace = `
const [path, keptMax, mark, ...args] = process.argv.slice(1);
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { basename, dirname, extname, join } = require('node:path');
const [folder, own] = [dirname(path), basename(path)];
const draft = path + '.' + process.pid + '-' + require('node:crypto').randomBytes(8).toString('hex') + '.draft';
process.umask(0o077);
try {
  for (const name of fs.readdirSync(folder))
    if (name.endsWith('.draft') && name.startsWith(own)) fs.rmSync(join(folder, name), { force: true });
  const { status } = spawnSync(process.execPath, args.map((arg) => (arg === mark ? draft : arg)), { stdio: 'ignore' });
  if (status === 0) fs.renameSync(draft, path);
  const kind = own.slice(0, own.lastIndexOf('-') + 1);
  const isKind = (name) => name.startsWith(kind) && name.endsWith(extname(own)) && name.length === own.length;
  const found = fs.readdirSync(folder).filter(isKind).map((name) => join(folder, name));
  const madeMs = new Map(found.map((file) => [file, fs.statSync(file).mtimeMs]));
  found.sort((left, right) => madeMs.get(right) - madeMs.get(left));
  for (const file of found.slice(Number(keptMax))) fs.rmSync(file, { force: true });
} finally { fs.rmSync(draft, { force: true }); fs.rmSync(path + '.building', { force: true }); }
`;

function make(file: StartUpFile, path: string): void {
  const args = ['-e', makeAndPlace, '--', path, String(keptMax), draftMark, ...file.make(draftMark)];
  const child = spawn(process.execPath, args, { stdio: 'ignore', env: {}, detached: true });
  child.on('error', () => undefined);
  child.unref();
}
