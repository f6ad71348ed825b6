/** A directory that is no seed, or what a service refused of it: what is wrong, and where. */
export class SeedFilesError extends Error {
  override readonly name = 'SeedFilesError';
}
