import { randomBytes as nodeRandomBytes } from 'node:crypto';

/** @returns exactly `length` bytes that nobody can guess; tests pass a seeded one */
export type RandomBytes = (length: number) => Uint8Array;

export const systemRandomBytes: RandomBytes = (length) => nodeRandomBytes(length);
