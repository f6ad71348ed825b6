/** What the operating system says, for people. Anything that is not here is a bug of ours until it is looked at. */
const problems = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'a part of the path is no directory',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'links lead in a circle',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open on this machine',
  EADDRNOTAVAIL: 'this machine does not have the address',
  EADDRINUSE: 'another program is there',
  SQLITE_CANTOPEN: 'the state cannot be opened',
  SQLITE_READONLY: 'the state cannot be written to',
  SQLITE_CORRUPT: 'the state is damaged',
  SQLITE_FULL: 'no space is left for the state',
} as const;

/** @returns undefined for an error that is not the operating system's, or not to be expected */
export function systemProblem(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && isKnown(code) ? problems[code] : undefined;
}

const isKnown = (code: string): code is keyof typeof problems => Object.hasOwn(problems, code);
