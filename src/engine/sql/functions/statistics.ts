import type { FunctionRows } from '../scope.ts';

/** Gamma, beta, error function, tests. */
export const statisticsFunctions: FunctionRows = {};
