import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { waitMs } from './hang.ts';

const root = resolve(import.meta.dirname, '..', '..');

/** A project of a user's, with the packed tarball of what is built now, and our own packages beside it. */
export interface PackedProject {
  readonly directory: string;
  write(files: ReadonlyMap<string, string>): void;
  /** Runs Node.js in the project, with no more environment than a user has. */
  node(args: readonly string[], environment?: Readonly<Record<string, string>>): Ended;
  /** What instances have left where temporary files lie. */
  leftBehind(): readonly string[];
  remove(): void;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  /** Both streams, to look for what went wrong. */
  readonly output: string;
}

/** @param isLinked which of our packages are installed beside it; default: all
 * @param installed where the tarball is installed already: it takes seconds to pack */
export function packedProject(
  isLinked: (name: string) => boolean = () => true,
  installed?: PackedProject,
): PackedProject {
  const directory = mkdtempSync(join(tmpdir(), 'packed-project-'));
  const modules = join(directory, 'node_modules');
  const temporary = join(directory, 'tmp');
  mkdirSync(temporary);
  const kustody = join(modules, 'kustody');
  if (installed === undefined) installPacked(kustody, temporary);
  else cpSync(join(installed.directory, 'node_modules', 'kustody'), kustody, { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules')))
    if (isLinked(name)) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  return {
    directory,
    write: (files) => {
      for (const [name, text] of files) writeFileSync(join(directory, name), text);
    },
    node: (args, environment = {}) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, args, {
        cwd: directory,
        encoding: 'utf8',
        timeout: waitMs,
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: temporary, NO_COLOR: '1', ...environment },
      });
      return { code: status, stdout, output: `${stdout}${stderr}` };
    },
    leftBehind: () => readdirSync(temporary).filter((name) => name.startsWith('kustody-')),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function installPacked(place: string, temporary: string): void {
  mkdirSync(place, { recursive: true });
  const packed = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', temporary], {
    cwd: root,
    encoding: 'utf8',
  });
  const tarball = join(temporary, packed.trim());
  execFileSync('tar', ['-xzf', tarball, '-C', place, '--strip-components=1']);
  rmSync(tarball);
}
