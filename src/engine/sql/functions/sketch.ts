import type { FunctionRows } from '../scope.ts';

/** Sketches as values: hll and tdigest. */
export const sketchFunctions: FunctionRows = {};
