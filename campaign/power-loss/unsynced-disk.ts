import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';

const source = resolve(import.meta.dirname, '..', '..', 'campaign', 'power-loss', 'unsynced.c');
const blockBytes = 4096;

/** @returns the library to load before the C library, or why there is none
 * @throws Error when there is a compiler and it fails */
export function compileUnsynced(directory: string): { readonly library: string } | { readonly reason: string } {
  if (process.platform !== 'linux') return { reason: 'it needs Linux (LD_PRELOAD)' };
  const library = join(directory, 'unsynced.so');
  for (const compiler of ['cc', 'gcc', 'clang']) {
    const args = ['-O2', '-Wall', '-Werror', '-shared', '-fPIC', '-o', library, source, '-ldl', '-pthread'];
    const { error, status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' });
    if (error !== undefined) continue;
    if (status !== 0) throw new Error(`${compiler} fails: ${stderr}`);
    return { library };
  }
  return { reason: 'there is no C compiler (cc, gcc or clang)' };
}

interface Entry {
  readonly isDirectory: boolean;
  readonly mode: number;
  readonly id: string;
  readonly name: string;
}

/** What a loss of power undid. */
export interface Loss {
  readonly blocks: number;
  readonly names: number;
}

/** A directory whose unsynced content can be dropped. Processes that write there run with `env`. */
export class UnsyncedDisk {
  readonly directory: string;
  readonly #mirror: string;
  readonly #library: string;

  /** @param parent gets the directory (`disk`) and what was synced of it (`mirror`) */
  constructor(parent: string, library: string) {
    const real = realpathSync(parent);
    this.directory = join(real, 'disk');
    this.#mirror = join(real, 'mirror');
    this.#library = library;
    mkdirSync(this.directory, { recursive: true });
    this.settle();
  }

  /** @param ignored a pattern of paths whose syncs are forgotten */
  env(ignored?: string): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.#library,
      UNSYNCED_DIRECTORY: this.directory,
      UNSYNCED_MIRROR: this.#mirror,
      UV_USE_IO_URING: '0', // or syncs could pass the C library by
      ...(ignored === undefined ? {} : { UNSYNCED_IGNORE: ignored }),
    };
  }

  /** All that is there now counts as synced. */
  settle(): void {
    rmSync(this.#mirror, { recursive: true, force: true });
    mkdirSync(this.#mirror);
    const keep = (directory: string): void => {
      const entries = entriesOf(directory);
      const lines = entries.map(
        ({ isDirectory, mode, id, name }) => `${isDirectory ? 'd' : 'f'} ${mode.toString(8)} ${id} ${name}\n`,
      );
      writeFileSync(join(this.#mirror, `${idOf(directory)}.names`), lines.join(''));
      for (const { isDirectory, id, name } of entries) {
        if (isDirectory) keep(join(directory, name));
        else writeFileSync(join(this.#mirror, `${id}.bytes`), readFileSync(join(directory, name)));
      }
    };
    keep(this.directory);
  }

  /** Nobody has files open there. What was synced stays; of the rest, blocks of files and the names of whole directories stay as `survives`
   * says, asked for each. Shared memory (`-shm`) goes. */
  losePower(survives: () => boolean): Loss {
    const paths = new Map(pathsBelow(this.directory));
    const loss = { blocks: 0, names: 0 };
    const restored = `${this.directory}.restored`;
    const restore = (id: string, target: string): void => {
      mkdirSync(target);
      for (const entry of this.#names(id, paths.get(id), survives, loss)) {
        const path = join(target, entry.name);
        if (entry.isDirectory) restore(entry.id, path);
        else if (entry.name.endsWith('-shm')) continue;
        else writeFileSync(path, this.#bytes(entry.id, paths.get(entry.id), survives, loss));
        chmodSync(path, entry.mode);
      }
    };
    restore(idOf(this.directory), restored);
    rmSync(this.directory, { recursive: true });
    renameSync(restored, this.directory);
    this.settle();
    return loss;
  }

  #names(id: string, path: string | undefined, survives: () => boolean, loss: { names: number }): readonly Entry[] {
    const file = join(this.#mirror, `${id}.names`);
    const synced = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map(parseEntry) : [];
    if (path === undefined) return synced;
    const current = entriesOf(path);
    const keys = (entries: readonly Entry[]) => new Set(entries.map((entry) => `${entry.id} ${entry.name}`));
    const [before, now] = [keys(synced), keys(current)];
    const differences = [...before, ...now].filter((key) => before.has(key) !== now.has(key)).length;
    if (differences === 0 || survives()) return current;
    loss.names += differences;
    return synced;
  }

  #bytes(id: string, path: string | undefined, survives: () => boolean, loss: { blocks: number }): Buffer {
    const file = join(this.#mirror, `${id}.bytes`);
    const synced = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
    if (path === undefined) return synced;
    const current = readFileSync(path);
    if (synced.equals(current)) return synced;
    const result = Buffer.alloc(survives() ? current.length : synced.length);
    const end = Math.max(synced.length, current.length);
    for (let at = 0; at < end; at += blockBytes) {
      const [before, now] = [synced.subarray(at, at + blockBytes), current.subarray(at, at + blockBytes)];
      const isKept = before.equals(now) || survives();
      if (at < result.length) (isKept ? now : before).copy(result, at);
      if (!isKept) loss.blocks += 1;
    }
    return result;
  }
}

/** As the library has it. */
function idOf(path: string): string {
  const { ino, birthtimeNs } = statSync(path, { bigint: true });
  return `${ino}-${birthtimeNs}`;
}

function entriesOf(directory: string): readonly Entry[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => {
      const path = join(directory, entry.name);
      return { isDirectory: entry.isDirectory(), mode: statSync(path).mode & 0o7777, id: idOf(path), name: entry.name };
    });
}

function parseEntry(line: string): Entry {
  const [kind, mode, id, ...name] = line.split(' ');
  if (kind === undefined || mode === undefined || id === undefined || name.length === 0)
    throw new Error(`no entry of a directory: ${line}`);
  return { isDirectory: kind === 'd', mode: parseInt(mode, 8), id, name: name.join(' ') };
}

function* pathsBelow(directory: string): Iterable<readonly [string, string]> {
  yield [idOf(directory), directory];
  for (const { isDirectory, id, name } of entriesOf(directory)) {
    if (isDirectory) yield* pathsBelow(join(directory, name));
    else yield [id, join(directory, name)];
  }
}
