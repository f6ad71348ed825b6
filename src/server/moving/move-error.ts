/** A move that cannot be made as it was asked for, or whose copy is not what the source has. */
export class MoveError extends Error {
  override readonly name = 'MoveError';
}
