/** At once where it is known, else a promise of it: what most requests ask should not wait its turn. */
export type Soon<T> = T | Promise<T>;

/** Errors are recovered from alike, whether they are thrown at once or a promise is rejected with them. */
export function soonOr<T, R>(work: () => Soon<T>, recovered: (error: unknown) => R): Soon<T | R> {
  try {
    const value = work();
    return value instanceof Promise ? value.catch(recovered) : value;
  } catch (error) {
    return recovered(error);
  }
}

/** Goes on with a value, at once if it is there. Errors of a value that is there are thrown at once, too. */
export const soon = <T, R>(value: Soon<T>, next: (value: T) => Soon<R>): Soon<R> =>
  value instanceof Promise ? value.then(next) : next(value);
