import { constants } from 'node:fs';
import { copyFile, link, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** The files below a directory, relative to it. None when it is not there. */
async function filesIn(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Gives every file of a directory that is written once a second name below another one: no byte is copied where the file system can.
 * Files that go meanwhile are left out. */
export async function linkAll(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  for (const file of await filesIn(from)) await linkOne(join(from, file), join(to, file));
}

/** Files that have a link and are missing come back. */
export async function linkBack(links: string, to: string): Promise<void> {
  const wanted = new Set(await filesIn(links));
  const present = new Set(await filesIn(to));
  for (const file of wanted) if (!present.has(file)) await linkOne(join(links, file), join(to, file));
}

/** Removes the files that have no link. */
export async function removeUnlinked(links: string, from: string): Promise<void> {
  const wanted = new Set(await filesIn(links));
  for (const file of await filesIn(from)) if (!wanted.has(file)) await rm(join(from, file), { force: true });
}

async function linkOne(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  try {
    await link(from, to);
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'EEXIST') return;
    if (code !== 'EPERM' && code !== 'EMLINK' && code !== 'ENOTSUP') throw error;
    await copyFile(from, to, constants.COPYFILE_EXCL);
  }
}
