/** Why a restore was refused, for the log. */
export const withoutYes = 'without --accept-rollback';

/** A move that cannot be made as it was asked for, or whose copy is not what the source has. */
export class MoveError extends Error {
  override readonly name = 'MoveError';
}
