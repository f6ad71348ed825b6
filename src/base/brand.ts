declare const brand: unique symbol;

/** A value that must not be mixed up with another of the same shape. Made by parsers only. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
