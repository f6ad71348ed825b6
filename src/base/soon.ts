/** At once where it is known, else a promise of it: what most requests ask should not wait its turn. */
export type Soon<T> = T | Promise<T>;

/** Goes on with a value, at once if it is there. Errors of a value that is there are thrown at once, too. */
export const soon = <T, R>(value: Soon<T>, next: (value: T) => Soon<R>): Soon<R> =>
  value instanceof Promise ? value.then(next) : next(value);
