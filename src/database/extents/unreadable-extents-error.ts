/** Names the extents of a table that could not be read, although the step went on without them. */
export class UnreadableExtentsError extends Error {
  override readonly name = 'UnreadableExtentsError';
  constructor(
    readonly count: number,
    /** Class of the error that one of them gave. */
    readonly why: string,
  ) {
    super(`${count} extents do not open.`);
  }
}
