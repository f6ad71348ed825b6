import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isJsonObject } from '../base/json.ts';
import { privateMarkName } from '../server/data-directory-names.ts';
import { StateLockedError } from '../state/sqlite/open-database.ts';
import { SqliteStateStore } from '../state/sqlite/sqlite-state-store.ts';
import { isDataDirectory } from './data-directory.ts';
import { systemProblem } from './system-problem.ts';
import { UserError } from './user-error.ts';

const prefix = 'kustody-';
/** So many are removed at a time: the others can wait. */
const orphansMax = 16;

/** The process that an instance goes with. */
interface Owner {
  readonly pid: number;
  /** Tells it from a later process with the same number; empty where the system does not say. */
  readonly started: string;
}

/** A directory for an instance that ends with this process. Those that killed processes have left are removed first.
 * @throws UserError when there is no room for temporary files */
export async function temporaryDataDirectory(): Promise<{ readonly directory: string; remove(): void }> {
  await removeOrphans(tmpdir());
  let directory: string;
  try {
    directory = mkdtempSync(join(tmpdir(), prefix)); // mkdtemp makes it 0700
  } catch (error) {
    const problem = systemProblem(error);
    if (problem === undefined) throw error;
    throw new UserError(`${tmpdir()} cannot be used: ${problem}.`, 'Name a directory for temporary files in TMPDIR.');
  }
  const owner: Owner = { pid: process.pid, started: startOf(process.pid) ?? '' };
  writeFileSync(join(directory, privateMarkName), JSON.stringify(owner), { mode: 0o600 });
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Only what carries the mark of a private instance, belongs to this user alone, and whose process is gone. */
async function removeOrphans(parent: string): Promise<void> {
  let left = orphansMax;
  for (const name of namesIn(parent)) {
    if (left === 0) return;
    const directory = join(parent, name);
    if (!name.startsWith(prefix) || !isOwn(directory) || !(await isOrphan(directory))) continue;
    try {
      rmSync(directory, { recursive: true, force: true });
    } catch {
      // Another `run` removes it at the same time, or it cannot be removed: it stays where it is.
    }
    left -= 1;
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function isOwn(directory: string): boolean {
  const status = lstatSync(directory, { throwIfNoEntry: false });
  return status?.isDirectory() === true && status.uid === process.getuid?.() && (status.mode & 0o077) === 0;
}

async function isOrphan(directory: string): Promise<boolean> {
  const owner = ownerOf(directory);
  if (owner === undefined || isAlive(owner)) return false;
  // Process numbers are those of one container; the lock is everybody's.
  if (!isDataDirectory(directory)) return false;
  try {
    await SqliteStateStore.open(directory).close();
    return true;
  } catch (error) {
    return !(error instanceof StateLockedError);
  }
}

function ownerOf(directory: string): Owner | undefined {
  try {
    const mark: unknown = JSON.parse(readFileSync(join(directory, privateMarkName), 'utf8'));
    if (!isJsonObject(mark)) return undefined;
    const { pid, started } = mark;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started }: Owner): boolean {
  const now = startOf(pid);
  if (now !== undefined) return now === started;
  try {
    process.kill(pid, 0);
    return started === '' || process.platform !== 'linux';
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** When a process began, in ticks since the machine did (proc(5), `stat`).
 * @returns undefined for one that is not there, or has ended and waits for its parent; also where there is no /proc */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in brackets, may hold blanks and brackets.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}
