import type { FunctionRows } from '../scope.ts';

/** Units: convert_*, format_bytes. */
export const unitFunctions: FunctionRows = {};
