/** A directory that is no seed, or what a service refused of it: what is wrong, and where. */
export class SeedFilesError extends Error {
  override readonly name: string = 'SeedFilesError';
}

/** There is nothing of that name, or no directory. */
export class NoSeedDirectoryError extends SeedFilesError {
  override readonly name = 'NoSeedDirectoryError';
}
