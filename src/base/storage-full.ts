/** There is no room left on the disk. Nothing was written, and what was there is as it was. */
export class StorageFullError extends Error {
  override readonly name = 'StorageFullError';
  /** Known to every plane. */
  readonly code = 'ERR_STORAGE_FULL';
  constructor(options?: ErrorOptions) {
    super('The disk is full: nothing was written.', options);
  }
}

const codes: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'SQLITE_FULL']);

/** As file systems and SQLite say it. */
export const saysFull = (error: unknown): boolean => error instanceof Error && 'code' in error && codes.has(error.code);
