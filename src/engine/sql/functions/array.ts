import type { FunctionRows } from '../scope.ts';

/** Functions of dynamic arrays. */
export const arrayFunctions: FunctionRows = {};
