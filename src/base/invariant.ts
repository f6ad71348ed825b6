/** A broken promise of our own code, never of a client. Crashes the operation. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** @throws InvariantError when `condition` does not hold; `promise` says what must hold, without secrets. */
export function invariant(condition: unknown, promise: string): asserts condition {
  if (!condition) throw new InvariantError(`Broken invariant: ${promise}`);
}
