import type { FunctionRows } from '../scope.ts';

/** Functions of property bags. */
export const bagFunctions: FunctionRows = {};
