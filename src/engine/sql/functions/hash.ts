import type { FunctionRows } from '../scope.ts';

/** Hashes. */
export const hashFunctions: FunctionRows = {};
